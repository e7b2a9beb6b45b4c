"""The StatefulSet controller: named situations for its decision, then whole lives of a set."""

import copy
from datetime import timedelta
from typing import Any

from tests.sandbox.workloads import NOW, clock, cluster, names, running, stateful_set, until
from trireme.sandbox.controllers.objects import labels_of, name_of, owner_reference
from trireme.sandbox.controllers.statefulset import StatefulSetController
from trireme.sandbox.controllers.statefulset_plan import Plan, plan, refusal
from trireme.sandbox.controllers.writes import Create, Delete, Replace, SetStatus
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

SET = Key("apps", "statefulsets", "default", "demo")


def decide(
    workload: Object,
    pods: list[Object],
    revisions: list[Object] | None = None,
    claims: list[Object] | None = None,
) -> Plan:
    return plan(workload, pods, claims or [], revisions or [], NOW)


def created(decided: Plan, resource: str = "pods") -> list[str]:
    return [
        name_of(each.obj) for each in decided.writes if isinstance(each, Create) and each.resource == resource
    ]


def deleted(decided: Plan) -> list[str]:
    return [each.key.name for each in decided.writes if isinstance(each, Delete)]


def status(decided: Plan) -> dict[str, Any]:
    (write,) = [each for each in decided.writes if isinstance(each, SetStatus)]
    return write.status


def pods_of(workload: Object, count: int, *, ready: bool = True) -> list[Object]:
    """The pods that the controller itself would make, running."""
    whole = copy.deepcopy(workload)
    whole["spec"] |= {"podManagementPolicy": "Parallel", "replicas": count}
    made = [
        each.obj for each in decide(whole, []).writes if isinstance(each, Create) and each.resource == "pods"
    ]
    for number, pod in enumerate(made):
        pod["metadata"]["uid"] = f"uid-{number}"
    return [running(pod, f"127.99.16.{number}", ready=ready) for number, pod in enumerate(made)]


def revision_of(workload: Object) -> Object:
    (made,) = [
        each.obj
        for each in decide(workload, []).writes
        if isinstance(each, Create) and each.resource == "controllerrevisions"
    ]
    return made


