"""What goes wrong while a cluster is kept: bad settings, an API server that is away, a drain in a hurry."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers.operating import Operated, operated
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import Kubernetes, wait_until
from trireme.sandbox.apiserver.faults import ApiFault, Mode, write_faults

pytestmark = pytest.mark.servers

OUTAGE_SECONDS = float(os.environ.get("TRIREME_TEST_OUTAGE_SECONDS", "15"))
"""`make soak` takes two minutes."""


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        made.declare(updateStrategy={"progressDeadlineSeconds": 60})
        made.wait_settled()
        yield made


@contextmanager
def outage(demo: Operated, mode: Mode) -> Iterator[None]:
    """The API server does not answer anybody."""
    folder = demo.kubernetes.kubeconfig.parent
    write_faults(folder, (ApiFault(mode),))
    try:
        yield
    finally:
        write_faults(folder, ())


def check(client: RetryingClient) -> None:
    assert client.failed == []
    assert client.lost() == {}


def test_a_bad_setting_stops_at_the_first_member_and_is_undone_by_reverting(demo: Operated) -> None:
    before = demo.uids()
    with RetryingClient(demo) as client:
        demo.change({"myCnf": "[mariadb]\nno_such_setting=1\n"})
        wait_until(
            lambda: demo.condition("Progressing").get("reason") == "UpdateStuck",
            "it says that it is stuck",
            120,
        )
        message = demo.condition("Progressing")["message"]
        assert "member 2" in message and "unknown variable 'no_such_setting=1'" in message, message
        assert "revert the spec" in message
        after = demo.uids()
        assert {pod for pod in before if before[pod] != after[pod]} == {"demo-2"}
        assert demo.condition("Ready")["status"] == "True"
        assert "UpdateStuck" in demo.reasons()
        demo.change({"myCnf": ""})
        demo.wait_settled()
        client.wait_for_more()
    after = demo.uids()
    assert {pod for pod in before if before[pod] != after[pod]} == {"demo-2"}
    check(client)


def test_settings_that_break_the_cluster_are_refused_with_the_reason(demo: Operated) -> None:
    before = demo.uids()
    demo.change({"myCnf": "[mariadb]\nwsrep_on=OFF\n"})
    wait_until(lambda: demo.condition("Accepted").get("status") == "False", "it is refused", 30)
    assert "wsrep_on" in demo.condition("Accepted")["message"]
    demo.change({"myCnf": ""})
    wait_until(lambda: demo.condition("Accepted").get("status") == "True", "it is accepted", 30)
    assert demo.uids() == before


def test_an_api_server_that_is_away_harms_nobody(demo: Operated) -> None:
    """FIELD-FAILURES 8: two minutes of a slow API server made another operator scale a healthy cluster to zero."""
    before = demo.uids()
    with RetryingClient(demo) as client:
        with outage(demo, Mode.PAUSE):
            time.sleep(OUTAGE_SECONDS)
            client.wait_for_more()
        with outage(demo, Mode.ERROR):
            time.sleep(OUTAGE_SECONDS / 3)
            client.wait_for_more()
        demo.change({"primary": {"podIndex": 1}})
        wait_until(lambda: demo.writer() == "demo-1", "it goes on afterwards", 60)
        demo.change({"primary": {"podIndex": 0}})
        wait_until(lambda: demo.writer() == "demo-0", "and back", 60)
    assert demo.uids() == before
    check(client)


def test_an_api_server_that_goes_away_in_the_middle_of_a_change(demo: Operated) -> None:
    history = demo.wait_synced()
    with RetryingClient(demo) as client:
        before = demo.uids()
        demo.change({"resources": {"limits": {"memory": "800Mi", "cpu": "1"}}})
        wait_until(lambda: demo.uids().get("demo-2") != before["demo-2"], "the first restarts", 60)
        with outage(demo, Mode.PAUSE):
            time.sleep(OUTAGE_SECONDS / 2)
            client.wait_for_more()
        assert demo.wait_settled() == history
    check(client)


def test_a_drain_in_a_hurry_gets_one_member_at_a_time(demo: Operated) -> None:
    """FIELD-FAILURES 24: nodes drained faster than members came back left one of three."""
    demo.wait_settled()
    with RetryingClient(demo) as client:
        granted = [pod for pod in demo.pods() if evicted(demo, pod)]
        assert len(granted) == 1
        wait_until(
            lambda: any(evicted(demo, pod) for pod in demo.pods() if pod not in granted), "the next", 60
        )
        demo.wait_settled()
        client.wait_for_more()
    check(client)


def evicted(demo: Operated, pod: str) -> bool:
    """As `kubectl drain` asks; False where the budget refuses."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": demo.namespace},
    }
    path = f"/api/v1/namespaces/{demo.namespace}/pods/{pod}/eviction"
    try:
        demo.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
    except subprocess.CalledProcessError as error:
        assert "disruption budget" in error.stderr, error.stderr
        return False
    return True
