"""Two members and an arbitrator, on volumes that cannot grow: what small clusters are made to do."""

import json
from collections.abc import Iterator

import pytest

from tests.servers.operating import SEEDS, Operated, operated
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import Kubernetes, wait_until

pytestmark = pytest.mark.servers

RIGID = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "rigid"},
    "provisioner": "sandbox.trireme.dev/directory",
    "allowVolumeExpansion": False,
}


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        standard = made.get("storageclass", "standard")
        rigid = {**RIGID, "provisioner": standard["provisioner"]}
        made.kubectl("apply", "-f", "-", stdin=json.dumps(rigid))
        made.declare(
            replicas=2,
            arbitrator={"enabled": True},
            storage={"size": "1Gi", "storageClassName": "rigid"},
        )
        made.wait_phase("Running")
        yield made


def check(client: RetryingClient) -> None:
    assert client.failed == []
    assert client.lost() == {}


def votes(demo: Operated) -> int:
    """Members of the group, the arbitrator included."""
    rows = demo.sql("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'")
    return int(rows[0][1])


def settled(demo: Operated) -> bool:
    found = demo.status_in("Running")["members"]
    return len(found) == 2 and all(each["updated"] and each["ready"] for each in found)


def test_an_arbitrator_votes(demo: Operated) -> None:
    wait_until(lambda: votes(demo) == 3, "two members and an arbitrator", 60)


def test_one_of_two_dies_and_the_other_serves(demo: Operated) -> None:
    """FIELD-FAILURES 31: with two members and one dead, nothing was left."""
    wait_until(lambda: settled(demo), "both are Synced", 60)
    with RetryingClient(demo) as client:
        gone = demo.writer()
        demo.kubectl("delete", "pod", gone, "--force", "--grace-period=0")
        client.wait_for_more(40)
        wait_until(lambda: settled(demo), "it is back", 90)
        client.wait_for_more()
    assert client.lost() == {}


def test_two_members_are_updated_one_after_the_other(demo: Operated) -> None:
    """FIELD-FAILURES 25: in an update of two members, the first tried to start a new cluster."""
    wait_until(lambda: settled(demo), "both are Synced", 60)
    history, before = demo.resource()["status"]["clusterUUID"], demo.uids()
    with RetryingClient(demo) as client:
        demo.change({"myCnf": "[mariadb]\nperformance_schema=ON\n"})
        wait_until(
            lambda: settled(demo) and not set(before.values()) & set(demo.uids().values()), "done", 120
        )
        client.wait_for_more()
    assert demo.resource()["status"]["clusterUUID"] == history
    check(client)


def test_an_arbitrator_that_does_not_start_is_said(demo: Operated) -> None:
    """All looked well until one of the two members was lost, and the other stopped with it."""
    wait_until(lambda: settled(demo), "both are Synced", 60)
    demo.change({"arbitrator": {"priorityClassName": "not-there"}})
    words = "no PriorityClass with name not-there was found"
    wait_until(lambda: words in demo.condition("Healthy")["message"], "the reason is said", 60)
    assert demo.condition("Healthy")["reason"] == "ArbitratorAway"
    assert words in demo.status_in("Running")["message"]
    demo.wait_message(words)
    demo.change({"arbitrator": {"priorityClassName": None}})
    wait_until(lambda: demo.condition("Healthy")["status"] == "True", "it is back", 60)
    assert votes(demo) == 3
    assert demo.resource()["status"]["message"].endswith("takes the writes")


@pytest.mark.parametrize("seed", SEEDS)
def test_volumes_that_cannot_grow_are_replaced_while_the_operator_dies(demo: Operated, seed: int) -> None:
    history, larger = demo.resource()["status"]["clusterUUID"], f"{2 + seed}Gi"
    with RetryingClient(demo) as client:
        with demo.operator.dying(seed) as died:
            demo.change({"storage": {"size": larger}})
            wait_until(
                lambda: sizes(demo) == [larger, larger] and settled(demo), "both have larger volumes", 180
            )
        client.wait_for_more()
    assert died
    assert demo.resource()["status"]["clusterUUID"] == history
    check(client)


def sizes(demo: Operated) -> list[str]:
    claims = demo.get("persistentvolumeclaims")["items"]
    return [each["status"].get("capacity", {}).get("storage", "") for each in claims]
