"""Status, conditions and verdicts, from values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trireme.sandbox.node.prober import Rules, Tally
from trireme.sandbox.node.scheduler import obstacle
from trireme.sandbox.node.state import Container, Running, Terminated
from trireme.sandbox.node.status import Facts, phase, quality_of_service, status
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.memory import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(NOW, "127.9.0.9", "127.9.0.1", terminating=False)
RUNS = Container("main", False, Running(NOW, "id"), started=True, ready=True)
DONE = Container("main", False, Terminated(0, "Completed", "", NOW, NOW, "id"))
BROKEN = Container("main", False, Terminated(1, "Error", "", NOW, NOW, "id"))


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [{"name": "main"}], **spec}}


def conditions(obj: Object, container: Container, facts: Facts = FACTS) -> dict[str, tuple[str, str]]:
    found = status(obj, [container], facts)["conditions"]
    return {entry["type"]: (entry["status"], entry.get("message", "")) for entry in found}


@pytest.mark.parametrize(
    ("containers", "policy", "expected"),
    [
        ([Container("main", False)], "Always", "Pending"),
        ([RUNS], "Always", "Running"),
        ([BROKEN], "Always", "Running"),
        ([DONE], "Never", "Succeeded"),
        ([BROKEN], "Never", "Failed"),
        ([BROKEN], "OnFailure", "Running"),
        ([DONE, replace(RUNS, name="side")], "Never", "Running"),
    ],
)
def test_phase(containers: list[Container], policy: str, expected: str) -> None:
    assert phase(containers, policy) == expected


def test_a_pod_that_is_deleted_is_not_ready() -> None:
    assert conditions(pod(), RUNS)["Ready"] == ("True", "")
    words = "containers with unready status: [main]"
    assert conditions(pod(), RUNS, replace(FACTS, terminating=True))["Ready"] == ("False", words)


def test_readiness_gates_are_waited_for() -> None:
    gated = pod(readinessGates=[{"conditionType": "a/b"}])
    found = conditions(gated, RUNS)
    assert found["ContainersReady"][0] == "True"
    assert found["Ready"] == (
        "False",
        'corresponding condition of pod readiness gate "a/b" does not exist.',
    )
    gated["status"] = {"conditions": [{"type": "a/b", "status": "True"}]}
    assert conditions(gated, RUNS)["Ready"][0] == "True"
    assert conditions(gated, RUNS)["a/b"] == ("True", ""), "what others wrote is kept"


def test_a_transition_time_changes_only_with_the_status() -> None:
    obj = pod()
    obj["status"] = status(obj, [RUNS], FACTS)
    later = replace(FACTS, now=NOW + timedelta(minutes=1))
    assert status(obj, [RUNS], later) == obj["status"]
    changed = status(obj, [replace(RUNS, ready=False)], later)
    times = {entry["type"]: entry["lastTransitionTime"] for entry in changed["conditions"]}
    assert (times["Initialized"], times["Ready"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"memory": "1024Mi"}}, "Guaranteed"),
    ],
)
def test_quality_of_service(resources: Object, expected: str) -> None:
    assert quality_of_service(pod(containers=[{"name": "main", "resources": resources}])) == expected


def test_a_verdict_needs_its_threshold() -> None:
    rules = Rules.of({"failureThreshold": 3, "successThreshold": 2})
    tally, verdicts = Tally(), []
    for ok in (True, True, False, False, True, False, False, False):
        tally = tally.after(ok)
        verdicts.append(tally.verdict(rules))
    assert verdicts == [None, True, None, None, None, None, None, False]


def test_obstacles_of_the_scheduler() -> None:
    store = MemoryStore()
    assert obstacle(store, pod()) == "no nodes available to schedule pods"
    labels = {"kubernetes.io/hostname": "sandbox"}
    store.create("", "nodes", {"metadata": {"name": "sandbox", "labels": labels}, "spec": {}})
    assert obstacle(store, pod()) is None
    assert "node affinity/selector" in str(obstacle(store, pod(nodeSelector={"disk": "fast"})))
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    assert 'persistentvolumeclaim "data" not found' in str(obstacle(store, pod(volumes=volumes)))
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert obstacle(store, pod(affinity=apart)) is None
    first = {"metadata": {"name": "first", "namespace": "n", "labels": {"app": "db"}}}
    store.create("", "pods", {**first, "spec": {"nodeName": "sandbox", "containers": []}})
    assert "anti-affinity" in str(obstacle(store, pod(affinity=apart)))


def test_pods_that_must_spread() -> None:
    store = MemoryStore()
    labels = {"kubernetes.io/hostname": "sandbox"}
    store.create("", "nodes", {"metadata": {"name": "sandbox", "labels": labels}, "spec": {}})
    wanted = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    wanted["labelSelector"] = {"matchLabels": {"app": "db"}}

    def obstacle_of(**changed: Any) -> str | None:
        one = pod(topologySpreadConstraints=[{**wanted, **changed}])
        one["metadata"]["labels"] = {"app": "db"}
        return obstacle(store, one)

    first = {"metadata": {"name": "first", "namespace": "n", "labels": {"app": "db"}}}
    store.create("", "pods", {**first, "spec": {"nodeName": "sandbox", "containers": []}})
    nodes = "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints"
    assert obstacle_of(topologyKey="zone") == f"{nodes} (missing required label)."
    assert obstacle_of(topologyKey="zone", whenUnsatisfiable="ScheduleAnyway") is None
    assert obstacle_of() is None, "one domain is as full as the fullest"
    assert obstacle_of(minDomains=2) == f"{nodes}."
    assert obstacle_of(minDomains=2, maxSkew=2) is None
