"""What is asked of a running cluster and restarts nobody, or one member: variables, passwords, volumes, a new copy."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.servers.operating import SEEDS, Operated, operated
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


@pytest.mark.parametrize("seed", SEEDS)
def test_passwords_follow_the_secret_while_the_operator_dies(demo: Operated, seed: int) -> None:
    """FIELD-FAILURES 28: a password changed in the Secret alone locked probes and restarts out."""
    before, new = demo.uids(), f"another password, longer, {seed}"
    with RetryingClient(demo) as client:
        data = {"password": base64.b64encode(new.encode()).decode()}
        with demo.operator.dying(seed, first=2.0) as died:
            demo.kubectl("patch", "secret", "demo", "--type=merge", f"--patch={json.dumps({'data': data})}")
            wait_until(lambda: can_log_in(demo, new), "the new password is accepted", 120)
            client.password = new
            demo.passwords.clear()
            wait_until(lambda: died, "the operator died", 10)
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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_takes_a_new_copy_while_the_operator_dies(demo: Operated, seed: int) -> None:
    writer = int(demo.writer().rpartition("-")[2])
    before = asides(demo, writer)
    with RetryingClient(demo) as client:
        with demo.operator.dying(seed) as died:
            demo.change({"rebuild": {"podIndex": writer, "request": f"first-{seed}"}})
            wait_until(lambda: rebuilt(demo) == f"first-{seed} Done", "it is done", 120)
            wait_until(lambda: died, "the operator died", 10)
        demo.wait_settled()
        client.wait_for_more()
        assert demo.writer() != f"demo-{writer}"
        assert asides(demo, writer) == before + 1, "it was asked once"
        demo.change({"rebuild": {"podIndex": 7, "request": f"second-{seed}"}})
        wait_until(lambda: rebuilt(demo) == f"second-{seed} Refused", "there is no such member", 60)
    check(client)


def asides(demo: Operated, member: int) -> int:
    """How often it set its data aside."""
    log = demo.kubectl("logs", f"demo-{member}", "--container=mariadb")
    return log.count("the data directory is set aside")


def rebuilt(demo: Operated) -> str:
    """The word and what became of it."""
    found = demo.resource()["status"].get("rebuild", {})
    return f"{found.get('request')} {found.get('phase')}"
