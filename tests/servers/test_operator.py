"""A declared cluster through its life, under an application that writes all the time and retries once.

All in one cluster, one after the other. No acknowledged commit is lost, and in what is planned no transaction fails.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.operating import SEEDS, Operated, operated
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import Kubernetes, wait_until

pytestmark = pytest.mark.servers

STALL_SECONDS = 10.0
"""What a planned change may cost the application at most, on a busy machine; by itself it is well below one second."""


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder: Path = tmp_path_factory.mktemp("operator")
    with operated(kubernetes, folder) as made:
        made.declare()
        made.wait_settled()
        yield made


def check(demo: Operated, client: RetryingClient) -> None:
    assert client.failed == []
    assert client.longest_stall < STALL_SECONDS, client.retried
    assert client.lost() == {}


def test_it_forms_and_says_so(demo: Operated) -> None:
    status = demo.wait_phase("Running")
    assert status["membersReady"] == "3/3"
    assert [member["role"] for member in status["members"]].count("primary") == 1
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert (conditions["Ready"], conditions["Healthy"], conditions["Updated"]) == ("True", "True", "True")


def test_drift_is_repaired(demo: Operated) -> None:
    demo.kubectl("delete", "service", "demo-secondary")
    demo.kubectl(
        "patch",
        "statefulset",
        "demo",
        "--type=merge",
        '--patch={"spec":{"updateStrategy":{"type":"RollingUpdate"}}}',
    )
    wait_until(lambda: demo.get("service", "demo-secondary"), "the Service is there again", 30)
    wait_until(
        lambda: demo.get("statefulset", "demo")["spec"]["updateStrategy"]["type"] == "OnDelete",
        "the StatefulSet is as it was",
        30,
    )
    wait_until(lambda: "DriftRepaired" in demo.reasons(), "an Event says so", 30)


@pytest.mark.parametrize("seed", SEEDS)
def test_scaled_to_five_and_back_while_the_operator_dies(demo: Operated, seed: int) -> None:
    before = demo.uids()
    with RetryingClient(demo) as client:
        with demo.operator.dying(seed) as died:
            demo.kubectl("scale", "galeracluster", "demo", "--replicas=5")
            demo.wait_settled(5)
            demo.kubectl("scale", "galeracluster", "demo", "--replicas=3")
            demo.wait_settled(3)
        client.wait_for_more()
    assert died
    assert demo.uids() == before, "no other member was restarted"
    check(demo, client)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rolling_change_while_the_operator_dies(demo: Operated, seed: int) -> None:
    """FIELD-FAILURES 26 and 32: provider options reach every member, and the writer's role moves before its pod."""
    before, history = demo.uids(), demo.wait_synced()
    with RetryingClient(demo) as client:
        with demo.operator.dying(seed) as died:
            demo.change(
                {
                    "galera": {"providerOptions": {"gcache.size": f"{64 + seed}M"}},
                    "resources": {"limits": {"memory": f"{900 + seed}Mi", "cpu": "1"}},
                    "myCnf": "[mariadb]\nperformance_schema=ON\n",
                }
            )
            assert demo.wait_settled() == history
        client.wait_for_more()
    assert died
    assert not set(before.values()) & set(demo.uids().values())
    for pod in demo.pods():
        ((options,),) = demo.sql_in(pod, "SELECT @@wsrep_provider_options")
        assert f"gcache.size = {64 + seed}M" in options
    check(demo, client)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_writer_is_where_it_is_wanted_while_the_operator_dies(demo: Operated, seed: int) -> None:
    to = (int(demo.writer().rpartition("-")[2]) + 1) % 3
    with RetryingClient(demo) as client:
        with demo.operator.dying(seed, first=1.5) as died:
            demo.change({"primary": {"podIndex": to}})
            wait_until(lambda: demo.writer() == f"demo-{to}", "it writes", 60)
            wait_until(lambda: died, "the operator died", 10)
            wait_until(lambda: demo.status_in("Running")["primary"]["podIndex"] == to, "it is said", 60)
        client.wait_for_more()
    assert demo.writer() == f"demo-{to}", "it was asked once"
    check(demo, client)


@pytest.mark.parametrize("seed", SEEDS)
def test_hibernation_keeps_the_data_while_the_operator_dies(demo: Operated, seed: int) -> None:
    history, volumes = demo.wait_synced(), volume_uids(demo)
    with RetryingClient(demo) as client:
        pass
    with demo.operator.dying(seed):
        demo.change({"hibernate": True})
        demo.wait_phase("Hibernated")
        assert demo.pods() == {}
        demo.change({"hibernate": False})
        assert demo.wait_settled() == history
    assert volume_uids(demo) == volumes
    assert client.lost() == {}


def test_suspended_it_keeps_its_hands_off(demo: Operated) -> None:
    before, settings = demo.uids(), demo.resource()["spec"].get("myCnf", "")
    demo.change({"suspend": True})
    demo.wait_phase("Suspended")
    demo.change({"myCnf": "[mariadb]\nperformance_schema=OFF\n", "replicas": 5})
    demo.wait_phase("Suspended")
    assert demo.uids() == before
    assert demo.condition("Ready")["status"] == "True"
    demo.change({"myCnf": settings, "replicas": 3})
    demo.change({"suspend": False})
    demo.wait_settled()
    assert demo.uids() == before


def volume_uids(demo: Operated) -> set[str]:
    return {each["metadata"]["uid"] for each in demo.get("persistentvolumeclaims")["items"]}


def test_deleted_and_made_again_it_has_the_same_data(demo: Operated) -> None:
    history, volumes = demo.wait_synced(), volume_uids(demo)
    with RetryingClient(demo) as client:
        pass
    demo.kubectl("delete", "galeracluster", "demo", "--wait=false")
    wait_until(lambda: not demo.pods(), "all members end in order", 90)
    wait_until(lambda: not demo.get("services")["items"], "everything of it goes", 30)
    assert volume_uids(demo) == volumes
    demo.declare()
    assert demo.wait_settled() == history
    assert client.lost() == {}
