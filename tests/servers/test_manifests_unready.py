"""A member that serves, and that Kubernetes leads nobody to: its node's kubelet ended, or a readiness gate says so."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.servers.sandboxed import Cluster, Kubernetes, cluster, overlay, pod_patch, wait_until

pytestmark = pytest.mark.servers

GATE = "tests.trireme.dev/led"


@pytest.fixture
def gated(kubernetes: Kubernetes) -> Iterator[Cluster]:
    """Its pods are ready once their servers are and the gate is open."""
    with (
        cluster(kubernetes) as made,
        overlay(patch=pod_patch({"readinessGates": [{"conditionType": GATE}]})) as files,
    ):
        made.apply(files)
        for name in ("demo-0", "demo-1", "demo-2"):
            wait_until(partial(gate, made, name, "True"), f"{name} is there")
        made.wait_synced()
        yield made


def gate(demo: Cluster, pod: str, status: str) -> bool:
    condition = {"status": {"conditions": [{"type": GATE, "status": status}]}}
    demo.kubectl("patch", "pod", pod, "--subresource=status", "--type=strategic", "-p", json.dumps(condition))
    return True


def test_the_writer_hands_over_where_kubernetes_leads_nobody_to_it(gated: Cluster) -> None:
    """Without it every new client is refused: demo-primary leads to one pod, which is not ready, for ever."""
    before, uids = gated.writer(), gated.uids()
    gate(gated, before, "False")
    wait_until(lambda: gated.endpoints("demo-primary") - {before}, "demo-primary leads elsewhere", 90)
    after = gated.writer()
    wait_until(lambda: gated.sql("SELECT @@hostname") == [(after,)], "clients reach the new writer", 20)
    gate(gated, before, "True")
    gated.wait_synced()
    assert gated.writer() == after, "it does not take the role back"
    assert gated.uids() == uids
