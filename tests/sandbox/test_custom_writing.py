"""Writing custom resources: status and scale, server-side apply, permission, owners, watches."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.api_client import APPLY, MERGE, STRATEGIC, Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import (
    WIDGETS,
    causes,
    create,
    define,
    definition,
    version,
    widget,
)
from trireme.sandbox.store.interface import Object

W = f"{WIDGETS}/w"


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        await define(ready)
        yield ready


async def test_status_and_the_rest_are_written_apart(client: Client) -> None:
    born = (await client.ask("POST", WIDGETS, {**widget(), "status": {"replicas": 1}})).body
    assert "status" not in born and born["metadata"]["generation"] == 1
    both = {"spec": {"replicas": 5}, "status": {"replicas": 2}}
    after = (await client.ask("PATCH", f"{W}/status", both, media=MERGE)).body
    assert (after["spec"]["replicas"], after["status"], after["metadata"]["generation"]) == (
        3,
        {"replicas": 2},
        1,
    )
    after = (await client.ask("PATCH", W, {**both, "status": {"replicas": 9}}, media=MERGE)).body
    assert (after["spec"]["replicas"], after["status"], after["metadata"]["generation"]) == (
        5,
        {"replicas": 2},
        2,
    )
    wrong = await client.ask("PATCH", f"{W}/status", {"status": {"replicas": "x"}}, media=MERGE)
    assert "status.replicas in body must be of type integer" in causes(wrong)[0]


async def test_without_the_subresource_a_status_is_a_field(client: Client) -> None:
    plain = version()
    del plain["subresources"]
    names = {"plural": "events", "kind": "Happening"}
    crd = definition(plain, names=names)
    crd["metadata"]["name"] = "events.example.dev"
    await define(client, crd)
    path = WIDGETS.replace("widgets", "events")
    body = {**widget(), "kind": "Happening", "status": {"replicas": 1}}
    born = (await client.ask("POST", path, body)).body
    assert born["status"] == {"replicas": 1} and born["metadata"]["generation"] == 1
    after = (await client.ask("PATCH", f"{path}/w", {"status": {"replicas": 2}}, media=MERGE)).body
    assert after["metadata"]["generation"] == 2
    assert (await client.ask("GET", f"{path}/w/status")).code == 404


async def test_an_update_names_the_version_that_it_replaces(client: Client) -> None:
    await create(client)
    answer = await client.ask("PUT", W, widget())
    assert causes(answer) == ["metadata.resourceVersion: Invalid value: 0: must be specified for an update"]
    stale = widget()
    stale["metadata"]["resourceVersion"] = "1"
    assert (await client.ask("PUT", W, stale)).code == 409


async def test_scale(client: Client) -> None:
    await create(client)
    status = {"status": {"replicas": 2, "selector": "app=w"}}
    await client.ask("PATCH", f"{W}/status", status, media=MERGE)
    scale = (await client.ask("GET", f"{W}/scale")).body
    assert scale["kind"] == "Scale" and scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app=w"}
    await client.ask("PATCH", f"{W}/scale", {"spec": {"replicas": 4}}, media=MERGE)
    assert (await client.ask("GET", W)).body["spec"]["replicas"] == 4
    wrong = await client.ask("PATCH", f"{W}/scale", {"spec": {"replicas": 99}}, media=MERGE)
    assert "less than or equal to 9" in wrong.message


async def test_server_side_apply_merges_by_the_schema(client: Client) -> None:
    one = widget(items=[{"name": "a", "value": 1}], tags=["x"], labels={"a": "1"}, free={"a": {"b": 1}})
    two = widget(items=[{"name": "b"}], tags=["y"], labels={"b": "2"}, free={"a": {"c": 2}})
    del two["spec"]["size"]
    await client.apply(W, one, "one")
    merged = (await client.apply(W, two, "two")).body["spec"]
    assert merged["items"] == [{"name": "b"}, {"name": "a", "value": 1}] or merged["items"] == [
        {"name": "a", "value": 1},
        {"name": "b"},
    ]
    assert sorted(merged["tags"]) == ["x", "y"] and merged["labels"] == {"a": "1", "b": "2"}
    assert merged["free"] == {"a": {"b": 1, "c": 2}}
    row = (await client.ask("GET", W)).body["metadata"]["managedFields"][0]
    assert set(row["fieldsV1"]["f:spec"]) == {"f:items", "f:tags", "f:labels", "f:free", "f:size"}
    clash = await client.apply(W, widget(size="9Gi"), "two")
    assert clash.code == 409 and ".spec.size" in clash.message
    left = (await client.apply(W, widget(), "one")).body["spec"]
    assert left["items"] == [{"name": "b"}] and left["tags"] == ["y"] and left["labels"] == {"b": "2"}


async def test_apply_of_a_status_owns_the_status_alone(client: Client) -> None:
    await create(client)
    body = {**widget(), "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    del body["spec"]
    answer = await client.ask("PATCH", f"{W}/status?fieldManager=op&force=true", body, media=APPLY)
    assert answer.code == 200 and answer.body["status"] == body["status"]
    other = {**body, "status": {"conditions": [{"type": "Synced", "status": "True"}]}}
    answer = await client.ask("PATCH", f"{W}/status?fieldManager=other", other, media=APPLY)
    assert {each["type"] for each in answer.body["status"]["conditions"]} == {"Ready", "Synced"}
    row = next(each for each in answer.body["metadata"]["managedFields"] if each["manager"] == "op")
    assert row["subresource"] == "status" and set(row["fieldsV1"]) == {"f:status"}


async def test_a_strategic_patch_is_not_for_custom_resources(client: Client) -> None:
    await create(client)
    answer = await client.ask("PATCH", W, {"spec": {}}, media=STRATEGIC)
    assert answer.code == 415 and "application/merge-patch+json" in answer.message


async def test_permission_by_group_and_subresource(lab: Laboratory, client: Client) -> None:
    await create(client)
    rules = [{"apiGroups": ["example.dev"], "resources": ["widgets/status"], "verbs": ["patch"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": rules}
    await client.ask(
        "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {**role, "metadata": {"name": "r"}}
    )
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [subject],
    }
    await client.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    async with Client(lab, lab.server.mint_token("default", "default")) as weak:
        assert (await weak.ask("PATCH", f"{W}/status", {"status": {"replicas": 1}}, media=MERGE)).code == 200
        refused = await weak.ask("GET", W)
    assert refused.code == 403
    assert 'cannot get resource "widgets" in API group "example.dev"' in refused.message


async def test_a_watch_from_a_list_misses_nothing(client: Client) -> None:
    await create(client)
    at = (await client.ask("GET", WIDGETS)).body["metadata"]["resourceVersion"]
    await client.ask("PATCH", W, {"spec": {"mode": "Fast"}}, media=MERGE)
    await client.ask("DELETE", W)
    events = client.watch(f"{WIDGETS}?resourceVersion={at}&allowWatchBookmarks=true")
    seen = [await asyncio.wait_for(anext(events), 5) for _ in range(2)]
    assert [(each["type"], each["object"]["spec"]["mode"]) for each in seen] == [
        ("MODIFIED", "Fast"),
        ("DELETED", "Fast"),
    ]
    await events.aclose()


async def test_selectable_fields(client: Client) -> None:
    selectable = {**version("v1"), "selectableFields": [{"jsonPath": ".spec.mode"}]}
    crd = definition(selectable, names={"plural": "gizmos", "kind": "Gizmo"}, scope="Cluster")
    crd["metadata"]["name"] = "gizmos.example.dev"
    await define(client, crd)
    path = "/apis/example.dev/v1/gizmos"
    for name, mode in (("a", "Fast"), ("b", "Safe")):
        body = {**widget(name, mode=mode), "apiVersion": "example.dev/v1", "kind": "Gizmo"}
        assert (await client.ask("POST", path, body)).code == 201
    found = (await client.ask("GET", f"{path}?fieldSelector=spec.mode=Fast")).body["items"]
    assert [each["metadata"]["name"] for each in found] == ["a"]
    assert (await client.ask("GET", f"{path}?fieldSelector=spec.size=1")).code == 400


UNREADABLE = [
    ({"bogus": 1}, ".spec.bogus: field not declared in schema"),
    ({"items": [{"name": "a"}, {"name": "a"}]}, '.spec.items: duplicate entries for key [name="a"]'),
    (
        {"items": [{"value": 1}]},
        ".spec.items: element 0: associative list with keys has an element that omits all",
    ),
    ({"replicas": "x"}, ".spec.replicas: expected numeric (int or float), got string"),
    ({"tags": "x"}, ".spec.tags: expected list, got string"),
]


@pytest.mark.parametrize(("spec", "expected"), UNREADABLE, ids=[each[1][:30] for each in UNREADABLE])
async def test_what_an_apply_cannot_read(client: Client, spec: Object, expected: str) -> None:
    """500 is Kubernetes' code for it. Nothing is dropped with a warning, as it is from other writes."""
    answer = await client.apply(W, widget(**spec), "one")
    start = "failed to create typed patch object (/w; example.dev/v1alpha1, Kind=Widget): "
    assert answer.code == 500 and answer.message.startswith(start + expected)


async def test_whoever_goes_gets_no_new_finalizer(client: Client) -> None:
    held = widget()
    held["metadata"]["finalizers"] = ["example.dev/a"]
    await client.ask("POST", WIDGETS, held)
    await client.ask("DELETE", W)
    more = {"metadata": {"finalizers": ["example.dev/a", "example.dev/b"]}}
    (cause,) = causes(await client.ask("PATCH", W, more, media=MERGE))
    assert cause.startswith(
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being"
    )
    assert (await client.ask("PATCH", W, {"metadata": {"finalizers": None}}, media=MERGE)).code == 200
    assert (await client.ask("GET", W)).code == 404
