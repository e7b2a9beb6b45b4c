"""Deployments, Jobs and the endpoints of Services."""

from datetime import datetime, timedelta
from typing import Any

from tests.sandbox.workloads import (
    NOW,
    clock,
    cluster,
    names,
    running,
    service,
    stateful_set,
    template,
    until,
)
from trireme.sandbox.admitting import AdmittingStore
from trireme.sandbox.controllers.deployment import DeploymentController
from trireme.sandbox.controllers.endpoints import EndpointsController, endpoints_object, slices
from trireme.sandbox.controllers.garbage import GarbageCollector
from trireme.sandbox.controllers.job import JobController, JobPlan, plan_job
from trireme.sandbox.controllers.objects import condition
from trireme.sandbox.controllers.replicaset import ReplicaSetController
from trireme.sandbox.controllers.runner import Controller
from trireme.sandbox.controllers.writes import Create, Delete, SetStatus
from trireme.sandbox.store.interface import Key, Object, RefusedError
from trireme.sandbox.store.memory import MemoryStore

DEPLOYMENT = Key("apps", "deployments", "default", "web")
JOB = Key("batch", "jobs", "default", "backup")


def deployment(**spec: Any) -> Object:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": template(labels),
            **spec,
        },
    }


def complete(store: MemoryStore) -> bool:
    """As ``kubectl rollout status`` judges it."""
    workload = store.get(DEPLOYMENT)
    status, replicas = workload.get("status") or {}, workload["spec"]["replicas"]
    return bool(
        status.get("observedGeneration") == workload["metadata"]["generation"]
        and status["updatedReplicas"] == status["replicas"] == status["availableReplicas"] == replicas
    )


class TestDeployment:
    async def test_forms_scales_updates_and_goes(self) -> None:
        store = MemoryStore()
        store.create("apps", "deployments", deployment())
        controllers: list[Controller] = [
            DeploymentController(store, clock),
            ReplicaSetController(store, clock),
            GarbageCollector(store, clock),
        ]
        fewest = 3
        async with cluster(store, controllers):
            await until(store, lambda: complete(store))
            store.mutate(DEPLOYMENT, lambda obj: obj["spec"].update(replicas=5))
            await until(store, lambda: complete(store))
            stop = store.subscribe(lambda _: note())

            def note() -> None:
                nonlocal fewest
                alive = [pod for pod in store.list("", "pods") if (pod.get("status") or {}).get("podIP")]
                fewest = min(fewest, len(alive))

            store.mutate(DEPLOYMENT, lambda obj: obj["spec"]["template"]["spec"].update(dnsPolicy="Default"))
            await until(store, lambda: complete(store) and len(store.list("", "pods")) == 5)
            stop()
            assert fewest >= 3, "25 % of 5, rounded down, may be missing, and the surge is one"
            assert {pod["spec"]["dnsPolicy"] for pod in store.list("", "pods")} == {"Default"}
            assert len(names(store, "replicasets", "apps")) == 2
            store.delete(DEPLOYMENT)
            await until(store, lambda: not store.list("", "pods") and not names(store, "replicasets", "apps"))

    async def test_pods_that_are_refused_are_a_condition_until_they_are_there(self) -> None:
        store, refused = MemoryStore(), ["no PriorityClass with name high was found"]

        def complete_or_refuse(group: str, resource: str, obj: Object) -> None:
            if resource == "pods" and refused:
                raise RefusedError(refused[0])

        admitting = AdmittingStore(store, complete_or_refuse)
        store.create("apps", "deployments", deployment())
        controllers: list[Controller] = [
            DeploymentController(admitting, clock),
            ReplicaSetController(admitting, clock),
        ]

        def failure() -> Object | None:
            return condition(store.get(DEPLOYMENT), "ReplicaFailure")

        async with cluster(store, controllers):
            await until(store, lambda: failure() is not None)
            found = failure()
            assert found is not None
            assert (found["status"], found["message"]) == ("True", refused[0])
            refused.clear()
            await until(store, lambda: complete(store))
            assert failure() is None


def job(**spec: Any) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "backup", "namespace": "default", "uid": "job-uid"},
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "template": template({}, restartPolicy="Never"),
            **spec,
        },
        "status": {"startTime": "2026-11-23T11:59:00Z"},
    }


def job_pod(phase: str, *, ended: datetime = NOW) -> Object:
    finished = ended.strftime("%Y-%m-%dT%H:%M:%SZ")
    state = {"terminated": {"exitCode": 1, "finishedAt": finished}}
    return {
        "metadata": {"name": f"backup-{phase.lower()}", "namespace": "default", "uid": phase},
        "status": {"phase": phase, "containerStatuses": [{"restartCount": 0, "state": state}]},
    }


def created(decided: JobPlan) -> int:
    return sum(isinstance(each, Create) for each in decided.writes)


def conditions(decided: JobPlan) -> list[str]:
    (write,) = [each for each in decided.writes if isinstance(each, SetStatus)]
    return [f"{each['type']} {each.get('reason', '')}".strip() for each in write.status.get("conditions", [])]


