"""``x-kubernetes-validations`` at work: rules of a definition, asked at each write."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.api_client import MERGE, Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import (
    CRDS,
    TEXT,
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
ROOT = "spec.validation.openAPIV3Schema"


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        yield ready


def ruled(*rules: Object, **spec: Any) -> Object:
    """A definition with rules on the spec."""
    one = version(**spec)
    one["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] = list(rules)
    return definition(one)


async def set_spec(client: Client, **spec: Any) -> list[str]:
    """What the server has against a change; nothing when it takes it."""
    answer = await client.ask("PATCH", W, {"spec": spec}, media=MERGE)
    return [] if answer.code == 200 else causes(answer)


async def test_a_rule_with_and_without_words(client: Client) -> None:
    await define(
        client,
        ruled(
            {"rule": "self.replicas % 2 == 1", "message": "replicas must be odd"},
            {"rule": "self.replicas < 8"},
            {
                "rule": "self.mode != 'Fast'",
                "messageExpression": "'no ' + self.mode + ' of ' + string(self.replicas)",
            },
            {
                "rule": "!has(self.note)",
                "reason": "FieldValueForbidden",
                "message": "no notes",
                "fieldPath": ".note",
            },
        ),
    )
    assert (await create(client)).code == 201
    answer = await client.ask("POST", WIDGETS, widget("v", replicas=8, mode="Fast", note="x"))
    assert causes(answer) == [
        "spec: Invalid value: replicas must be odd",
        "spec: Invalid value: failed rule: self.replicas < 8",
        "spec: Invalid value: no Fast of 8",
        "spec.note: Forbidden: no notes",
    ]


async def test_a_transition(client: Client) -> None:
    size = {
        **version()["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"],
        "x-kubernetes-validations": [
            {
                "rule": "!quantity(self).isLessThan(quantity(oldSelf))",
                "message": "a volume cannot shrink",
            }
        ],
    }
    await define(
        client, ruled({"rule": "has(self.note) == has(oldSelf.note)", "message": "note is fixed"}, size=size)
    )
    await create(client)
    assert await set_spec(client, size="6Gi") == []
    assert await set_spec(client, size="5Gi") == ['spec.size: Invalid value: "5Gi": a volume cannot shrink']
    assert await set_spec(client, note="x") == ["spec: Invalid value: note is fixed"]


async def test_a_transition_that_is_asked_at_the_creation_too(client: Client) -> None:
    rule = {
        "rule": "oldSelf.hasValue() || self.replicas == 3",
        "optionalOldSelf": True,
        "message": "begin with 3",
    }
    await define(client, ruled(rule))
    assert causes(await create(client, replicas=4)) == ["spec: Invalid value: begin with 3"]
    assert (await create(client)).code == 201
    assert await set_spec(client, replicas=4) == []


async def test_transitions_of_list_items_by_their_keys(client: Client) -> None:
    items = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["items"]
    items["items"]["x-kubernetes-validations"] = [
        {"rule": "self.value >= oldSelf.value", "message": "values only grow"}
    ]
    await define(client, ruled(items=items))
    await create(client, items=[{"name": "a", "value": 1}, {"name": "b", "value": 1}])
    assert await set_spec(client, items=[{"name": "b", "value": 2}, {"name": "c", "value": 0}]) == []
    assert await set_spec(client, items=[{"name": "b", "value": 1}]) == [
        "spec.items[0]: Invalid value: values only grow"
    ]


async def test_what_was_wrong_before_may_stay(client: Client) -> None:
    """A rule that came later does not stop changes elsewhere."""
    await define(client)
    await create(client, replicas=4, backup={"name": "x"})
    backup = {
        "type": "object",
        "properties": {"name": TEXT},
        "x-kubernetes-validations": [{"rule": "self.name != 'x'", "message": "not x"}],
    }
    crd = ruled(backup=backup)
    changed = await client.ask("PATCH", f"{CRDS}/widgets.example.dev", {"spec": crd["spec"]}, media=MERGE)
    assert changed.code == 200
    assert await set_spec(client, replicas=5) == []
    assert await set_spec(client, backup={"name": "y"}) == []
    assert await set_spec(client, backup={"name": "x"}) == ["spec.backup: Invalid value: not x"]


async def test_rules_wait_for_the_schema(client: Client) -> None:
    await define(client, ruled({"rule": "self.replicas != 5", "message": "not 5"}))
    assert causes(await create(client, replicas=5, mode="Odd")) == [
        'spec.mode: Unsupported value: "Odd": supported values: "Fast", "Safe"',
        '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; '
        "correct the existing errors to complete validation",
    ]
    assert len(causes(await create(client, replicas=0, size="x"))) == 2


async def test_a_rule_that_has_no_value(client: Client) -> None:
    await define(client, ruled({"rule": "self.note == 'x'"}, {"rule": "self.port > 1"}))
    assert causes(await create(client, port="a")) == [
        "spec: Invalid value: \"object\": no such key: note evaluating rule: self.note == 'x'",
        "spec: Invalid value: \"object\": 'no such overload: _>_(string, int)': call arguments did not match a "
        "supported operator, function or macro signature for rule: self.port > 1",
    ]


async def test_rules_see_the_status_too(client: Client) -> None:
    one = version()
    schema = one["schema"]["openAPIV3Schema"]
    schema["x-kubernetes-validations"] = [
        {"rule": "!has(self.status) || self.status.replicas <= self.spec.replicas", "message": "too many"},
        {"rule": "self.metadata.name.size() < 3", "message": "name too long"},
    ]
    await define(client, definition(one))
    assert causes(await client.ask("POST", WIDGETS, widget("long"))) == [
        "<nil>: Invalid value: name too long"
    ]
    await create(client)
    answer = await client.ask("PATCH", f"{W}/status", {"status": {"replicas": 4}}, media=MERGE)
    assert causes(answer) == ["<nil>: Invalid value: too many"]


def on_spec(**rule: Any) -> Callable[[], Object]:
    return lambda: ruled(rule)


def on_tags(**rule: Any) -> Callable[[], Object]:
    tags = {"type": "array", "items": {"type": "string", "x-kubernetes-validations": [rule]}}
    return lambda: ruled(tags=tags)


SPEC = f"{ROOT}.properties[spec].x-kubernetes-validations[0]"
REFUSED = [
    (
        on_spec(rule="self.replica > 1"),
        f'{SPEC}.rule: Invalid value: "self.replica > 1": compilation failed: ERROR',
    ),
    (
        on_spec(rule="self.replicas"),
        f'{SPEC}.rule: Invalid value: "self.replicas": cel expression must evaluate to a bool',
    ),
    (on_spec(rule="isURL(self.size)"), "does not emulate the CEL function 'isURL'"),
    (on_spec(rule=" "), f"{SPEC}.rule: Required value: rule is not specified"),
    (on_spec(rule="true\n"), ""),
    (
        on_spec(rule="true ||\nfalse"),
        f"{SPEC}.message: Required value: message must be specified if rule contains",
    ),
    (
        on_spec(rule="true", messageExpression="1"),
        f'{SPEC}.messageExpression: Invalid value: "1": messageExpression must evaluate',
    ),
    (
        on_spec(rule="true", optionalOldSelf=True),
        f"{SPEC}.optionalOldSelf: Invalid value: true: may not be set if",
    ),
    (
        on_spec(rule="true", fieldPath=".nope"),
        f'{SPEC}.fieldPath: Invalid value: ".nope": must be a valid',
    ),
    (on_spec(rule="true", reason="Odd"), 'reason: Unsupported value: "Odd"'),
    (
        on_tags(rule="self == oldSelf"),
        "oldSelf cannot be used on the uncorrelatable portion of the schema within",
    ),
]


@pytest.mark.parametrize(("crd", "expected"), REFUSED, ids=[each[1][-40:] for each in REFUSED])
async def test_a_rule_that_is_refused(client: Client, crd: Callable[[], Object], expected: str) -> None:
    answer = await client.ask("POST", CRDS, crd())
    if not expected:
        assert answer.code == 201
    else:
        (cause,) = causes(answer)
        assert expected in cause
