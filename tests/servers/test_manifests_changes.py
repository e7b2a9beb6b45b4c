"""What befalls a running cluster, under an application that writes: no acknowledged commit is lost.

All in one cluster, one after the other, as in its life.
"""

from collections.abc import Iterator

import pytest

from tests.servers.sandboxed import Cluster, Kubernetes, cluster, wait_until
from tests.servers.writing_client import WritingClient

pytestmark = pytest.mark.servers

STALL_SECONDS = 10.0
"""What a hand-over in order may cost the application at most; without other load it is well below one second."""


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes) -> Iterator[Cluster]:
    with cluster(kubernetes) as made:
        made.apply()
        made.wait_synced()
        yield made


def lost_on_any(demo: Cluster, client: WritingClient) -> dict[str, set[int]]:
    """What each member lacks of the acknowledged commits, for those that lack any."""
    lacking = {pod: client.lost(pod) for pod in demo.pods()}
    return {pod: missing for pod, missing in lacking.items() if missing}


def test_scaled_to_five_and_back(demo: Cluster) -> None:
    with WritingClient(demo) as client:
        demo.scale(5)
        demo.wait_synced(5)
        assert demo.endpoints("demo") == {f"demo-{n}" for n in range(5)}
        client.wait_for_more()
        demo.scale(3)
        demo.wait_synced(3)
        client.wait_for_more()
    assert client.longest_stall < STALL_SECONDS
    assert lost_on_any(demo, client) == {}


def test_the_writers_pod_is_deleted(demo: Cluster) -> None:
    old = demo.writer()
    with WritingClient(demo) as client:
        before = demo.uids()
        demo.kubectl("delete", "pod", old)
        client.wait_for_more()
        assert demo.writer() != old
        wait_until(lambda: demo.uids().get(old, before[old]) != before[old], f"{old} is made again", 60)
        demo.wait_synced()
        assert demo.writer() != old, "it does not take the role back"
        client.wait_for_more()
    assert client.longest_stall < STALL_SECONDS, client.errors
    assert lost_on_any(demo, client) == {}


def test_all_are_restarted_one_by_one(demo: Cluster) -> None:
    before = demo.uids()
    with WritingClient(demo) as client:
        demo.kubectl("rollout", "restart", "statefulset/demo")
        demo.wait_rolled_out()
        demo.wait_synced()
        client.wait_for_more()
    assert not set(before.values()) & set(demo.uids().values())
    assert client.longest_stall < STALL_SECONDS, client.errors
    assert lost_on_any(demo, client) == {}


def test_scaled_to_nothing_and_back(demo: Cluster) -> None:
    history = demo.wait_synced()
    with WritingClient(demo) as client:
        demo.scale(0)
        wait_until(lambda: not demo.pods(), "all members end in order", 60)
        assert demo.endpoints("demo-primary") == set()
        demo.scale(3)
        assert demo.wait_synced() == history
        client.wait_for_more()
    assert lost_on_any(demo, client) == {}


@pytest.mark.parametrize("time", [1, 2, 3])
def test_all_pods_are_lost_at_once(demo: Cluster, time: int) -> None:
    history = demo.wait_synced()
    with WritingClient(demo) as client:
        before = demo.uids()
        demo.kubectl("delete", "pods", *before, "--force", "--grace-period=0")
        wait_until(lambda: demo.uids().keys() == before.keys(), "all pods are made again", 60)
        assert not set(before.values()) & set(demo.uids().values())
        assert demo.wait_synced() == history
        client.wait_for_more()
    assert lost_on_any(demo, client) == {}
