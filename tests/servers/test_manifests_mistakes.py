"""What people get wrong: each mistake is told in words where people look, and mending it is all that it takes."""

from collections.abc import Iterator

import pytest

from tests.servers.sandboxed import (
    DEPLOY,
    Cluster,
    Kubernetes,
    cluster,
    connect,
    overlay,
    wait_until,
)

pytestmark = pytest.mark.servers

SINGLE = DEPLOY / "overlays/single-member"

WITHOUT_RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: demo}
rules:
  - {apiGroups: [""], resources: [secrets], resourceNames: [demo], verbs: [get]}
"""


@pytest.fixture
def demo(kubernetes: Kubernetes) -> Iterator[Cluster]:
    """An empty namespace; one member is enough for what is shown here."""
    with cluster(kubernetes) as made:
        yield made


def secret(demo: Cluster, **values: str) -> None:
    literals = [f"--from-literal={key.replace('_', '-')}={value}" for key, value in values.items()]
    demo.kubectl("create", "secret", "generic", "demo", *literals)


def test_passwords_of_ones_own_are_used_and_the_rest_is_generated(demo: Cluster) -> None:
    secret(demo, root_password="mine: 'quoted' \\ \"twice\"", password="also mine")
    demo.apply(SINGLE)
    demo.wait_synced(1)
    with connect(demo.address(), "root", "mine: 'quoted' \\ \"twice\""):
        pass
    with connect(demo.address(), "app", "also mine"):
        pass
    assert len(demo.password("token")) >= 24
    assert demo.trireme("sql", "--user", "root", "-e", "SELECT 1").returncode == 0


def test_an_empty_password_in_the_secret(demo: Cluster) -> None:
    secret(demo, password="")
    demo.apply(SINGLE)
    demo.wait_message("the Secret has no value for password: an empty password is none")
    assert demo.get("secret", "demo")["data"].keys() == {"password"}, "nothing was generated beside it"
    demo.kubectl("delete", "secret", "demo")
    demo.wait_synced(1)
    assert demo.sql("SELECT 1") == [(1,)]


def test_a_lost_secret_is_not_replaced(demo: Cluster) -> None:
    demo.apply(SINGLE)
    history = demo.wait_synced(1)
    kept = {key: demo.password(key) for key in ("root-password", "password", "token")}
    demo.kubectl("delete", "secret", "demo")
    demo.kubectl("delete", "pod", "demo-0")
    demo.wait_message("the Secret lacks root-password, password, token, but this member has data")
    secret(demo, **{key.replace("-", "_"): value for key, value in kept.items()})
    assert demo.wait_synced(1) == history
    assert demo.sql("SELECT 1") == [(1,)]


def test_an_image_that_does_not_exist(demo: Cluster) -> None:
    with overlay(SINGLE, image="registry.invalid/no-such-image") as wrong:
        demo.apply(wrong)
    demo.wait_message("registry.invalid/no-such-image")
    states = demo.pods()["demo-0"]["status"]["initContainerStatuses"]
    assert states[0]["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
    demo.apply(SINGLE)
    demo.wait_synced(1)


def test_a_setting_that_would_break_the_cluster(demo: Cluster) -> None:
    """The roll stops at the first member, which says why; the others serve meanwhile."""
    demo.apply()
    history = demo.wait_synced()
    demo.sql("CREATE TABLE t (id INT PRIMARY KEY)")
    with overlay(my_cnf="[mariadbd]\nmax_connections = 99\nwsrep_on = OFF\n") as wrong:
        demo.apply(wrong)
    expected = "line 3: wsrep_on"
    wait_until(lambda: expected in demo.termination_messages().get("demo-2", ""), f"it says {expected!r}", 60)
    assert "loses what is written to it" in demo.termination_messages()["demo-2"]
    demo.wait_message(expected)
    demo.sql("INSERT INTO t VALUES (1)")
    assert demo.endpoints("demo") == {"demo-0", "demo-1"}
    demo.apply()
    assert demo.wait_synced() == history
    assert demo.sql_in("demo-2", "SET wsrep_sync_wait = 1", "SELECT id FROM t") == [(1,)]


def test_a_pod_that_waits_for_the_secret_ends_when_asked(demo: Cluster) -> None:
    """Member 0 may not generate it, so the others wait; their grace period would be ten minutes."""
    with overlay(patch=WITHOUT_RIGHTS) as patched:
        demo.apply(patched)
    wait_until(
        lambda: "waits for member 0" in demo.kubectl("logs", "demo-1", "-c", "secret"), "member 1 waits", 60
    )
    demo.wait_message("Apply the Role and RoleBinding")
    demo.scale(0)
    wait_until(lambda: not demo.pods(), "the pods end", 30)
