"""The examples, applied as they are and run by an operator with real servers: each one shows what it says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.operating import SETTLE_SECONDS, Operated, operated
from tests.servers.sandboxed import Kubernetes, wait_until

pytestmark = pytest.mark.servers

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def empty(kubernetes: Kubernetes, tmp_path: Path) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path) as made:
        yield made


def apply(made: Operated, name: str) -> str:
    """Apply an example; the name of its GaleraCluster. Volumes and memory are made small: this is one machine."""
    found = [each for each in yaml.safe_load_all((EXAMPLES / name).read_text()) if each]
    made.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(found))
    (cluster,) = (each["metadata"]["name"] for each in found if each["kind"] == "GaleraCluster")
    return str(cluster)


def wait_for(made: Operated, name: str, true: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    def reached() -> dict[str, Any]:
        found = made.get("galeracluster", name)
        status: dict[str, Any] = found.get("status", {})
        if status.get("observedGeneration") != found["metadata"]["generation"] or not true(status):
            raise LookupError(f"{status.get('phase')}: {status.get('message')}")
        return status

    found = wait_until(reached, f"{name} {what}", SETTLE_SECONDS)
    assert isinstance(found, dict)
    return found


def running(made: Operated, name: str, members: int) -> dict[str, Any]:
    ready = f"{members}/{members}"
    return wait_for(
        made,
        name,
        lambda status: (status["phase"], status.get("membersReady")) == ("Running", ready),
        f"is {ready}",
    )


def sql(made: Operated, pod: str, statement: str) -> str:
    """As root, by the password of the Secret that the pod sees."""
    command = 'MYSQL_PWD=$(cat /etc/trireme/secret/root-password) exec mariadb -h "$TRIREME_POD_IP" -u root -N -B -e "$1"'
    return made.kubectl("exec", pod, "-c", "mariadb", "--", "sh", "-c", command, "sh", statement).strip()


def test_a_single_member_that_grows(empty: Operated) -> None:
    name = apply(empty, "single-member.yaml")
    running(empty, name, 1)
    sql(empty, f"{name}-0", "CREATE TABLE app.kept (id INT PRIMARY KEY); INSERT INTO app.kept VALUES (42)")
    empty.kubectl("scale", "galera", name, "--replicas=3")
    running(empty, name, 3)
    assert sql(empty, f"{name}-2", "SELECT id FROM app.kept") == "42"


def test_settings_of_ones_own(empty: Operated) -> None:
    name = apply(empty, "custom-my-cnf.yaml")
    running(empty, name, 3)
    shown = sql(
        empty,
        f"{name}-1",
        "SELECT @@max_connections, @@long_query_time, @@innodb_buffer_pool_size DIV 1048576",
    )
    assert shown.split() == ["200", "0.500000", "384"]
    assert "gcache.size = 512M" in sql(empty, f"{name}-1", "SELECT @@wsrep_provider_options")


def test_passwords_of_ones_own(empty: Operated) -> None:
    name = apply(empty, "existing-secrets.yaml")
    running(empty, name, 3)
    login = f'exec mariadb -h {name}-primary -u "$1" -p"$2" -N -B -e "SELECT CURRENT_USER()"'
    for user, password in (("root", "change-me-first"), ("shop", "change-me-too")):
        said = empty.kubectl(
            "exec", f"{name}-0", "-c", "mariadb", "--", "sh", "-c", login, "sh", user, password
        )
        assert said.strip() == f"{user}@%"


def test_two_members_and_an_arbitrator(empty: Operated) -> None:
    name = apply(empty, "two-members-with-arbitrator.yaml")
    running(empty, name, 2)
    wait_until(
        lambda: sql(empty, f"{name}-0", "SHOW STATUS LIKE 'wsrep_cluster_size'").split()[-1] == "3",
        "the arbitrator votes",
        SETTLE_SECONDS,
    )


def test_a_sidecar_and_its_port(empty: Operated) -> None:
    name = apply(empty, "sidecar.yaml")
    running(empty, name, 3)
    sidecars = [
        each
        for pod in empty.get("pods")["items"]
        for each in pod["status"]["containerStatuses"]
        if each["name"] == "http"
    ]
    assert [each["restartCount"] for each in sidecars] == [0, 0, 0], sidecars
    fetch = "import urllib.request; print(urllib.request.urlopen('http://watched:9000/', timeout=5).status)"
    assert empty.kubectl("exec", f"{name}-0", "-c", "mariadb", "--", "python3", "-c", fetch).strip() == "200"


def test_ephemeral(empty: Operated) -> None:
    name = apply(empty, "ephemeral.yaml")
    running(empty, name, 3)
    assert empty.get("persistentvolumeclaims")["items"] == []


def test_asleep_and_awake(empty: Operated) -> None:
    name = apply(empty, "hibernated.yaml")
    wait_for(empty, name, lambda status: status["phase"] == "Hibernated", "sleeps")
    empty.kubectl("patch", "galera", name, "--type=merge", '--patch={"spec":{"hibernate":false}}')
    running(empty, name, 3)
