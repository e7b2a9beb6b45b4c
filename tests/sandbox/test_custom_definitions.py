"""The life of CustomResourceDefinitions: what is let in, what is served, what goes with them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.api_client import MERGE, Client
from tests.sandbox.api_support import Laboratory, laboratory
from tests.sandbox.custom_support import (
    CRD,
    CRDS,
    WIDGETS,
    causes,
    create,
    define,
    definition,
    version,
    widget,
)
from trireme.sandbox.store.interface import Object

ROOT = "spec.validation.openAPIV3Schema"


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        yield ready


def conditions(crd: Object) -> dict[str, str]:
    return {each["type"]: f"{each['status']} {each['reason']}" for each in crd["status"]["conditions"]}


async def test_a_definition_is_served_at_once(client: Client) -> None:
    await define(client)
    crd = (await client.ask("GET", CRD)).body
    assert conditions(crd) == {
        "NamesAccepted": "True NoConflicts",
        "Established": "True InitialNamesAccepted",
    }
    assert crd["status"]["storedVersions"] == ["v1alpha1"]
    assert crd["spec"]["names"]["singular"] == "widget" and crd["spec"]["names"]["listKind"] == "WidgetList"
    assert crd["status"]["acceptedNames"] == crd["spec"]["names"]
    assert (await create(client)).code == 201
    group = (await client.ask("GET", "/apis/example.dev")).body
    assert group["preferredVersion"] == {"groupVersion": "example.dev/v1alpha1", "version": "v1alpha1"}
    rows = (await client.ask("GET", "/apis/example.dev/v1alpha1")).body["resources"]
    assert [row["name"] for row in rows] == ["widgets", "widgets/status", "widgets/scale"]
    assert (await client.ask("GET", WIDGETS)).body["kind"] == "WidgetList"


async def test_names_that_are_taken(client: Client) -> None:
    await define(client)
    names = {"plural": "gadgets", "kind": "Widget", "shortNames": ["wd"]}
    other = definition(names=names)
    other["metadata"]["name"] = "gadgets.example.dev"
    await define(client, other)
    path = f"{CRDS}/gadgets.example.dev"
    crd = (await client.ask("GET", path)).body
    assert conditions(crd) == {
        "NamesAccepted": "False ShortNamesConflict",
        "Established": "False NotAccepted",
    }
    assert (await client.ask("GET", WIDGETS.replace("widgets", "gadgets"))).code == 404
    await client.ask("DELETE", CRD)
    assert conditions((await client.ask("GET", path)).body)["Established"] == "True InitialNamesAccepted"


async def test_objects_go_with_their_definition_after_their_finalizers(client: Client) -> None:
    await define(client)
    held = widget()
    held["metadata"]["finalizers"] = ["example.dev/hold"]
    await client.ask("POST", WIDGETS, held)
    await client.ask("DELETE", CRD)
    crd = (await client.ask("GET", CRD)).body
    assert conditions(crd)["Terminating"] == "True InstanceDeletionInProgress"
    refused = await client.ask("POST", WIDGETS, widget("late"))
    assert refused.code == 405 and "create not allowed" in refused.message
    freed = await client.ask("PATCH", f"{WIDGETS}/w", {"metadata": {"finalizers": None}}, media=MERGE)
    assert freed.code == 200
    assert (await client.ask("GET", CRD)).code == 404
    assert (await client.ask("GET", WIDGETS)).code == 404


async def test_a_watch_ends_when_its_definition_changes(client: Client) -> None:
    await define(client)
    await create(client)
    events = client.watch(WIDGETS)
    assert (await anext(events))["type"] == "ADDED"
    waiting = asyncio.ensure_future(anext(events))
    await client.ask("PATCH", CRD, {"spec": {"versions": [version(x={"type": "string"})]}}, media=MERGE)
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(waiting, 5)


async def test_all_of_it_survives_a_restart(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab, Client(lab) as client:
        await define(client)
        await create(client)
    async with laboratory(tmp_path) as lab, Client(lab) as client:
        assert (await client.ask("GET", f"{WIDGETS}/w")).body["spec"]["replicas"] == 3
        assert lab.server.registry.of_kind("example.dev/v1alpha1", "Widget") is not None


async def test_two_versions_show_the_same_objects(client: Client) -> None:
    old = {**version("v1alpha1"), "storage": False, "deprecated": True}
    await define(client, definition(old, version("v1")))
    answer = await create(client)
    assert answer.body["apiVersion"] == "example.dev/v1alpha1"
    assert answer.warnings == ["example.dev/v1alpha1 Widget is deprecated"]
    new = WIDGETS.replace("v1alpha1", "v1")
    assert (await client.ask("GET", f"{new}/w")).body["apiVersion"] == "example.dev/v1"
    assert (await client.ask("GET", new)).body["items"][0]["apiVersion"] == "example.dev/v1"
    group = (await client.ask("GET", "/apis/example.dev")).body
    assert [each["version"] for each in group["versions"]] == ["v1", "v1alpha1"]
    gone = await client.ask("PATCH", CRD, {"spec": {"versions": [version("v2")]}}, media=MERGE)
    assert causes(gone)[0].startswith(
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions'
    )


def with_schema(change: Callable[[Object], None]) -> Object:
    crd = definition()
    change(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return crd


def put(**fields: object) -> Callable[[Object], None]:
    return lambda schema: schema["properties"]["spec"]["properties"].update({"x": fields})


SPEC = f"{ROOT}.properties[spec].properties[x]"
BAD_SCHEMAS: list[tuple[Callable[[Object], None], list[str]]] = [
    (put(), [f"{SPEC}.type: Required value: must not be empty for specified object fields"]),
    (put(type="array"), [f"{SPEC}.items: Required value: must be specified"]),
    (put(type="word"), [f'{SPEC}.type: Unsupported value: "word": supported values: "array", "boolean", ']),
    (put(type="string", pattern="("), [f'{SPEC}.pattern: Invalid value: "(": must be a valid regular']),
    (put(type="string", format="isbn"), [f'{SPEC}.format: Unsupported value: "isbn": the sandbox does not']),
    (put(type="string", uniqueItems=True), [f"{SPEC}.uniqueItems: Forbidden: uniqueItems cannot be set"]),
    (put(type="integer", default="a"), [f'{SPEC}.default: Invalid value: "string": {SPEC}.default in body']),
    (put(type="string", anyOf=[{"type": "string"}]), [f"{SPEC}.anyOf[0].type: Forbidden: must be empty to"]),
    (
        put(type="string", **{"$ref": "#/x"}),
        [
            "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[x].$ref: Forbidden: the sandbox"
        ],
    ),
    (
        lambda schema: schema.update(type="array"),
        [f'{ROOT}.type: Invalid value: "array": must be object', f"{ROOT}.items: Required value: must be"],
    ),
]


@pytest.mark.parametrize(("change", "expected"), BAD_SCHEMAS, ids=[each[1][0][-30:] for each in BAD_SCHEMAS])
async def test_a_schema_that_is_refused(
    client: Client, change: Callable[[Object], None], expected: list[str]
) -> None:
    found = causes(await client.ask("POST", CRDS, with_schema(change)))
    assert len(found) == len(expected)
    for cause, beginning in zip(found, expected, strict=True):
        assert cause.startswith(beginning)


async def test_a_definition_that_is_refused(client: Client) -> None:
    crd = definition(conversion={"strategy": "Webhook"})
    assert causes(await client.ask("POST", CRDS, crd)) == [
        'spec.conversion.strategy: Unsupported value: "Webhook": the sandbox does not emulate it'
    ]
    crd = definition()
    crd["metadata"]["name"] = "gadgets.example.dev"
    assert causes(await client.ask("POST", CRDS, crd)) == [
        'metadata.name: Invalid value: "gadgets.example.dev": must be spec.names.plural+"."+spec.group'
    ]
    crd = definition(group="sub.k8s.io")
    crd["metadata"]["name"] = "widgets.sub.k8s.io"
    (cause,) = causes(await client.ask("POST", CRDS, crd))
    assert "protected groups must have approval annotation" in cause
    crd = definition()
    crd["spec"]["versions"][0]["additionalPrinterColumns"][0]["jsonPath"] = ".spec.items[?(@.a>1)]"
    (cause,) = causes(await client.ask("POST", CRDS, crd))
    assert "the sandbox does not emulate this JSONPath" in cause


async def test_what_may_not_change(client: Client) -> None:
    await define(client)
    answer = await client.ask("PATCH", CRD, {"spec": {"scope": "Cluster"}}, media=MERGE)
    assert causes(answer) == ['spec.scope: Invalid value: "Cluster": field is immutable']
