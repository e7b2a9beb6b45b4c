"""What a person does with a running cluster by the command line and kubectl alone, under an application that writes."""

import base64
import json
import sys
from collections.abc import Iterator

import pytest

from tests.servers.endpoint_watch import EndpointWatch
from tests.servers.sandboxed import Cluster, Kubernetes, cluster, connect, wait_until
from tests.servers.writing_client import WritingClient

pytestmark = pytest.mark.servers

STALL_SECONDS = 5.0
"""On a busy machine; measured without other load: see what the tests print."""


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes) -> Iterator[Cluster]:
    with cluster(kubernetes) as made:
        made.apply()
        made.wait_synced()
        yield made


def ran(demo: Cluster, *arguments: str) -> str:
    done = demo.trireme(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_role_moves_there_and_back(demo: Cluster) -> None:
    old = demo.writer()
    with WritingClient(demo) as client, EndpointWatch(demo, "demo-primary") as watch:
        for target in ("demo-2", old):
            assert f"the writer is {target}, was " in ran(demo, "switchover", "--to", target)
            assert demo.writer() == target
            client.wait_for_more()
    assert frozenset() not in watch.seen, "a proxy that saw this refused clients until its next look"
    assert [each for each in watch.seen if len(each) == 1] == [{old}, {"demo-2"}, {old}]
    sys.stdout.write(f"switchover: longest stall {client.longest_stall:.3f} s, {len(client.errors)} errors\n")
    assert client.longest_stall < STALL_SECONDS, client.errors
    assert {pod: client.lost(pod) for pod in demo.pods()} == {pod: set() for pod in demo.pods()}
    readers = demo.sql(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST", through="demo-secondary", user="root"
    )
    assert readers


def test_a_password_is_changed_in_the_secret_alone(demo: Cluster) -> None:
    new = "changed-in-the-secret"
    with WritingClient(demo) as client:
        data = {"data": {"password": base64.b64encode(new.encode()).decode()}}
        demo.kubectl("patch", "secret", "demo", "--type=merge", "-p", json.dumps(data))

        def new_one_is_valid() -> bool:
            with connect(demo.address(), "app", new):
                return True

        wait_until(new_one_is_valid, "the new password is valid", 120)
        client.wait_for_more()
        assert "1" in ran(demo, "sql", "-u", "app", "-e", "SELECT 1")
    assert client.errors == []
    demo.passwords["password"] = new


def test_a_member_is_rebuilt(demo: Cluster) -> None:
    with WritingClient(demo) as client:
        said = ran(demo, "rebuild", "1", "--yes")
        assert said == "demo: demo-1 has a new copy of the data\n"
        client.wait_for_more()
    demo.wait_synced()
    assert client.lost("demo-1") == set()
    assert client.errors == []


def test_a_writer_that_is_stopped_keeps_its_clients_until_there_is_another(demo: Cluster) -> None:
    """As in a drain. It took its own label away before anybody had claimed its role."""
    old = demo.writer()
    with WritingClient(demo) as client, EndpointWatch(demo, "demo-primary") as watch:
        demo.kubectl("delete", "pod", old)
        client.wait_for_more()
    assert frozenset() not in watch.seen, watch.seen
    assert demo.writer() != old
    demo.wait_synced()
    assert {pod: client.lost(pod) for pod in demo.pods()} == {pod: set() for pod in demo.pods()}
