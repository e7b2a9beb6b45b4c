"""deploy/operator: what the operator may do is what it does, and its pod is as restricted as the members'."""

from typing import Any

import pytest

from tests.unit.test_plain_manifests import IMAGE, build
from trireme.api.resource import read_cluster
from trireme.manifests.cluster import Options, objects
from trireme.operator.kinds import CLAIM, CLASS, CLUSTER, EVENT, MADE, POD, SECRET, Kind

Object = dict[str, Any]


def deployment() -> Object:
    found: Object = build("operator")["Deployment", "trireme-operator"]["spec"]["template"]["spec"]
    return found


def verbs(kind: Kind, subresource: str = "") -> set[str]:
    """What the ClusterRole lets the operator do to a kind."""
    rules = build("operator")["ClusterRole", "trireme-operator"]["rules"]
    name = kind.plural + (f"/{subresource}" if subresource else "")
    return {
        verb
        for rule in rules
        if kind.group in rule["apiGroups"] and name in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.name)
def test_it_may_keep_what_it_makes(kind: Kind) -> None:
    """It lists, and never gets: so an API server's audit log says."""
    assert verbs(kind) == {"list", "watch", "create", "patch", "delete"}


def test_it_may_do_nothing_else() -> None:
    assert verbs(CLUSTER) == {"get", "list", "watch"}
    assert verbs(CLUSTER, "status") == {"patch"}
    assert verbs(POD) == {"get", "list", "watch", "patch", "delete"}
    assert verbs(POD, "eviction") == {"create"}
    assert verbs(CLAIM) == {"list", "watch", "patch", "delete"}
    assert verbs(SECRET) == {"get", "create", "patch"}
    assert verbs(EVENT) == {"list", "create"}
    assert verbs(CLASS) == {"get"}
    everything = {
        resource
        for rule in build("operator")["ClusterRole", "trireme-operator"]["rules"]
        for resource in rule["resources"]
    }
    known = {kind.plural for kind in (*MADE, CLUSTER, POD, CLAIM, SECRET, EVENT, CLASS)}
    more = {f"{CLUSTER.plural}/status", f"{CLUSTER.plural}/finalizers", "pods/eviction"}
    assert everything == known | more


def test_it_has_the_rights_that_it_gives_to_members() -> None:
    found = {
        "apiVersion": "trireme.dev/v1alpha1",
        "kind": "GaleraCluster",
        "metadata": {"name": "demo", "uid": "u"},
        "spec": {"storage": {"size": "1Gi"}},
    }
    (role,) = [each for each in objects(read_cluster(found), Options(image="i")) if each["kind"] == "Role"]
    by_plural = {kind.plural: kind for kind in (POD, SECRET)}
    for rule in role["rules"]:
        for name in rule["resources"]:
            assert set(rule["verbs"]) <= verbs(by_plural[name]), (
                "Kubernetes refuses to let it give what it lacks"
            )


def test_its_pod_satisfies_pod_security_restricted() -> None:
    pod = deployment()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_image_is_one_setting() -> None:
    (container,) = deployment()["containers"]
    assert container["image"] == IMAGE
    assert "TRIREME_IMAGE" not in {each["name"] for each in container["env"]}, "its own is the default"
