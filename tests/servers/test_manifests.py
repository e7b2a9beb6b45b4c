"""The manifests as they are, applied by kubectl: every variant forms, and the Services lead where they say."""

from collections.abc import Iterator

import pytest

from tests.servers.sandboxed import (
    DEPLOY,
    Cluster,
    Kubernetes,
    cluster,
    connect,
    kubectls,
    overlay,
    pod_patch,
    wait_until,
)

pytestmark = pytest.mark.servers

OVERLAYS = sorted(path.parent.name for path in (DEPLOY / "overlays").glob("*/kustomization.yaml"))
UID = 1000660000


@pytest.fixture(scope="module")
def plain(kubernetes: Kubernetes) -> Iterator[Cluster]:
    """deploy/plain, for the tests that leave it as it is."""
    with cluster(kubernetes) as made:
        made.apply()
        made.wait_synced()
        yield made


@pytest.fixture
def empty(kubernetes: Kubernetes) -> Iterator[Cluster]:
    with cluster(kubernetes) as made:
        yield made


class TestPlain:
    def test_what_is_written_through_one_service_is_read_through_all(self, plain: Cluster) -> None:
        plain.sql("CREATE TABLE seen (id INT PRIMARY KEY)", "INSERT INTO seen VALUES (1), (2), (3)")
        for service in ("demo", "demo-primary", "demo-secondary"):
            read = ("SET wsrep_sync_wait = 1", "SELECT COUNT(*) FROM seen")
            assert plain.sql(*read, through=service) == [(3,)]

    def test_services_lead_to_the_writer_the_others_and_all(self, plain: Cluster) -> None:
        writer = plain.writer()
        assert writer == "demo-0"
        wait_until(
            lambda: plain.endpoints("demo-secondary") == {"demo-1", "demo-2"},
            "the others are secondaries",
            20,
        )
        assert plain.endpoints("demo") == {"demo-0", "demo-1", "demo-2"}

    def test_connections_arrive_where_the_services_lead(self, plain: Cluster) -> None:
        def hosts(service: str) -> set[str]:
            return {plain.sql("SELECT @@hostname", through=service)[0][0] for _ in range(8)}

        assert hosts("demo-primary") == {plain.writer()}
        assert hosts("demo-secondary") == {"demo-1", "demo-2"}

    def test_the_generated_passwords_are_needed(self, plain: Cluster) -> None:
        with connect(plain.address(), "root", plain.password("root-password")) as connection:
            assert connection.open
        for user, password in (("root", ""), ("app", ""), ("root", plain.password())):
            with pytest.raises(Exception, match="Access denied"), connect(plain.address(), user, password):
                pass

    def test_status_and_sql_from_the_command_line(self, plain: Cluster) -> None:
        assert "3 of 3 Synced, writer demo-0" in plain.trireme("status").stdout
        assert plain.trireme("sql", "-e", "SELECT 6 * 7 AS answer").stdout.split() == ["answer", "42"]

    def test_applying_it_again_changes_nothing(self, plain: Cluster) -> None:
        before = plain.uids()
        plain.apply()
        plain.wait_rolled_out()
        assert plain.uids() == before


@pytest.mark.parametrize("name", [name for name in OVERLAYS if name != "openshift"])
def test_overlay(empty: Cluster, name: str) -> None:
    empty.apply(DEPLOY / "overlays" / name)
    members = {"five-members": 5, "single-member": 1}.get(name, 3)
    empty.wait_synced(members)
    empty.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    if name == "custom-my-cnf":
        assert empty.sql("SELECT @@max_connections, @@slow_query_log", through="demo") == [(200, 1)]
    if name == "ephemeral":
        assert empty.get("pvc")["items"] == []
    if name == "single-member":
        empty.scale(2)
        empty.wait_synced(2)
        read = ("SET wsrep_sync_wait = 1", "SELECT id FROM t")
        # Ready comes before the role's label, and kube-proxy follows the label in its own time.
        wait_until(lambda: empty.sql(*read, through="demo-secondary") == [(1,)], "demo-secondary serves", 20)


def test_openshift_and_the_uid_that_its_project_chooses(empty: Cluster) -> None:
    """What the SCC restricted-v2 writes into the pod: a uid of the project's range, and an fsGroup of it."""
    chosen_by_scc = {"securityContext": {"runAsUser": UID, "fsGroup": UID}}
    with overlay(DEPLOY / "overlays/openshift", patch=pod_patch(chosen_by_scc)) as chosen:
        empty.apply(chosen)
    empty.wait_synced()
    assert empty.kubectl("exec", "demo-1", "-c", "mariadb", "--", "id", "-u").strip() == str(UID)
    assert empty.sql("SELECT 1", through="demo-secondary") == [(1,)]


@pytest.mark.parametrize("program", kubectls())
def test_kubectl(kubernetes: Kubernetes, program: str) -> None:
    """A life with each kubectl: apply, watch it roll out, look, log, exec, scale, label, delete."""
    with cluster(kubernetes.with_kubectl(program)) as made:
        made.apply(DEPLOY / "overlays/single-member")
        made.wait_rolled_out()
        assert "1/1" in made.kubectl("get", "statefulset", "demo")
        described = made.kubectl("describe", "pod", "demo-0")
        assert "trireme.dev/role=primary" in described or "Synced" in described
        assert "Synced" in made.kubectl("logs", "demo-0", "-c", "mariadb")
        assert made.kubectl("exec", "demo-0", "-c", "mariadb", "--", "hostname").strip() == "demo-0"
        made.scale(2)
        made.kubectl("wait", "--for=condition=Ready", "pod/demo-0", "--timeout=60s")
        made.wait_synced(2)
        made.kubectl("delete", "-k", str(DEPLOY / "overlays/single-member"))
        wait_until(lambda: not made.pods(), "the pods end", 60)
        assert made.get("secret", "demo")
        assert len(made.get("pvc")["items"]) == 2
