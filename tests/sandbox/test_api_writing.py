"""Writes over plain HTTP: conflicts, patches, server-side apply, dry runs, refusals, deletion."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.api_client import MERGE, STRATEGIC, Client
from tests.sandbox.api_support import Laboratory, pod, provide_namespace
from trireme.sandbox.store.interface import Key, NotFoundError, Object

NS = "/api/v1/namespaces/default"
SETS = "/apis/apps/v1/namespaces/default/statefulsets"


def config_map(name: str = "a", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}


def stateful_set(**spec: Any) -> Object:
    template = {"metadata": {"labels": {"app": "db"}}, "spec": pod()["spec"]}
    body = {"selector": {"matchLabels": {"app": "db"}}, "serviceName": "db", "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": body}


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as made:
        yield made


class TestCreateAndUpdate:
    async def test_defaults_are_kubernetes_defaults(self, client: Client) -> None:
        made = (await client.ask("POST", SETS, stateful_set())).body
        assert made["spec"]["replicas"] == 1
        assert made["spec"]["podManagementPolicy"] == "OrderedReady"
        assert made["spec"]["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
        spec = made["spec"]["template"]["spec"]
        assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Always", 30)
        assert spec["containers"][0]["imagePullPolicy"] == "IfNotPresent"

    async def test_a_stale_version_conflicts(self, client: Client) -> None:
        made = (await client.ask("POST", f"{NS}/configmaps", config_map())).body
        newer = await client.ask("PUT", f"{NS}/configmaps/a", {**made, "data": {"x": "1"}})
        stale = await client.ask("PUT", f"{NS}/configmaps/a", {**made, "data": {"x": "2"}})
        assert (newer.code, stale.code, stale.body["reason"]) == (200, 409, "Conflict")
        assert (
            "the object has been modified; please apply your changes to the latest version" in stale.message
        )

    async def test_status_is_written_through_its_subresource_only(self, client: Client) -> None:
        made = (await client.ask("POST", SETS, {**stateful_set(), "status": {"replicas": 7}})).body
        assert made["status"] == {"replicas": 0, "availableReplicas": 0}
        await client.ask("PATCH", f"{SETS}/db", {"status": {"replicas": 7}}, media=MERGE)
        body = {"spec": {"replicas": 9}, "status": {"replicas": 5}}
        changed = (await client.ask("PATCH", f"{SETS}/db/status", body, media=MERGE)).body
        assert (changed["status"]["replicas"], changed["spec"]["replicas"]) == (5, 1)
        assert changed["metadata"]["generation"] == 1

    async def test_a_dry_run_validates_and_leaves_no_trace(self, lab: Laboratory, client: Client) -> None:
        before = lab.store.version
        assert (await client.ask("POST", f"{SETS}?dryRun=All", stateful_set())).code == 201
        assert (await client.ask("POST", f"{SETS}?dryRun=All", stateful_set(replicas=-1))).code == 422
        assert lab.store.version == before

    async def test_cluster_ips_are_allocated_and_stay(self, client: Client) -> None:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "s"},
            "spec": {"ports": [{"port": 80}]},
        }
        made = (await client.ask("POST", f"{NS}/services", service)).body
        address = made["spec"]["clusterIP"]
        assert address.startswith("127.240.1.") and made["spec"]["clusterIPs"] == [address]
        replaced = await client.ask("PUT", f"{NS}/services/s", {**service, "spec": {"ports": [{"port": 81}]}})
        assert replaced.body["spec"]["clusterIP"] == address
        moved = await client.ask(
            "PATCH", f"{NS}/services/s", {"spec": {"clusterIP": "127.240.1.99"}}, media=MERGE
        )
        assert "may not change once set" in moved.message
        elsewhere = {
            **service,
            "metadata": {"name": "t"},
            "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 1}]},
        }
        assert "not in the valid range" in (await client.ask("POST", f"{NS}/services", elsewhere)).message

    async def test_a_services_affinity_takes_its_settings_with_it(self, client: Client) -> None:
        spec = {"ports": [{"port": 80}], "sessionAffinity": "ClientIP"}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec}
        made = await client.ask("POST", f"{NS}/services", service)
        assert made.body["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
        none = {"spec": {"sessionAffinity": "None"}}
        left = await client.ask("PATCH", f"{NS}/services/s", none, media=MERGE)
        assert "sessionAffinityConfig" not in left.body["spec"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("spec", "field"),
        [
            ({"hostNetwork": True}, "spec.hostNetwork"),
            ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "spec.volumes[0].hostPath"),
            ({"dnsConfig": {"nameservers": ["1.1.1.1"]}}, "spec.dnsConfig"),
            (
                {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]},
                "spec.containers[0].securityContext.privileged",
            ),
        ],
    )
    async def test_what_is_not_emulated_is_named(self, client: Client, spec: Object, field: str) -> None:
        answer = await client.ask("POST", f"{NS}/pods", pod(**spec))
        assert (answer.code, answer.body["reason"]) == (422, "Invalid")
        assert f"{field}: Forbidden: the sandbox does not emulate this field" in answer.message
        assert answer.body["details"]["causes"][0]["field"] == field

    async def test_not_even_in_a_template(self, client: Client) -> None:
        workload = stateful_set()
        workload["spec"]["template"]["spec"]["hostPID"] = True
        answer = await client.ask("POST", SETS, workload)
        assert "spec.template.spec.hostPID: Forbidden: the sandbox does not emulate" in answer.message

    async def test_saying_no_to_what_is_not_emulated_is_fine(self, client: Client) -> None:
        assert (await client.ask("POST", f"{NS}/pods", pod(hostNetwork=False))).code == 201
        one = {"name": "c", "image": "i", "securityContext": {"privileged": False}}
        plain = {**pod(containers=[one]), "metadata": {"name": "q"}}
        made = (await client.ask("POST", f"{NS}/pods", plain)).body
        assert made["spec"]["containers"][0]["securityContext"] == {"privileged": False}

    async def test_what_is_recorded_without_effect_is_said_once(self, client: Client) -> None:
        limits = {"resources": {"limits": {"cpu": "1"}}}
        two = [{"name": name, "image": "i", **limits} for name in "ab"]
        answer = await client.ask(
            "POST", f"{NS}/pods", pod(containers=two, tolerations=[{"operator": "Exists"}])
        )
        (warning,) = answer.warnings
        assert warning.endswith(
            "without effect in the sandbox: spec.containers[*].resources, spec.tolerations"
        )
        again = await client.ask("PATCH", f"{NS}/pods/p", {"metadata": {"labels": {"a": "b"}}}, media=MERGE)
        assert again.warnings == []

    async def test_what_a_template_has_without_effect_is_one_list(self, client: Client) -> None:
        workload = stateful_set()
        workload["spec"]["template"]["spec"] |= {
            "tolerations": [{"operator": "Exists"}],
            "priorityClassName": "high",
        }
        (warning,) = (await client.ask("POST", SETS, workload)).warnings
        assert warning.endswith("sandbox: spec.template.spec.{priorityClassName, tolerations}")

    @pytest.mark.parametrize(("validation", "code"), [("Strict", 400), ("Warn", 201), ("Ignore", 201)])
    async def test_unknown_fields(self, client: Client, validation: str, code: int) -> None:
        answer = await client.ask("POST", f"{NS}/pods?fieldValidation={validation}", pod(bogus=1))
        assert answer.code == code
        said = answer.message if validation == "Strict" else " ".join(answer.warnings)
        assert ('unknown field "spec.bogus"' in said) == (validation != "Ignore")

    async def test_unknown_kinds(self, client: Client) -> None:
        answer = await client.ask(
            "POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", {}
        )
        assert (answer.code, answer.message) == (404, "the server could not find the requested resource")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (
                {"spec": {"serviceName": "other"}},
                "updates to statefulset spec for fields other than 'replicas'",
            ),
            (
                {"spec": {"replicas": -1}},
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            ({"metadata": {"labels": {"a b": "c"}}}, "metadata.labels: Invalid value"),
            (
                {"spec": {"template": {"metadata": {"labels": {"app": "x"}}}}},
                "`selector` does not match template `labels`",
            ),
        ],
    )
    async def test_invalid_changes(self, client: Client, change: Object, words: str) -> None:
        await client.ask("POST", SETS, stateful_set())
        answer = await client.ask("PATCH", f"{SETS}/db", change, media=MERGE)
        assert answer.code == 422 and words in answer.message

    async def test_pod_security_restricted(self, lab: Laboratory, client: Client) -> None:
        provide_namespace(lab.store, "safe", **{"pod-security.kubernetes.io/enforce": "restricted"})
        refused = await client.ask("POST", "/api/v1/namespaces/safe/pods", pod())
        assert (
            'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in refused.message
        )
        context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        safe = pod(
            containers=[{"name": "c", "image": "i", "securityContext": context}],
            securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        )
        assert (await client.ask("POST", "/api/v1/namespaces/safe/pods", safe)).code == 201


class TestApply:
    async def test_creates_then_owns(self, client: Client) -> None:
        path = f"{NS}/configmaps/a"
        assert (await client.apply(path, config_map(x="1", y="1"), "me")).code == 201
        left = await client.apply(path, config_map(x="2"), "me")
        assert left.body["data"] == {"x": "2"}
        (row,) = left.body["metadata"]["managedFields"]
        assert (row["manager"], row["operation"], row["fieldsV1"]) == ("me", "Apply", {"f:data": {"f:x": {}}})

    async def test_others_fields_conflict_unless_forced(self, client: Client) -> None:
        path = f"{NS}/configmaps/a"
        await client.apply(path, config_map(x="1", y="1"), "me")
        refused = await client.apply(path, config_map(x="2"), "you")
        assert refused.code == 409
        assert refused.message == 'Apply failed with 1 conflict: conflict with "me": .data.x'
        cause = {"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.x"}
        assert refused.body["details"]["causes"] == [cause]
        forced = await client.apply(path, config_map(x="2"), "you", force=True)
        assert forced.body["data"] == {"x": "2", "y": "1"}
        mine = await client.apply(path, config_map(), "me")
        assert mine.body["data"] == {"x": "2"}

    async def test_the_same_value_is_shared(self, client: Client) -> None:
        path = f"{NS}/configmaps/a"
        await client.apply(path, config_map(x="1"), "me")
        assert (await client.apply(path, config_map(x="1"), "you")).code == 200
        kept = await client.apply(path, config_map(), "me")
        assert kept.body["data"] == {"x": "1"}

    async def test_list_items_are_owned_by_their_keys(self, client: Client) -> None:
        await client.apply(f"{SETS}/db", stateful_set(), "me")
        sidecar = stateful_set()
        sidecar["spec"] = {"template": {"spec": {"containers": [{"name": "side", "image": "i"}]}}}
        both = await client.apply(f"{SETS}/db", sidecar, "you")
        assert [c["name"] for c in both.body["spec"]["template"]["spec"]["containers"]] == ["c", "side"]
        again = await client.apply(f"{SETS}/db", stateful_set(), "me")
        assert len(again.body["spec"]["template"]["spec"]["containers"]) == 2
        sidecar["spec"] = {}
        gone = await client.apply(f"{SETS}/db", sidecar, "you")
        assert [c["name"] for c in gone.body["spec"]["template"]["spec"]["containers"]] == ["c"]

    async def test_an_update_takes_what_it_changes(self, client: Client) -> None:
        path = f"{NS}/configmaps/a"
        await client.apply(path, config_map(x="1"), "me")
        await client.ask("PATCH", f"{path}?fieldManager=editor", {"data": {"x": "2"}}, media=MERGE)
        refused = await client.apply(path, config_map(x="1"), "me")
        assert refused.message == 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.x'

    async def test_applying_the_same_again_writes_nothing(self, lab: Laboratory, client: Client) -> None:
        await client.apply(f"{SETS}/db", stateful_set(), "me")
        before = lab.store.version
        await client.apply(f"{SETS}/db", stateful_set(), "me")
        assert lab.store.version == before

    async def test_needs_a_manager(self, client: Client) -> None:
        answer = await client.ask(
            "PATCH", f"{NS}/configmaps/a", config_map(), media="application/apply-patch+yaml"
        )
        assert answer.code == 422 and "fieldManager: Required value" in answer.message


class TestOtherPatches:
    async def test_strategic_merge_knows_the_keys_of_lists(self, client: Client) -> None:
        await client.ask("POST", SETS, stateful_set())
        change = {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}
        answer = await client.ask(
            "PATCH", f"{SETS}/db", {"spec": {"template": {"spec": change}}}, media=STRATEGIC
        )
        (container,) = answer.body["spec"]["template"]["spec"]["containers"]
        assert (container["image"], container["env"]) == (
            "trireme/trireme:0.1.0",
            [{"name": "A", "value": "1"}],
        )

    async def test_json_patch_that_fails_changes_nothing(self, client: Client) -> None:
        await client.ask("POST", f"{NS}/configmaps", config_map(x="1"))
        operations = [
            {"op": "replace", "path": "/data/x", "value": "2"},
            {"op": "test", "path": "/data/y", "value": "3"},
        ]
        media = "application/json-patch+json"
        assert (await client.ask("PATCH", f"{NS}/configmaps/a", operations, media=media)).code == 422
        assert (await client.ask("GET", f"{NS}/configmaps/a")).body["data"] == {"x": "1"}

    async def test_other_media_are_refused_with_those_that_are_not(self, client: Client) -> None:
        await client.ask("POST", f"{NS}/configmaps", config_map())
        answer = await client.ask("PATCH", f"{NS}/configmaps/a", {}, media="application/json")
        assert answer.code == 415 and "application/strategic-merge-patch+json" in answer.message

    async def test_a_version_in_a_patch_is_demanded(self, client: Client) -> None:
        await client.ask("POST", f"{NS}/configmaps", config_map())
        change = {"metadata": {"resourceVersion": "1"}, "data": {"x": "1"}}
        assert (await client.ask("PATCH", f"{NS}/configmaps/a", change, media=MERGE)).code == 409


class TestScaleAndDelete:
    async def test_scale_is_the_number_of_replicas(self, client: Client) -> None:
        await client.ask("POST", SETS, stateful_set())
        scale = (await client.ask("GET", f"{SETS}/db/scale")).body
        assert (scale["kind"], scale["spec"], scale["status"]) == (
            "Scale",
            {"replicas": 1},
            {"replicas": 0, "selector": "app=db"},
        )
        scale["spec"]["replicas"] = 3
        assert (await client.ask("PUT", f"{SETS}/db/scale", scale)).body["spec"]["replicas"] == 3
        assert (await client.ask("PUT", f"{SETS}/db/scale", scale)).code == 409
        assert (await client.ask("GET", f"{SETS}/db")).body["metadata"]["generation"] == 2

    async def test_preconditions(self, client: Client) -> None:
        made = (await client.ask("POST", f"{NS}/configmaps", config_map())).body
        path = f"{NS}/configmaps/a"
        assert (await client.ask("DELETE", path, {"preconditions": {"uid": "other"}})).code == 409
        assert (await client.ask("DELETE", path, {"preconditions": {"resourceVersion": "1"}})).code == 409
        assert (
            await client.ask("DELETE", path, {"preconditions": {"uid": made["metadata"]["uid"]}})
        ).code == 200

    async def test_foreground_waits_for_the_dependents(self, client: Client) -> None:
        await client.ask("POST", SETS, stateful_set())
        last = (await client.ask("DELETE", f"{SETS}/db?propagationPolicy=Foreground")).body
        assert last["metadata"]["finalizers"] == ["foregroundDeletion"]

    async def test_a_collection_by_label(self, lab: Laboratory, client: Client) -> None:
        for name in "ab":
            made = config_map(name)
            made["metadata"]["labels"] = {"name": name}
            await client.ask("POST", f"{NS}/configmaps", made)
        await client.ask("DELETE", f"{NS}/configmaps?labelSelector=name%3Da")
        assert [each["metadata"]["name"] for each in lab.store.list("", "configmaps", "default")] == ["b"]

    async def test_eviction_spends_the_budget(self, lab: Laboratory, client: Client) -> None:
        await client.ask("POST", f"{NS}/pods", pod(nodeName="node"))
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        lab.store.mutate(Key("", "pods", "default", "p"), lambda p: p.update(status=ready))
        budget = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b"},
            "spec": {"selector": {}},
        }
        made = (
            await client.ask("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget)
        ).body
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
        refused = await client.ask("POST", f"{NS}/pods/p/eviction", eviction)
        assert (refused.code, refused.body["reason"]) == (429, "TooManyRequests")
        key = Key("policy", "poddisruptionbudgets", "default", "b")
        status = {"disruptionsAllowed": 1, "observedGeneration": made["metadata"]["generation"]}
        lab.store.mutate(key, lambda b: b.update(status=status))
        assert (await client.ask("POST", f"{NS}/pods/p/eviction", eviction)).code == 201
        assert "deletionTimestamp" in lab.store.get(Key("", "pods", "default", "p"))["metadata"]
        assert lab.store.get(key)["status"]["disruptionsAllowed"] == 0

    async def test_a_pod_that_no_node_runs_goes_at_once(self, lab: Laboratory, client: Client) -> None:
        await client.ask("POST", f"{NS}/pods", pod())
        await client.ask("DELETE", f"{NS}/pods/p")
        with pytest.raises(NotFoundError):
            lab.store.get(Key("", "pods", "default", "p"))


async def test_a_node_whose_report_is_short_can_be_cordoned(lab: Laboratory, client: Client) -> None:
    status = {"nodeInfo": {"kubeletVersion": "v1"}}
    lab.put("", "nodes", {"metadata": {"name": "n"}, "spec": {}, "status": status})
    answer = await client.ask("PATCH", "/api/v1/nodes/n", {"spec": {"unschedulable": True}}, media=STRATEGIC)
    assert (answer.code, answer.body["spec"], answer.body["status"]) == (200, {"unschedulable": True}, status)
