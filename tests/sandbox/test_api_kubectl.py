"""What people type: the real kubectl, in every version at hand, against the server alone."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.sandbox.api_support import Kubectl, Laboratory, laboratory
from trireme.sandbox.store.interface import Key, Object

PLAIN = Path(__file__).parents[2] / "deploy" / "plain"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec:
  nodeName: sandbox
  containers: [{name: c, image: "trireme/trireme:0.1.0", ports: [{containerPort: 80}]}]
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  replicas: 2
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec: {containers: [{name: c, image: "trireme/trireme:0.1.0"}]}
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {x: '1', y: '1'}\n"


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().rstrip()


async def stop(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.communicate()


def old(kubectl: Kubectl) -> bool:
    """1.20 lacks some flags."""
    return "k120" in str(kubectl.binary)


class TestApply:
    async def test_the_plain_manifests_with_default_flags(self, kubectl: Kubectl) -> None:
        said = await kubectl("apply", "-k", str(PLAIN))
        assert "statefulset.apps/demo created" in said
        again = await kubectl("apply", "-k", str(PLAIN))
        assert "service/demo unchanged" in again and "created" not in again
        seen = await kubectl("get", "all,cm,pdb,role,rolebinding,sa", "-o", "wide")
        assert "statefulset.apps/demo   0/3" in seen and "poddisruptionbudget.policy/demo" in seen
        removed = await kubectl("delete", "-k", str(PLAIN), "--wait=false")
        assert 'statefulset.apps "demo" deleted' in removed

    async def test_client_side_apply_removes_what_it_no_longer_says(self, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=CONFIG_MAP)
        await kubectl("apply", "-f", "-", stdin=CONFIG_MAP.replace(", y: '1'", ""))
        assert await kubectl("get", "cm", "c", "-o", "jsonpath={.data}") == '{"x":"1"}'

    async def test_server_side_apply_conflicts_and_force(self, kubectl: Kubectl) -> None:
        await kubectl("apply", "--server-side", "-f", "-", stdin=CONFIG_MAP)
        changed = CONFIG_MAP.replace("x: '1'", "x: '2'")
        refused = await kubectl.run("apply", "--server-side", "--field-manager=you", "-f", "-", stdin=changed)
        assert refused.code == 1 and 'conflict with "kubectl": .data.x' in refused.err
        forced = ("apply", "--server-side", "--field-manager=you", "--force-conflicts", "-f", "-")
        assert "serverside-applied" in await kubectl(*forced, stdin=changed)

    async def test_from_client_side_to_server_side(self, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=CONFIG_MAP)
        forced = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        await kubectl(*forced, stdin=CONFIG_MAP.replace("x: '1'", "x: '2'"))
        assert await kubectl("get", "cm", "c", "-o", "jsonpath={.data.x}") == "2"

    async def test_what_is_refused_reads_well(self, kubectl: Kubectl) -> None:
        refused = await kubectl.run(
            "apply", "-f", "-", stdin=POD.replace("spec:", "spec:\n  hostNetwork: true")
        )
        assert refused.code == 1
        words = 'The Pod "p" is invalid: spec.hostNetwork: Forbidden: the sandbox does not emulate this field'
        assert words in refused.err

    async def test_a_typing_error_is_caught(self, kubectl: Kubectl) -> None:
        result = await kubectl.run("apply", "-f", "-", stdin=POD.replace("nodeName", "nodename"))
        assert 'unknown field "spec.nodename"' in result.err


class TestCreateAndChange:
    async def test_create_by_kind(self, kubectl: Kubectl) -> None:
        """New versions send protobuf here."""
        await kubectl("create", "namespace", "team")
        await kubectl("create", "configmap", "c", "--from-literal=a=b", "-n", "team")
        await kubectl("create", "secret", "generic", "s", "--from-literal=a=b", "-n", "team")
        await kubectl("create", "serviceaccount", "sa", "-n", "team")
        await kubectl("create", "deployment", "d", "--image=trireme/trireme:0.1.0", "-n", "team")
        await kubectl("create", "role", "r", "--verb=get,list", "--resource=pods,pods/log", "-n", "team")
        await kubectl("create", "rolebinding", "rb", "--role=r", "--serviceaccount=team:sa", "-n", "team")
        await kubectl("create", "job", "j", "--image=trireme/trireme:0.1.0", "-n", "team", "--", "true")
        if not old(kubectl):
            budget = ("create", "poddisruptionbudget", "b", "--selector=a=b", "--min-available=1")
            await kubectl(*budget, "-n", "team")
        image = "jsonpath={.spec.template.spec.containers[0].image}"
        assert await kubectl("get", "deploy", "d", "-n", "team", "-o", image) == "trireme/trireme:0.1.0"
        rules = json.loads(await kubectl("get", "role", "r", "-n", "team", "-o", "jsonpath={.rules}"))
        expected = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}
        assert rules == [expected]

    async def test_label_annotate_patch_scale_set(self, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
        await kubectl("label", "deploy", "d", "tier=front")
        await kubectl("label", "deploy", "d", "tier=back", "--overwrite")
        await kubectl("annotate", "deploy", "d", "note=x")
        await kubectl("scale", "deploy", "d", "--replicas=5")
        await kubectl("set", "image", "deploy/d", "c=trireme/trireme:2")
        await kubectl("set", "env", "deploy/d", "A=1")
        strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"c","args":["x"]}]}}}}'
        await kubectl("patch", "deploy", "d", "-p", strategic)
        await kubectl("patch", "deploy", "d", "--type=merge", "-p", '{"spec":{"paused":true}}')
        operations = '[{"op":"remove","path":"/spec/paused"}]'
        await kubectl("patch", "deploy", "d", "--type=json", "-p", operations)
        found = json.loads(await kubectl("get", "deploy", "d", "-o", "json"))
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert (found["spec"]["replicas"], found["metadata"]["labels"]) == (5, {"tier": "back"})
        assert (container["image"], container["args"]) == ("trireme/trireme:2", ["x"])
        assert container["env"] == [{"name": "A", "value": "1"}]

    async def test_replace_is_what_edit_does(self, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=CONFIG_MAP)
        text = await kubectl("get", "cm", "c", "-o", "yaml")
        await kubectl("replace", "-f", "-", stdin=text.replace('x: "1"', 'x: "7"'))
        stale = await kubectl.run("replace", "-f", "-", stdin=text)
        assert stale.code == 1 and "the object has been modified" in stale.err
        assert await kubectl("get", "cm", "c", "-o", "jsonpath={.data.x}") == "7"

    async def test_delete_by_label_and_force(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        await kubectl("delete", "pod", "-l", "app=web", "--wait=false")
        waiting = lab.store.get(Key("", "pods", "default", "p"))["metadata"]
        assert waiting["deletionGracePeriodSeconds"] == 30
        await kubectl("delete", "pod", "p", "--grace-period=0", "--force")
        assert lab.store.list("", "pods") == []

    async def test_delete_waits_until_it_is_gone(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        deleting = asyncio.ensure_future(kubectl("delete", "pod", "p"))
        key = Key("", "pods", "default", "p")
        async with asyncio.timeout(20):
            changes = lab.store.watch("", "pods", since=None)
            while "deletionTimestamp" not in lab.store.get(key)["metadata"]:
                await anext(changes)
        assert not deleting.done()
        lab.store.delete(key, grace_seconds=0)
        assert "deleted" in await deleting


class TestReadingAndWaiting:
    async def test_get_in_every_form(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        lab.store.mutate(Key("", "pods", "default", "p"), run)
        table = (await kubectl("get", "pods", "-o", "wide")).splitlines()
        assert table[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
        assert table[1].split()[:4] == ["p", "1/1", "Running", "0"]
        assert "127.240.9.9" in table[1] and "sandbox" in table[1]
        assert await kubectl("get", "pods", "-o", "name") == "pod/p\n"
        assert await kubectl("get", "po", "p", "-o", "jsonpath={.status.podIP}") == "127.240.9.9"
        assert "P\np" in (await kubectl("get", "po", "-o", "custom-columns=P:.metadata.name"))
        assert "app=web" in await kubectl("get", "pods", "--show-labels")
        assert (await kubectl("get", "pods", "-A", "--no-headers")).startswith("default")
        assert "kind: List" in await kubectl("get", "pods", "-o", "yaml")
        assert "p " in await kubectl("get", "pods", "--field-selector=status.phase=Running")
        assert "p " in await kubectl("get", "pods", "--sort-by=.metadata.name")

    async def test_describe(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        pod = lab.store.mutate(Key("", "pods", "default", "p"), run)
        lab.put("", "events", event_of(pod))
        said = await kubectl("describe", "pod", "p")
        assert "Node:" in said and "Image:          trireme/trireme:0.1.0" in said
        assert "Started container c" in said

    async def test_watch(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        watching = await kubectl.start("get", "pods", "-w", "--no-headers")
        assert (await first_line(watching)).split()[:3] == ["p", "0/1", "Pending"]
        lab.store.mutate(Key("", "pods", "default", "p"), run)
        assert (await first_line(watching)).split()[:3] == ["p", "1/1", "Running"]
        await stop(watching)

    async def test_wait_for_a_condition(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=POD)
        waiting = asyncio.ensure_future(kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=20s"))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        lab.store.mutate(Key("", "pods", "default", "p"), run)
        assert "condition met" in await waiting

    async def test_rollout_status(self, lab: Laboratory, kubectl: Kubectl) -> None:
        await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
        key = Key("apps", "deployments", "default", "d")
        watching = await kubectl.start("rollout", "status", "deploy/d", "--timeout=20s")
        assert "Waiting for" in await first_line(watching)
        done = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
        lab.store.mutate(key, lambda d: d.update(status={**done, "readyReplicas": 2}))
        out, _ = await asyncio.wait_for(watching.communicate(), 20)
        assert "successfully rolled out" in out.decode()

    async def test_discovery(self, kubectl: Kubectl) -> None:
        resources = await kubectl("api-resources", "--no-headers")
        assert "statefulsets" in resources and "sts" in resources
        assert "apps/v1" in await kubectl("api-versions")
        if not old(kubectl):
            assert "replicas" in await kubectl("explain", "statefulset.spec")

    async def test_unknown_things(self, kubectl: Kubectl) -> None:
        for what in ("ingresses", "nosuch"):
            result = await kubectl.run("get", what)
            assert f'the server doesn\'t have a resource type "{what}"' in result.err
        result = await kubectl.run("get", "pod", "nosuch")
        assert result.err == 'Error from server (NotFound): pods "nosuch" not found\n'


class TestPermissions:
    async def test_a_role_gives_what_it_says_and_no_more(self, kubectl: Kubectl) -> None:
        someone = "--as=system:serviceaccount:default:default"
        denied = await kubectl.run("get", "pods", someone)
        words = (
            'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API '
            'group "" in the namespace "default"'
        )
        assert words in denied.err
        await kubectl("create", "role", "r", "--verb=get,list", "--resource=pods")
        await kubectl("create", "rolebinding", "b", "--role=r", "--serviceaccount=default:default")
        assert (await kubectl.run("get", "pods", someone)).code == 0
        assert (await kubectl.run("get", "pods", "-A", someone)).code == 1
        assert (await kubectl.run("auth", "can-i", "list", "pods", someone)).out == "yes\n"
        assert (await kubectl.run("auth", "can-i", "delete", "pods", someone)).out == "no\n"
        assert "pods" in await kubectl("auth", "can-i", "--list", someone)

    async def test_a_name_in_a_role_permits_server_side_apply_of_it(self, kubectl: Kubectl) -> None:
        """What deploy/plain relies on for its Secret."""
        someone = ("--as=bob", "--server-side", "-f", "-")
        rule = ("--verb=get,create,patch", "--resource=configmaps", "--resource-name=c")
        await kubectl("create", "role", "r", *rule)
        await kubectl("create", "rolebinding", "b", "--role=r", "--user=bob")
        assert "serverside-applied" in await kubectl("apply", *someone, stdin=CONFIG_MAP)
        other = await kubectl.run("apply", *someone, stdin=CONFIG_MAP.replace("name: c", "name: other"))
        assert other.code == 1 and 'User "bob" cannot patch' in other.err
        posted = await kubectl.run("create", "--as=bob", "-f", "-", stdin=CONFIG_MAP)
        assert posted.code == 1 and 'User "bob" cannot create' in posted.err

    async def test_tokens(self, lab: Laboratory, kubectl: Kubectl) -> None:
        if old(kubectl):
            pytest.skip("1.20 has no `kubectl create token`")
        token = (await kubectl("create", "token", "default")).strip()
        denied = await kubectl.run("get", "pods", f"--token={token}", "--kubeconfig=/dev/null", *server(lab))
        assert "system:serviceaccount:default:default" in denied.err


class TestPersistence:
    async def test_objects_tokens_and_certificates_outlive_the_server(
        self, tmp_path: Path, kubectl: Kubectl
    ) -> None:
        async with laboratory(tmp_path / "other") as first:
            command = first.kubectl(kubectl.binary)
            await command("apply", "-f", "-", stdin=CONFIG_MAP)
            config, token = first.server.kubeconfig.read_text(), first.server.mint_token("default", "default")
            port = int(first.server.url.rpartition(":")[2])
        async with laboratory(tmp_path / "other", port=port) as second:
            assert second.server.kubeconfig.read_text() == config
            assert second.server.kubeconfig.stat().st_mode & 0o777 == 0o600
            command = second.kubectl(kubectl.binary)
            assert await command("get", "cm", "c", "-o", "jsonpath={.data.x}") == "1"
            assert "forbidden" in (await command.run("get", "cm", f"--token={token}")).err


def server(lab: Laboratory) -> tuple[str, str]:
    return f"--server={lab.server.url}", f"--certificate-authority={lab.server.ca_certificate}"


def run(pod: Object) -> None:
    """What a node reports of a pod that runs."""
    running = {"startedAt": "2026-01-01T00:00:00Z"}
    container = {"name": "c", "ready": True, "restartCount": 0, "state": {"running": running}, "image": "i"}
    pod["status"] = {
        "phase": "Running",
        "podIP": "127.240.9.9",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{**container, "imageID": "i"}],
    }


def event_of(pod: Object) -> Object:
    involved = {"kind": "Pod", "apiVersion": "v1", "name": "p", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "p.1", "namespace": "default"},
        "involvedObject": {**involved, "uid": pod["metadata"]["uid"]},
        "reason": "Started",
        "message": "Started container c",
        "type": "Normal",
        "source": {"component": "kubelet"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
    }
