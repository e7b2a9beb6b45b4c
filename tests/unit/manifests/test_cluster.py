"""The objects of a cluster: as the golden files say, the same pods as the plain manifests, and what restarts a member."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.manifests.golden_files import EXAMPLES, GOLDEN, OPTIONS, ROOT, UID, cluster_of, text_of
from tests.unit.resource.mutations import Mutation, mutations
from trireme.api.resource import GaleraCluster, GaleraClusterSpec, InvalidClusterError, read_cluster
from trireme.api.resource.rules import Change
from trireme.base.errors import PermanentError
from trireme.manifests.cluster import RESTART_HASH, Manifests, Options, manifests, objects
from trireme.manifests.crd.schema import structural

BASE: dict[str, Any] = {"storage": {"size": "10Gi"}}


def cluster(spec: dict[str, Any] | None = None, **status: Any) -> GaleraCluster:
    metadata = {"name": "demo", "namespace": "default", "uid": UID}
    return read_cluster({"metadata": metadata, "spec": BASE | (spec or {}), "status": status})


def built(spec: dict[str, Any] | None = None, options: Options = OPTIONS) -> Manifests:
    return manifests(cluster(spec), options)


def named(made: Manifests, kind: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in made.others if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pod(made: Manifests) -> dict[str, Any]:
    found: dict[str, Any] = made.set["spec"]["template"]["spec"]
    return found


# --- what there is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_golden_files_are_current(example: Path) -> None:
    expected = (GOLDEN / example.name).read_text()
    assert text_of(example) == expected, "look at it, then `python -m tests.unit.manifests.golden_files`"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {path.name for path in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_field_that_says_nothing_is_the_same_as_none(example: Path) -> None:
    """The definition fills in no empty lists and maps; objects that were stored while it did restart nobody."""
    found = cluster_of(example)
    lean, filled = (
        found.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=lean)
        for lean in (True, False)
    )
    lean["metadata"] = filled["metadata"]
    assert {"tolerations", "env"} <= filled["spec"].keys()
    assert manifests(read_cluster(lean), OPTIONS) == manifests(read_cluster(filled), OPTIONS)


def test_no_default_of_the_definition_says_nothing() -> None:
    """Each would be a line of every `kubectl describe`."""

    def defaults(schema: dict[str, Any]) -> Iterator[Any]:
        if "default" in schema:
            yield from values(schema["default"])
        for each in (
            *schema.get("properties", {}).values(),
            *([schema["items"]] if "items" in schema else []),
        ):
            yield from defaults(each)

    def values(default: Any) -> Iterator[Any]:
        yield default
        for each in default.values() if isinstance(default, dict) else ():
            yield from values(each)

    found = list(defaults(structural(GaleraCluster)))
    assert "RollingUpdate" in found
    assert [each for each in found if each in ("", [], {})] == []


def plain() -> dict[tuple[str, str], dict[str, Any]]:
    command = ["kubectl", "kustomize", str(ROOT / "deploy/plain")]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


def test_the_pods_are_those_of_the_plain_manifests() -> None:
    ours, theirs = pod(built()), plain()["StatefulSet", "demo"]["spec"]["template"]["spec"]
    same = (
        "securityContext",
        "terminationGracePeriodSeconds",
        "topologySpreadConstraints",
        "enableServiceLinks",
    )
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    for kind in ("initContainers", "containers"):
        for one, other in zip(ours[kind], theirs[kind], strict=True):
            alike = other.keys() - {"env", "envFrom", "volumeMounts"}
            assert {key: one[key] for key in alike} == {key: other[key] for key in alike}
            assert [each for each in other["volumeMounts"] if each not in one["volumeMounts"]] == []
    volumes = {each["name"]: each for each in ours["volumes"]}
    for other in theirs["volumes"]:
        if other["name"] != "config":
            assert volumes[other["name"]] == other


def test_the_agent_gets_the_settings_of_the_plain_manifests() -> None:
    (config,) = (each for (kind, name), each in plain().items() if name.startswith("demo-config"))
    env = {each["name"]: each.get("value") for each in pod(built())["containers"][0]["env"]}
    live = named(built(), "ConfigMap", "demo-live")["data"]
    for name, value in config["data"].items():
        assert (live if name in live else env)[name] == value


def test_rights_and_services_are_those_of_the_plain_manifests() -> None:
    found = plain()
    made = built()
    assert named(made, "Role", "demo")["rules"] == found["Role", "demo"]["rules"]
    for name in ("demo", "demo-internal", "demo-primary", "demo-secondary"):
        theirs = found["Service", name]["spec"]
        ours = named(made, "Service", name)["spec"]
        assert {key: ours[key] for key in theirs} == theirs


def test_everything_is_owned_and_labelled() -> None:
    for each in objects(cluster({"arbitrator": {"enabled": True}, "replicas": 2}), OPTIONS):
        metadata = each["metadata"]
        assert metadata["ownerReferences"][0]["uid"] == UID
        assert metadata["labels"]["app.kubernetes.io/instance"] == "demo"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "trireme-operator"


def test_the_arbitrator_is_there_while_the_number_is_even() -> None:
    kinds = [
        "Deployment" in {each["kind"] for each in built({"replicas": replicas, **even}).others}
        for replicas in (1, 2, 3, 4)
        for even in ({"arbitrator": {"enabled": True}},)
    ]
    assert kinds == [False, True, False, True]


def test_who_hibernates_keeps_its_volumes_and_its_number() -> None:
    made = built(
        {"hibernate": True, "storage": {"size": "1Gi", "pvcRetentionPolicy": {"whenScaled": "Delete"}}}
    )
    assert made.set["spec"]["replicas"] == 0
    assert made.set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"
    assert named(made, "ConfigMap", "demo-live")["data"]["TRIREME_MEMBERS"] == "3"


def test_the_image_does_not_follow_the_operator() -> None:
    assert manifests(cluster(), OPTIONS).image == OPTIONS.image
    assert manifests(cluster(image="old:1"), OPTIONS).image == "old:1"
    assert manifests(cluster({"image": "mine:2"}, image="old:1"), OPTIONS).image == "mine:2"
    with pytest.raises(PermanentError, match=r"spec\.image is not set"):
        manifests(cluster(), Options(image=""))


def test_on_openshift_the_scc_chooses() -> None:
    context = pod(built(options=Options(image="x", openshift=True)))["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_the_policy_of_recovery_is_live() -> None:
    recovery = {"missingMembers": "Majority", "after": "1h30m"}
    data = named(built({"recovery": recovery}), "ConfigMap", "demo-live")["data"]
    assert data["TRIREME_MISSING_MEMBERS"] == "MajorityAfter=5400"
    word = manifests(cluster(), OPTIONS, founder="0:4f1c09aa3b7d2e61")
    assert named(word, "ConfigMap", "demo-live")["data"]["TRIREME_NEW_CLUSTER"] == "0:4f1c09aa3b7d2e61"


# --- what restarts a member --------------------------------------------------------------------------------------

CHANGES = {
    info.alias: Change(str(extra["change"]))
    for info in GaleraClusterSpec.model_fields.values()
    if isinstance(extra := info.json_schema_extra, dict) and "change" in extra
}


def valid_mutations() -> list[Mutation]:
    found = []
    for each in mutations(structural(GaleraClusterSpec), BASE):
        if each.fits and CHANGES.get(str(each.path[0]), Change.IMMUTABLE) is not Change.IMMUTABLE:
            try:
                read_cluster({"metadata": {"name": "demo"}, "spec": each.spec})
            except InvalidClusterError:
                continue
            found.append(each)
    return found


@pytest.mark.parametrize("mutation", valid_mutations(), ids=str)
def test_what_the_reference_says_of_a_change_is_true(mutation: Mutation) -> None:
    """Only what is said to restart the members changes the restart hash; all that is said to is in the pods."""
    try:
        made = built(mutation.spec)
    except PermanentError:
        assert mutation.path[0] in ("volumeMounts",), "a valid value is refused"
        return
    rolls = CHANGES[str(mutation.path[0])] is Change.ROLLING
    says_nothing_new = mutation.value == {} or mutation.path == ("podSecurityContext", "runAsNonRoot")
    if rolls and not says_nothing_new and cluster(mutation.spec).spec != cluster().spec:
        assert made.restart_hash != built().restart_hash
    else:
        assert made.restart_hash == built().restart_hash


def test_settings_that_take_a_restart_and_settings_that_do_not() -> None:
    quiet = built().restart_hash
    assert built({"myCnf": "[mariadbd]\nmax_connections = 99\n"}).restart_hash == quiet
    assert built({"myCnf": "# only a comment\n"}).restart_hash == quiet
    assert built({"myCnf": "[mariadbd]\ninnodb_buffer_pool_size = 256M\n"}).restart_hash != quiet
    assert built({"galera": {"providerOptions": {"gcache.size": "1G"}}}).restart_hash != quiet


def test_the_hash_is_on_the_pods() -> None:
    made = built()
    assert made.set["spec"]["template"]["metadata"]["annotations"][RESTART_HASH] == made.restart_hash


# --- what is refused ---------------------------------------------------------------------------------------------

DATA = {"name": "data", "mountPath": "/data"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"myCnf": "[mariadbd]\nwsrep_on = OFF"}, "spec.myCnf: my.cnf line 2: wsrep_on is refused"),
    (
        {"galera": {"providerOptions": {"pc.ignore_sb": "true"}}},
        "spec.galera.providerOptions: my.cnf line 2: wsrep_provider_options: pc.ignore_sb is refused",
    ),
    (
        {"sidecarContainers": [{"name": "x", "volumeMounts": [DATA]}]},
        "spec.sidecarContainers x mounts the members' data for writing",
    ),
    (
        {"initContainers": [{"name": "x", "volumeMounts": [{"name": "secret", "mountPath": "/s"}]}]},
        "spec.initContainers x mounts volume 'secret', which holds",
    ),
    ({"volumeMounts": [{"name": "nowhere", "mountPath": "/x"}]}, "which spec.volumes does not have"),
    ({"volumeMounts": [{"name": "data", "mountPath": "/x"}]}, "which is Trireme's own and mounted already"),
]


@pytest.mark.parametrize(("spec", "said"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_would_break_an_invariant_is_refused_with_the_reason(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(PermanentError, match=r"^GaleraCluster default/demo: ") as caught:
        built(spec)
    assert said in str(caught.value)


def test_a_sidecar_may_read_the_data() -> None:
    mount = DATA | {"readOnly": True}
    made = built({"sidecarContainers": [{"name": "x", "image": "y", "volumeMounts": [mount]}]})
    sidecar = pod(made)["containers"][1]
    assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
    assert sidecar["image"] == "y"


def test_a_users_labels_do_not_replace_ours() -> None:
    spec = {"inheritMetadata": {"labels": {"app.kubernetes.io/instance": "other", "team": "shop"}}}
    labels = built(spec).set["spec"]["template"]["metadata"]["labels"]
    assert (labels["app.kubernetes.io/instance"], labels["team"]) == ("demo", "shop")
