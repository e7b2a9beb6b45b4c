"""Custom resources as people handle them: the real kubectl, in every version at hand."""

import json

from tests.sandbox.api_support import Kubectl
from tests.sandbox.custom_support import definition, widget
from trireme.sandbox.store.interface import Object


async def given(kubectl: Kubectl, *objects: Object) -> None:
    for obj in objects:
        await kubectl("apply", "-f", "-", stdin=json.dumps(obj))


async def test_from_definition_to_deletion(kubectl: Kubectl) -> None:
    await given(kubectl, definition())
    await kubectl("wait", "--for=condition=Established", "crd/widgets.example.dev", "--timeout=10s")
    assert "widgets.example.dev" in await kubectl("get", "crd")
    applied = widget(items=[{"name": "a", "value": 1}])
    await given(kubectl, applied)
    assert "unchanged" in await kubectl("apply", "-f", "-", stdin=json.dumps(applied))
    changed = await kubectl("apply", "-f", "-", stdin=json.dumps(widget(mode="Fast")))
    assert "widget.example.dev/w configured" in changed
    spec = json.loads(await kubectl("get", "widget", "w", "-o", "jsonpath={.spec}"))
    assert spec == {"size": "5Gi", "mode": "Fast", "replicas": 3}
    assert "Spec:" in await kubectl("describe", "wd", "w")
    assert 'widget.example.dev "w" deleted' in await kubectl("delete", "wd", "w")
    await kubectl("delete", "crd", "widgets.example.dev", "--timeout=10s")
    assert (await kubectl.run("get", "widgets")).code == 1


async def test_columns_and_wide_columns(kubectl: Kubectl) -> None:
    await given(kubectl, definition(), widget())
    head, row = (await kubectl("get", "wd")).splitlines()
    assert head.split() == ["NAME", "REPLICAS", "READY", "SINCE", "AGE"]
    assert row.split()[:2] == ["w", "3"]
    head, row = (await kubectl("get", "wd", "-o", "wide")).splitlines()
    assert head.split() == ["NAME", "REPLICAS", "READY", "SINCE", "SIZE", "AGE"] and "5Gi" in row
    assert "widget.example.dev/w" in await kubectl("get", "all")
    assert "widgets" in await kubectl("api-resources", "--api-group=example.dev")


async def test_explain(kubectl: Kubectl) -> None:
    await given(kubectl, definition())
    text = await kubectl("explain", "widget.spec")
    assert "What is wanted." in text and "How many." in text
    assert "labels" in await kubectl("explain", "widget.metadata")
    assert "tags" in await kubectl("explain", "wd", "--recursive")


async def test_scale_and_patch(kubectl: Kubectl) -> None:
    await given(kubectl, definition(), widget())
    await kubectl("scale", "widget", "w", "--replicas=5")
    assert await kubectl("get", "wd", "w", "-o", "jsonpath={.spec.replicas}") == "5"
    await kubectl("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"replicas":4}}')
    refused = await kubectl.run("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"replicas":40}}')
    assert 'The Widget "w" is invalid: spec.replicas: Invalid value: 40:' in refused.err


async def test_a_typing_error_is_caught(kubectl: Kubectl) -> None:
    await given(kubectl, definition())
    refused = await kubectl.run("apply", "-f", "-", stdin=json.dumps(widget(replica=1)))
    assert refused.code == 1 and "unknown field" in refused.err and "replica" in refused.err


async def test_a_kind_that_nobody_defined(kubectl: Kubectl) -> None:
    monitor = {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "m"}}
    refused = await kubectl.run("apply", "-f", "-", stdin=json.dumps(monitor))
    assert refused.code == 1 and 'no matches for kind "ServiceMonitor"' in refused.err
