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


def test_an_image_that_is_not_there_is_undone_by_reverting(demo: Operated) -> None:
    before, image = demo.uids(), demo.resource()["status"]["image"]
    with RetryingClient(demo) as client:
        demo.change({"image": "nobody.example/no-such-image:1"})
        wait_stuck(demo, "nobody.example/no-such-image:1")
        demo.change({"image": None})
        demo.wait_settled()
        client.wait_for_more()
    assert demo.resource()["status"]["image"] == image
    after = demo.uids()
    assert {pod for pod in before if before[pod] != after[pod]} == {"demo-2"}
    check(client)


def test_an_older_mariadb_stops_at_the_first_member_and_is_undone_by_reverting(demo: Operated) -> None:
    """There is one MariaDB here: member 2's data is marked as a newer one would have left it."""
    mark = "/var/lib/mysql/data/mariadb_upgrade_info"
    before = demo.uids()
    with RetryingClient(demo) as client:
        in_member_2(demo, f"mv {mark} {mark}.own; echo 99.4.3-MariaDB > {mark}")
        demo.change({"image": "trireme/trireme:with-an-older-mariadb"})
        message = wait_stuck(demo, "the data was written by MariaDB 99.4.3, and this image has 1")
        assert "revert the spec" in message
        after = demo.uids()
        assert {pod for pod in before if before[pod] != after[pod]} == {"demo-2"}
        in_member_2(demo, f"rm {mark}; mv {mark}.own {mark} || true")
        demo.change({"image": None})
        demo.wait_settled()
        client.wait_for_more()
    check(client)


def in_member_2(demo: Operated, script: str) -> None:
    demo.kubectl("exec", "demo-2", "--container=mariadb", "--", "sh", "-c", script)


def wait_stuck(demo: Operated, words: str) -> str:
    """Until the update is said to have stopped at member 2, for this reason."""

    def stuck() -> str:
        found = demo.condition("Progressing")
        if found.get("reason") != "UpdateStuck" or words not in found["message"]:
            raise LookupError(found)
        return found["message"]

    message: str = wait_until(stuck, "it says that it is stuck", 120)
    assert "member 2" in message
    return message


def test_on_delete_and_never_restart_nobody(demo: Operated) -> None:
    """OnDelete: a member takes the new settings when its pod is deleted. Never: not even then."""
    before = demo.uids()
    with RetryingClient(demo) as client:
        demo.change(
            {"updateStrategy": {"type": "OnDelete"}, "podMetadata": {"annotations": {"round": "one"}}}
        )
        wait_message(demo, "takes the new settings when its pod is deleted (OnDelete)")
        demo.kubectl("delete", "pod", "demo-2", "--wait=false")
        wait_until(lambda: updated(demo) == {"demo-2"}, "it has the new settings", 90)
        assert {pod for pod, uid in demo.uids().items() if before[pod] != uid} == {"demo-2"}
        second = demo.uids()["demo-2"]
        demo.change({"updateStrategy": {"type": "Never"}, "podMetadata": {"annotations": {"round": "two"}}})
        wait_message(demo, "the new settings are not given to member 0, 1, 2 (updateStrategy Never)")
        demo.kubectl("delete", "pod", "demo-2", "--wait=false")
        wait_until(lambda: demo.uids().get("demo-2") not in (None, second), "it is another pod", 90)
        demo.wait_synced()
        assert demo.pods()["demo-2"]["metadata"]["annotations"]["round"] == "one"
        demo.change(
            {"updateStrategy": {"type": "RollingUpdate"}, "podMetadata": {"annotations": {"round": None}}}
        )
        demo.wait_settled()
        client.wait_for_more()
    assert {pod for pod, uid in demo.uids().items() if before[pod] != uid} == {"demo-2"}
    check(client)


def updated(demo: Operated) -> set[str]:
    """Members that are Synced with the settings of the spec."""
    return {
        each["name"] for each in demo.resource()["status"]["members"] if each["updated"] and each["ready"]
    }


def wait_message(demo: Operated, words: str) -> None:
    wait_until(lambda: words in demo.status_in("Running")["message"], words, 60)


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
