"""A member is gone for good: explained, decided by a person, told until it is settled. As one would type it."""

from collections.abc import Iterator

import pytest
import yaml

from tests.servers.sandboxed import TRIREME, Cluster, Done, Kubernetes, cluster, overlay, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def demo(kubernetes: Kubernetes) -> Iterator[Cluster]:
    with cluster(kubernetes) as made:
        made.apply()
        made.wait_synced()
        yield made


def typed(demo: Cluster, *arguments: str, types: str = "") -> Done:
    """A command of trireme with what a person types; its lines joined, wherever they were broken."""
    done = demo.kubernetes.run(*TRIREME, *arguments, "-n", demo.namespace, stdin=types, seconds=120)
    done.stdout, done.stderr = (" ".join(text.split()) for text in (done.stdout, done.stderr))
    return done


def lose_all_and_one_for_good(demo: Cluster) -> None:
    """All pods are killed at once; the last member's volume is lost, and no pod of it comes back."""
    demo.kubectl("delete", "statefulset", "demo", "--cascade=orphan")
    demo.kubectl("delete", "pods", *demo.pods(), "--force", "--grace-period=0")
    wait_until(lambda: not demo.pods(), "all pods are gone")
    demo.kubectl("delete", "pvc", "data-demo-2")
    two = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "demo"},
        "spec": {"replicas": 2},
    }
    with overlay(patch=yaml.safe_dump(two)) as folder:
        demo.apply(folder)


def test_17_a_person_says_that_a_member_is_gone(demo: Cluster) -> None:
    """FIELD FAILURE 17. Fails where the two wait for ever, and where they go on without being told to."""
    demo.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    lose_all_and_one_for_good(demo)
    demo.wait_message("member 2 of the latest view may hold newer data and did not answer")

    explained = typed(demo, "explain")
    assert "Decision: Wait for member 2." in explained.stdout
    assert "the policy for missing members is Wait" in explained.stdout
    assert "if it is certain that member 2 will not come back: `trireme recover demo`" in explained.stdout

    shown = wait_until(lambda: _shown(demo), "both positions are known")
    assert "it goes on without member 2" in shown.stderr
    assert "member 2 (no pod, silent for at least" in shown.stderr
    unnamed = typed(demo, "recover", "--yes")
    assert unnamed.returncode == 2
    assert "with --yes all of it must be named" in unnamed.stderr
    assert all(demo.status(n)["phase"] == "Waiting" for n in (0, 1))

    done = typed(demo, "recover", "--by", "alice", types="demo\n")
    assert done.returncode == 0, done.stderr
    demo.wait_synced(2)
    assert demo.sql("SELECT id FROM t") == [(1,)]
    demo.wait_message("DataAtRisk: the cluster went on without member 2 at position")
    assert "(by alice)" in typed(demo, "status").stdout

    demo.scale(3)
    demo.wait_synced(3)
    (gap,) = demo.status(2)["gaps"]
    assert (gap["missing"], gap["by"], gap["settled"]) == ([2], "alice", "")
    assert gap["at"]
    settled = typed(demo, "recover", "--settle", "--by", "bob", types="demo\n")
    assert settled.returncode == 0, settled.stderr
    assert "DataAtRisk" not in typed(demo, "status").stdout
    assert {demo.status(n)["gaps"][0]["settled"] for n in range(3)} == {"bob"}


def _shown(demo: Cluster) -> Done | None:
    done = typed(demo, "recover", "--dry-run")
    return done if done.returncode == 0 else None
