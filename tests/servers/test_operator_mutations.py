"""Every field of the spec, changed on a living cluster: it is in effect, or it is refused in words; reverting recovers.

The values come from the schema. `make test` tries a few fields, `make soak-operator` tries all.
"""

import json
import os
import random
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.servers.operating import Operated, operated
from tests.servers.sandboxed import Kubernetes, wait_until
from tests.unit.resource.mutations import Mutation, mutations
from trireme.api.resource import GaleraClusterSpec, InvalidClusterError, check_change, read_cluster
from trireme.manifests.crd.schema import structural

pytestmark = pytest.mark.servers

BASE: dict[str, Any] = {
    "storage": {"size": "1Gi"},
    "updateStrategy": {"type": "RollingUpdate", "progressDeadlineSeconds": 60},
}
FEW = 4
MOST = int(os.environ.get("TRIREME_TEST_MUTATIONS", str(FEW)))
MOST_REPLICAS = 5
"""More servers than this machine should run are not tried."""
SETTLE_SECONDS = 240.0
UNMOVED = {"Suspended", "Hibernated"}
"""Phases that are what was asked for, though no member need be updated."""


def declared(spec: Mapping[str, Any]) -> Any:
    return read_cluster({"metadata": {"name": "demo"}, "spec": spec})


def candidates() -> list[Mutation]:
    """A valid value of each field that may be changed, and changed back: the last, which mostly is not the default."""
    found: dict[tuple[str | int, ...], Mutation] = {}
    for each in mutations(structural(GaleraClusterSpec), BASE):
        if not each.fits or each.spec == BASE or each.spec.get("replicas", 3) > MOST_REPLICAS:
            continue
        try:
            changed = declared(each.spec)
        except InvalidClusterError:
            continue
        if not check_change(declared(BASE), changed) and not check_change(changed, declared(BASE)):
            found[each.path] = each
    return list(found.values())


def chosen() -> list[Mutation]:
    every = candidates()
    return random.Random(1).sample(every, min(MOST, len(every)))


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        made.declare(**BASE)
        made.wait_settled()
        made.sql("CREATE TABLE kept (id INT PRIMARY KEY)", "INSERT INTO kept VALUES (42)")
        yield made


def put(demo: Operated, spec: Mapping[str, Any]) -> str:
    """Replace the spec. What the API server has against it, '' if nothing."""
    patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
    try:
        demo.kubectl("patch", "galeracluster", "demo", "--type=json", f"--patch={patch}")
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    return ""


def outcome(demo: Operated) -> str:
    """'' where the spec is in effect; why not, where it is refused or the update stopped. LookupError while it moves."""
    found = demo.resource()
    status = found.get("status", {})
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        raise LookupError("the status is about an earlier spec")
    conditions = {each["type"]: each for each in status["conditions"]}
    if conditions["Accepted"]["status"] == "False":
        return str(conditions["Accepted"]["message"])
    if conditions["Progressing"]["reason"] == "UpdateStuck":
        return str(conditions["Progressing"]["message"])
    members = status.get("members", [])
    replicas = found["spec"].get("replicas", 3)
    whole = len(members) == replicas and all(each["ready"] for each in members)
    on_delete = found["spec"]["updateStrategy"].get("type") != "RollingUpdate"
    if status["phase"] in UNMOVED or (
        status["phase"] == "Running" and whole and (on_delete or all(each["updated"] for each in members))
    ):
        return ""
    raise LookupError(f"{status.get('phase')}: {status.get('message')}")


def ended(demo: Operated, what: str) -> str:
    reached: list[str] = []

    def probe() -> bool:
        reached[:] = [outcome(demo)]
        return True

    wait_until(probe, what, SETTLE_SECONDS)
    return reached[0]


@pytest.mark.parametrize("mutation", chosen(), ids=str)
def test_a_change_is_in_effect_or_refused_and_reverting_recovers(demo: Operated, mutation: Mutation) -> None:
    history = demo.resource()["status"]["clusterUUID"]
    refused = put(demo, mutation.spec)
    if refused:
        assert str(mutation.path[0]) in refused
        return
    said = ended(demo, f"{mutation} is in effect, refused, or stopped with the reason")
    if mutation.spec.get("hibernate") is not True:
        assert demo.sql("SELECT id FROM kept") == [(42,)], said
    assert put(demo, BASE) == ""
    assert ended(demo, f"{mutation} is reverted") == ""
    assert demo.wait_synced() == history
    assert demo.sql("SELECT id FROM kept") == [(42,)]


def test_values_that_do_not_fit_are_refused_with_the_field(demo: Operated) -> None:
    """A look at what the API server says to people: tests/unit/resource tries every one of them."""
    before = demo.resource()["metadata"]["generation"]
    for each in mutations(structural(GaleraClusterSpec), BASE):
        if not each.fits and len(each.path) == 1 and each.path != ("noSuchField",):
            assert str(each.path[0]) in put(demo, each.spec), each
            break
    assert demo.resource()["metadata"]["generation"] == before