class TestJob:
    def test_runs_as_many_as_may_run_at_once(self) -> None:
        assert created(plan_job(job(completions=5, parallelism=2), [], NOW)) == 2
        assert created(plan_job(job(completions=5, parallelism=2), [job_pod("Running")], NOW)) == 1

    def test_is_complete(self) -> None:
        assert conditions(plan_job(job(), [job_pod("Succeeded")], NOW)) == ["Complete"]

    def test_waits_longer_after_each_failure(self) -> None:
        decided = plan_job(job(), [job_pod("Failed")], NOW)
        assert (created(decided), decided.look_again) == (0, 10)
        assert created(plan_job(job(), [job_pod("Failed")], NOW + timedelta(seconds=10))) == 1
        twice = [job_pod("Failed"), job_pod("Failed")]
        assert plan_job(job(), twice, NOW + timedelta(seconds=10)).look_again == 10

    def test_gives_up(self) -> None:
        failed = [job_pod("Failed")] * 3
        assert conditions(plan_job(job(backoffLimit=2), failed, NOW)) == ["Failed BackoffLimitExceeded"]

    def test_has_no_more_time(self) -> None:
        decided = plan_job(job(activeDeadlineSeconds=60), [job_pod("Running")], NOW)
        assert conditions(decided) == ["Failed DeadlineExceeded"]
        assert [each.key.name for each in decided.writes if isinstance(each, Delete)] == ["backup-running"]

    def test_is_removed_when_its_time_to_live_is_over(self) -> None:
        over = job(ttlSecondsAfterFinished=30)
        complete = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-23T12:00:00Z"}
        over["status"]["conditions"] = [complete]
        assert plan_job(over, [], NOW + timedelta(seconds=10)).look_again == 20
        (write,) = plan_job(over, [], NOW + timedelta(seconds=30)).writes
        assert isinstance(write, Delete)

    async def test_runs_to_its_end(self) -> None:
        store = MemoryStore()
        store.create("batch", "jobs", job())
        async with cluster(store, [JobController(store, clock)]):
            await until(store, lambda: names(store, "pods"))
            (pod,) = store.list("", "pods")
            assert pod["metadata"]["labels"]["job-name"] == "backup"
            key = Key("", "pods", "default", pod["metadata"]["name"])
            await until(store, lambda: store.get(key)["status"]["phase"] == "Running")
            store.mutate(key, lambda obj: obj["status"].update(phase="Succeeded"))
            await until(store, lambda: store.get(JOB)["status"].get("succeeded") == 1)
            assert [each["type"] for each in store.get(JOB)["status"]["conditions"]] == ["Complete"]


def demo_pod(number: int, *, ready: bool = True) -> Object:
    spec = stateful_set()["spec"]["template"]["spec"]
    made: Object = {
        "metadata": {
            "name": f"demo-{number}",
            "namespace": "default",
            "uid": f"uid-{number}",
            "labels": {"app": "demo"},
        },
        "spec": {**spec, "hostname": f"demo-{number}", "subdomain": "demo-internal", "nodeName": "sandbox"},
    }
    return running(made, f"127.99.16.{number + 1}", ready=ready)


def demo_service(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", **service("demo-internal", {"app": "demo"}, **spec)}


class TestEndpoints:
    def test_conditions(self) -> None:
        leaving = demo_pod(2)
        leaving["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
        pods = [demo_pod(0), demo_pod(1, ready=False), leaving]
        (found,) = slices(demo_service(), pods)
        assert [tuple(each["conditions"].values()) for each in found["endpoints"]] == [
            (True, True, False),
            (False, False, False),
            (False, True, True),
        ]
        assert found["ports"] == [{"name": "mysql", "port": 3306, "protocol": "TCP"}]

    def test_publishing_those_that_are_not_ready(self) -> None:
        (found,) = slices(
            demo_service(headless=True, publishNotReadyAddresses=True), [demo_pod(0, ready=False)]
        )
        (endpoint,) = found["endpoints"]
        assert endpoint["conditions"] == {"ready": True, "serving": False, "terminating": False}
        assert endpoint["hostname"] == "demo-0"
        assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""

    def test_a_hostname_only_under_its_own_subdomain(self) -> None:
        other = {"apiVersion": "v1", "kind": "Service", **service("demo", {"app": "demo"})}
        (found,) = slices(other, [demo_pod(0)])
        assert "hostname" not in found["endpoints"][0]

    def test_a_named_port_is_each_pods_own(self) -> None:
        moved = demo_pod(1)
        moved["spec"]["containers"] = [{"name": "main", "ports": [{"name": "mysql", "containerPort": 3307}]}]
        found = slices(demo_service(), [demo_pod(0), moved])
        assert sorted(each["ports"][0]["port"] for each in found) == [3306, 3307]

    def test_the_older_object(self) -> None:
        leaving = demo_pod(2)
        leaving["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
        found = endpoints_object(demo_service(), [demo_pod(0), demo_pod(1, ready=False), leaving])
        (subset,) = found["subsets"]
        assert [each["ip"] for each in subset["addresses"]] == ["127.99.16.1"]
        assert [each["ip"] for each in subset["notReadyAddresses"]] == ["127.99.16.2"]

    async def test_follow_pods_and_their_labels(self) -> None:
        store = MemoryStore()
        store.create("", "services", demo_service())
        for number in range(2):
            store.create("", "pods", demo_pod(number))
        moved = Key("", "pods", "default", "demo-1")

        def addresses() -> list[str]:
            return [
                endpoint["addresses"][0]
                for each in store.list("discovery.k8s.io", "endpointslices")
                for endpoint in each["endpoints"]
            ]

        async with cluster(store, [EndpointsController(store, clock)]):
            await until(store, lambda: addresses() == ["127.99.16.1", "127.99.16.2"])
            store.mutate(moved, lambda obj: obj["metadata"].update(labels={"app": "other"}))
            await until(store, lambda: addresses() == ["127.99.16.1"])
            store.delete(Key("", "services", "default", "demo-internal"))