class TestDecision:
    def test_parallel_creates_all_at_once(self) -> None:
        assert created(decide(stateful_set(podManagementPolicy="Parallel"), [])) == [
            "demo-0",
            "demo-1",
            "demo-2",
        ]

    def test_ordered_creates_the_first_only(self) -> None:
        assert created(decide(stateful_set(), [])) == ["demo-0"]

    def test_ordered_waits_until_the_first_is_ready(self) -> None:
        workload = stateful_set()
        assert created(decide(workload, pods_of(workload, 1, ready=False))) == []
        assert created(decide(workload, pods_of(workload, 1))) == ["demo-1"]

    def test_ordered_waits_out_min_ready_seconds(self) -> None:
        workload = stateful_set(minReadySeconds=30)
        decided = decide(workload, pods_of(workload, 1))
        assert created(decided) == []
        assert decided.look_again == 30
        later = plan(workload, pods_of(workload, 1), [], [], NOW + timedelta(seconds=30))
        assert created(later) == ["demo-1"]

    def test_a_terminating_pod_keeps_its_name_until_it_is_gone(self) -> None:
        workload = stateful_set(podManagementPolicy="Parallel")
        pods = pods_of(workload, 3)
        pods[1]["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
        assert created(decide(workload, pods)) == []
        assert created(decide(workload, [pods[0], pods[2]])) == ["demo-1"]

    def test_a_failed_pod_is_deleted_to_be_made_again(self) -> None:
        workload = stateful_set()
        pods = pods_of(workload, 3)
        pods[2]["status"] = {"phase": "Failed"}
        assert deleted(decide(workload, pods)) == ["demo-2"]

    def test_identity_of_a_pod(self) -> None:
        pod = pods_of(stateful_set(claims=True), 2)[1]
        assert pod["spec"]["hostname"] == "demo-1"
        assert pod["spec"]["subdomain"] == "demo-internal"
        assert labels_of(pod)["statefulset.kubernetes.io/pod-name"] == "demo-1"
        assert labels_of(pod)["apps.kubernetes.io/pod-index"] == "1"
        assert labels_of(pod)["controller-revision-hash"] == name_of(revision_of(stateful_set()))
        assert pod["spec"]["volumes"] == [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-demo-1"}}
        ]

    def test_no_pod_takes_a_claim_that_is_being_deleted(self) -> None:
        workload = stateful_set(claims=True, replicas=1)
        going: Object = {
            "metadata": {
                "name": "data-demo-0",
                "namespace": "default",
                "deletionTimestamp": "2026-11-23T12:00:00Z",
            }
        }
        decided = decide(workload, [], claims=[going])
        assert created(decided) == []
        assert "pvc data-demo-0 is being deleted" in str(decided.writes)

    def test_scale_down_parallel_takes_all_surplus_from_the_top(self) -> None:
        workload = stateful_set(podManagementPolicy="Parallel", replicas=1)
        assert deleted(decide(workload, pods_of(workload, 3))) == ["demo-2", "demo-1"]

    def test_scale_down_ordered_takes_one_at_a_time(self) -> None:
        workload = stateful_set(replicas=1)
        pods = pods_of(workload, 3)
        assert deleted(decide(workload, pods)) == ["demo-2"]
        pods[2]["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
        assert deleted(decide(workload, pods)) == []

    def test_scaled_away_claims_follow_their_pod_where_the_policy_says_so(self) -> None:
        policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
        workload = stateful_set(claims=True, replicas=2, persistentVolumeClaimRetentionPolicy=policy)
        claims: list[Object] = [
            {"metadata": {"name": f"data-demo-{n}", "namespace": "default"}} for n in range(3)
        ]
        decided = decide(workload, pods_of(workload, 3), claims=claims)
        owned = {
            name_of(each.obj): [owner["uid"] for owner in each.obj["metadata"]["ownerReferences"]]
            for each in decided.writes
            if isinstance(each, Replace)
        }
        assert owned == {"data-demo-2": ["uid-2"]}

    def test_ordinals_start_is_refused(self) -> None:
        assert refusal(stateful_set()) is None
        assert "ordinals.start is 5" in (refusal(stateful_set(ordinals={"start": 5})) or "")


class TestRollingUpdate:
    def updated(self, **spec: Any) -> tuple[Object, list[Object], list[Object]]:
        """A set of three whose template changed after its pods were made."""
        before = stateful_set(podManagementPolicy="Parallel", **spec)
        pods = pods_of(before, 3)
        after = copy.deepcopy(before)
        after["metadata"]["generation"] = 2
        after["spec"]["template"]["spec"]["containers"][0]["image"] = "trireme:2"
        old = revision_of(before)
        after["status"] = {"currentRevision": name_of(old), "currentReplicas": 3}
        return after, pods, [old]

    def test_starts_with_the_highest_ordinal(self) -> None:
        assert deleted(decide(*self.updated())) == ["demo-2"]

    def test_waits_for_the_one_that_went_before(self) -> None:
        workload, pods, revisions = self.updated()
        pods[2]["metadata"]["labels"]["controller-revision-hash"] = name_of(revision_of(workload))
        assert deleted(decide(workload, pods, revisions)) == ["demo-1"]
        pods[2] = running(pods[2], "127.99.16.9", ready=False)
        assert deleted(decide(workload, pods, revisions)) == []

    def test_partition_holds_back(self) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
        workload, pods, revisions = self.updated(updateStrategy=strategy)
        assert deleted(decide(workload, pods, revisions)) == ["demo-2"]
        pods[2]["metadata"]["labels"]["controller-revision-hash"] = name_of(revision_of(workload))
        assert deleted(decide(workload, pods, revisions)) == []

    def test_a_pod_below_the_partition_comes_back_as_it_was(self) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
        workload, pods, revisions = self.updated(updateStrategy=strategy)
        decided = decide(workload, pods[1:], revisions)
        (pod,) = [each.obj for each in decided.writes if isinstance(each, Create) and each.resource == "pods"]
        assert labels_of(pod)["controller-revision-hash"] == name_of(revisions[0])
        assert pod["spec"]["containers"][0]["image"] == "trireme"

    def test_max_unavailable_takes_more_at_once(self) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
        assert deleted(decide(*self.updated(updateStrategy=strategy))) == ["demo-2", "demo-1"]

    def test_on_delete_waits_for_a_person(self) -> None:
        assert deleted(decide(*self.updated(updateStrategy={"type": "OnDelete"}))) == []

    def test_status_while_it_goes_on(self) -> None:
        workload, pods, revisions = self.updated()
        new = name_of(revision_of(workload))
        pods[2]["metadata"]["labels"]["controller-revision-hash"] = new
        found = status(decide(workload, pods, revisions))
        assert found["currentRevision"] == name_of(revisions[0])
        assert found["updateRevision"] == new
        counts = {field: found[field] for field in ("replicas", "readyReplicas", "updatedReplicas")}
        assert counts == {"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1}
        assert found["currentReplicas"] == 1, "demo-1 is deleted in this pass"
        assert found["observedGeneration"] == 2

    def test_a_rollback_reuses_the_old_revision(self) -> None:
        workload, pods, revisions = self.updated()
        newer = copy.deepcopy(revision_of(workload)) | {"revision": 2}
        workload["spec"]["template"]["spec"]["containers"][0]["image"] = "trireme"
        decided = decide(workload, pods, [*revisions, newer])
        (write,) = [each for each in decided.writes if isinstance(each, Replace)]
        assert (name_of(write.obj), write.obj["revision"]) == (name_of(revisions[0]), 3)


def ready_replicas(store: MemoryStore) -> int:
    return int((store.get(SET).get("status") or {}).get("readyReplicas", 0))


def rolled_out(store: MemoryStore) -> bool:
    """As ``kubectl rollout status`` judges it."""
    workload = store.get(SET)
    status, replicas = workload["status"], workload["spec"]["replicas"]
    return bool(
        status["observedGeneration"] == workload["metadata"]["generation"]
        and status["currentRevision"] == status["updateRevision"]
        and status.get("updatedReplicas") == status.get("readyReplicas") == replicas
    )


async def store_with_set(**spec: Any) -> MemoryStore:
    store = MemoryStore()
    store.create("apps", "statefulsets", stateful_set(**spec))
    return store


class TestLife:
    async def test_forms_scales_and_rolls(self) -> None:
        store = await store_with_set()
        async with cluster(store, [StatefulSetController(store, clock)]):
            await until(store, lambda: ready_replicas(store) == 3)
            store.mutate(SET, lambda obj: obj["spec"].update(replicas=5))
            await until(store, lambda: ready_replicas(store) == 5)
            store.mutate(SET, lambda obj: obj["spec"].update(replicas=2))
            await until(store, lambda: names(store, "pods") == ["demo-0", "demo-1"])
            before = {pod["metadata"]["uid"] for pod in store.list("", "pods")}
            store.mutate(
                SET, lambda obj: obj["spec"]["template"]["spec"].update(restartPolicy="Always", dnsPolicy="x")
            )
            await until(store, lambda: rolled_out(store))
            assert before.isdisjoint(pod["metadata"]["uid"] for pod in store.list("", "pods"))

    async def test_a_deleted_pod_comes_back_only_after_it_has_ended(self) -> None:
        store = await store_with_set(podManagementPolicy="Parallel")
        async with cluster(store, [StatefulSetController(store, clock)]) as node:
            await until(store, lambda: ready_replicas(store) == 3)
            key = Key("", "pods", "default", "demo-1")
            old = store.get(key)["metadata"]["uid"]
            node.held.add("demo-1")
            store.delete(key, grace_seconds=30)
            store.mutate(SET, lambda obj: obj["metadata"].update(annotations={"look": "again"}))
            await until(store, lambda: store.get(SET)["status"]["replicas"] == 3)
            assert store.get(key)["metadata"]["uid"] == old
            store.delete(key, grace_seconds=0)
            await until(store, lambda: names(store, "pods") == ["demo-0", "demo-1", "demo-2"])
            assert store.get(key)["metadata"]["uid"] != old

    async def test_an_orphan_of_its_name_and_labels_is_adopted(self) -> None:
        store = await store_with_set(replicas=1)
        orphan: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "demo-0", "namespace": "default", "labels": {"app": "demo"}},
            "spec": {"containers": [], "nodeName": "sandbox"},
        }
        store.create("", "pods", orphan)
        async with cluster(store, [StatefulSetController(store, clock)]):
            key = Key("", "pods", "default", "demo-0")
            await until(store, lambda: store.get(key)["metadata"].get("ownerReferences"))
            assert store.get(key)["metadata"]["ownerReferences"] == [owner_reference(store.get(SET))]
