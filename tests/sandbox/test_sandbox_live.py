"""What an operator of StatefulSets relies on, in the whole sandbox."""

import json
from collections.abc import Iterator

import pytest

from tests.sandbox.test_sandbox_cli import MANIFESTS, Shell, eventually

REVISION = "controller-revision-hash"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = Shell(tmp_path_factory.mktemp("live") / "sandbox")
    try:
        made.ok("up")
        made.kubectl("apply", "-f", str(MANIFESTS / "live.yaml"))
        eventually(lambda: status(made).get("readyReplicas") == 2)
        yield made
    finally:
        made.sandbox("down", "--purge")


def status(shell: Shell) -> dict[str, object]:
    return dict(shell.get("statefulset", "live").get("status") or {})


def revisions(shell: Shell) -> dict[str, str]:
    return {
        name: pod["metadata"]["labels"][REVISION]
        for name, pod in shell.pods().items()
        if name.startswith("live") and "deletionTimestamp" not in pod["metadata"]
    }


def test_settings_reach_the_running_pods_at_once(live: Shell) -> None:
    """Where the kubelet takes up to a minute: here within seconds, and never half of them."""
    live.kubectl("patch", "configmap", "live", "-p", '{"data":{"a":"2"}}')
    live.kubectl("patch", "secret", "live", "-p", '{"stringData":{"b":"2"}}')
    eventually(lambda: live.kubectl("exec", "live-0", "--", "cat", "/a/a", "/b/b") == "22")
    assert live.pods()["live-0"]["status"]["containerStatuses"][0]["restartCount"] == 0
    assert live.kubectl("exec", "live-0", "--", "readlink", "/a/a").strip() == "..data/a"


def test_a_new_template_waits_for_the_pods_deletion(live: Shell) -> None:
    before = status(live)
    assert before["currentRevision"] == before["updateRevision"]
    change = {"spec": {"template": {"metadata": {"annotations": {"trireme.dev/restart-hash": "x"}}}}}
    live.kubectl("patch", "statefulset", "live", "-p", json.dumps(change))
    eventually(lambda: status(live)["updateRevision"] != before["updateRevision"])
    assert set(revisions(live).values()) == {before["currentRevision"]}
    live.kubectl("delete", "pod", "live-1")
    after = str(status(live)["updateRevision"])
    eventually(lambda: revisions(live) == {"live-0": before["currentRevision"], "live-1": after})
    eventually(lambda: status(live).get("updatedReplicas") == 1 and status(live).get("readyReplicas") == 2)
    refused = live.sandbox("kubectl", "rollout", "status", "statefulset/live")
    assert "only available for RollingUpdate" in refused.stderr


def test_a_volume_grows_and_does_not_shrink(live: Shell) -> None:
    def resize(size: str) -> str:
        change = json.dumps({"spec": {"resources": {"requests": {"storage": size}}}})
        return live.sandbox("kubectl", "patch", "pvc", "data-live-0", "-p", change).stderr

    assert resize("2Gi") == ""
    eventually(lambda: live.get("pvc", "data-live-0")["status"]["capacity"]["storage"] == "2Gi")
    assert "field can not be less than status.capacity" in resize("1Gi")


def test_a_budget_holds_an_eviction_up(live: Shell) -> None:
    eventually(lambda: live.get("pdb", "live")["status"]["expectedPods"] == 2)
    drained = live.sandbox(
        "kubectl", "drain", "sandbox", "--pod-selector=app=live", "--delete-emptydir-data", "--timeout=3s"
    )
    live.kubectl("uncordon", "sandbox")
    assert drained.returncode != 0 and "disruption budget" in drained.stderr
    assert set(revisions(live)) == {"live-0", "live-1"}


def test_a_pod_that_fits_nowhere_waits(live: Shell) -> None:
    pod = live.pods()["nowhere"]
    (condition,) = pod["status"]["conditions"]
    assert pod["status"]["phase"] == "Pending"
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
    assert "didn't match Pod's node affinity/selector" in condition["message"]


def test_the_set_goes_and_its_pods_stay(live: Shell) -> None:
    live.kubectl("delete", "statefulset", "live", "--cascade=orphan")
    eventually(lambda: not live.get("statefulsets")["items"])
    assert set(revisions(live)) == {"live-0", "live-1"}
    assert "ownerReferences" not in live.pods()["live-0"]["metadata"]
    live.kubectl("apply", "-f", str(MANIFESTS / "live.yaml"))
    eventually(lambda: all("ownerReferences" in live.pods()[n]["metadata"] for n in ("live-0", "live-1")))
    live.kubectl("delete", "statefulset", "live", "--cascade=foreground")
    assert revisions(live) == {}
