"""What a schema makes of objects: values, defaults, pruning; in Kubernetes' words."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.api_client import MERGE, Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import CRD, WIDGETS, causes, create, define, version, widget

WRONG: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"replicas": 0},
        ["spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1"],
    ),
    (
        {"replicas": 10},
        ["spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9"],
    ),
    (
        {"replicas": "3"},
        ['spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    ),
    ({"mode": "Odd"}, ['spec.mode: Unsupported value: "Odd": supported values: "Fast", "Safe"']),
    ({"size": "5G"}, ["spec.size: Invalid value: \"5G\": spec.size in body should match '^[0-9]+Gi$'"]),
    ({"size": "12345Gi"}, ["spec.size: Too long: may not be more than 6 bytes"]),
    ({"size": None}, ["spec.size: Required value"]),
    (
        {"port": []},
        ['spec.port: Invalid value: "array": spec.port in body must be of type integer,string: "array"'],
    ),
    (
        {"labels": {"a": 1}},
        ['spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"'],
    ),
    (
        {"until": "soon"},
        ['spec.until: Invalid value: "soon": spec.until in body must be of type date-time: "soon"'],
    ),
    ({"items": [{"name": "a"}, {"name": "a"}]}, ['spec.items[1]: Duplicate value: {"name":"a"}']),
    ({"items": [{"value": 1}]}, ["spec.items[0].name: Required value"]),
    ({"items": [{"name": n} for n in "abcd"]}, ["spec.items: Too many: 4: must have at most 3 items"]),
    ({"tags": ["a", "b", "a"]}, ['spec.tags[2]: Duplicate value: "a"']),
    (
        {"either": {}},
        [
            '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid',
            "spec.either.a: Required value",
        ],
    ),
    (
        {"tags": [None]},
        ['spec.tags[0]: Invalid value: "null": spec.tags[0] in body must be of type string: "null"'],
    ),
]


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        await define(ready)
        yield ready


@pytest.mark.parametrize(("spec", "expected"), WRONG, ids=[str(each[0])[:40] for each in WRONG])
async def test_a_wrong_value(client: Client, spec: dict[str, Any], expected: list[str]) -> None:
    assert causes(await create(client, **spec)) == expected


async def test_all_that_is_wrong_is_said_at_once(client: Client) -> None:
    answer = await create(client, replicas=0, mode="Odd")
    assert len(causes(answer)) == 2
    assert answer.message.startswith('Widget.example.dev "w" is invalid: [spec.')


async def test_defaults_come_where_the_object_around_them_is(client: Client) -> None:
    spec = (await create(client, backup={})).body["spec"]
    assert spec == {"size": "5Gi", "replicas": 3, "mode": "Safe", "backup": {"keep": 7}}


async def test_null_is_nothing_unless_it_may_be(client: Client) -> None:
    spec = (await create(client, note=None, mode=None, labels=None)).body["spec"]
    assert spec == {"size": "5Gi", "replicas": 3, "mode": "Safe", "note": None}


async def test_what_the_schema_does_not_know_goes_with_a_warning(client: Client) -> None:
    answer = await create(
        client, bogus=1, backup={"extra": 1}, free={"a": {"b": None}}, items=[{"name": "a", "x": 1}]
    )
    assert answer.warnings == [
        'unknown field "spec.backup.extra"',
        'unknown field "spec.bogus"',
        'unknown field "spec.items[0].x"',
    ]
    spec = answer.body["spec"]
    assert "bogus" not in spec and spec["backup"] == {"keep": 7} and spec["items"] == [{"name": "a"}]
    assert spec["free"] == {"a": {"b": None}}


async def test_unknown_fields_are_refused_when_asked(client: Client) -> None:
    answer = await client.ask("POST", f"{WIDGETS}?fieldValidation=Strict", widget(bogus=1))
    assert answer.code == 400 and 'strict decoding error: unknown field "spec.bogus"' in answer.message


async def test_an_embedded_resource_keeps_what_makes_it_one(client: Client) -> None:
    template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "nonsense": 1}, "spec": {"x": 1}}
    kept = (await create(client, template=template)).body["spec"]["template"]
    assert kept == {**template, "metadata": {"name": "p"}}


async def test_a_new_schema_counts_for_what_is_there(client: Client) -> None:
    """Defaults and pruning happen at reading: nothing is rewritten in the store."""
    await create(client, mode="Fast")
    changed = version(extra={"type": "string", "default": "new"})
    del changed["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["mode"]
    answer = await client.ask("PATCH", CRD, {"spec": {"versions": [changed]}}, media=MERGE)
    assert answer.code == 200, answer.message
    for path in (WIDGETS, f"{WIDGETS}/w"):
        body = (await client.ask("GET", path)).body
        spec = (body["items"][0] if "items" in body else body)["spec"]
        assert spec == {"size": "5Gi", "replicas": 3, "extra": "new"}


async def test_an_update_may_leave_what_was_valid_once(client: Client) -> None:
    await create(client, replicas=9, mode="Fast")
    tighter = version(replicas={"type": "integer", "maximum": 5})
    await client.ask("PATCH", CRD, {"spec": {"versions": [tighter]}}, media=MERGE)
    path = f"{WIDGETS}/w"
    assert (await client.ask("PATCH", path, {"spec": {"mode": "Safe"}}, media=MERGE)).code == 200
    answer = await client.ask("PATCH", path, {"spec": {"replicas": 8}}, media=MERGE)
    assert causes(answer) == [
        "spec.replicas: Invalid value: 8: spec.replicas in body should be less than or equal to 5"
    ]
