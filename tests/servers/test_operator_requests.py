"""What is asked of a running cluster and restarts nobody, or one member: variables, passwords, volumes, a new copy."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.servers.operating import Operated, operated
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import Kubernetes, connect, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        made.declare()
        made.wait_settled()
        yield made


def check(client: RetryingClient) -> None:
    assert client.failed == []
    assert client.lost() == {}


def values(demo: Operated, variable: str) -> set[object]:
    """On every member."""
    return {demo.sql_in(pod, f"SELECT @@GLOBAL.{variable}")[0][0] for pod in demo.pods()}


def test_a_variable_is_set_live(demo: Operated) -> None:
    before = demo.uids()
    with RetryingClient(demo) as client:
        demo.change({"myCnf": "[mariadb]\nmax_connections=123\n"})
        wait_until(lambda: values(demo, "max_connections") == {123}, "all servers have it", 60)
        demo.wait_settled()
    assert demo.uids() == before
    check(client)


def test_passwords_follow_the_secret(demo: Operated) -> None:
    """FIELD-FAILURES 28: a password changed in the Secret alone locked probes and restarts out."""
    before, new = demo.uids(), "another password, longer"
    with RetryingClient(demo) as client:
        data = {"password": base64.b64encode(new.encode()).decode()}
        demo.kubectl("patch", "secret", "demo", "--type=merge", f"--patch={json.dumps({'data': data})}")
        wait_until(lambda: can_log_in(demo, new), "the new password is accepted", 120)
        client.password = new
        demo.passwords.clear()
        wait_until(lambda: demo.condition("PasswordsInStep").get("status") == "True", "it is said", 60)
        client.wait_for_more()
    assert demo.uids() == before
    check(client)


def can_log_in(demo: Operated, password: str) -> bool:
    with connect(demo.address(), "app", password) as connection:
        return connection.open


def test_volumes_grow_in_place(demo: Operated) -> None:
    before = demo.uids()
    with RetryingClient(demo) as client:
        demo.change({"storage": {"size": "2Gi"}})
        wait_until(lambda: sizes(demo) == {"2Gi"}, "all volumes have it", 60)
        wait_until(lambda: demo.condition("StorageResized").get("status") == "True", "it is said", 60)
        demo.wait_settled()
        templates = demo.get("statefulset", "demo")["spec"]["volumeClaimTemplates"]
        assert templates[0]["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert demo.uids() == before
    check(client)


def sizes(demo: Operated) -> set[str]:
    claims = demo.get("persistentvolumeclaims")["items"]
    return {each["status"]["capacity"]["storage"] for each in claims}


def test_a_member_takes_a_new_copy(demo: Operated) -> None:
    writer = int(demo.writer().rpartition("-")[2])
    with RetryingClient(demo) as client:
        demo.change({"rebuild": {"podIndex": writer, "request": "first"}})
        wait_until(lambda: rebuilt(demo) == "Done", "it is done", 120)
        demo.wait_settled()
        client.wait_for_more()
        assert demo.writer() != f"demo-{writer}"
        demo.change({"rebuild": {"podIndex": 7, "request": "second"}})
        wait_until(lambda: rebuilt(demo) == "Refused", "there is no such member", 60)
    check(client)


def rebuilt(demo: Operated) -> str:
    return str(demo.resource()["status"].get("rebuild", {}).get("phase"))
