"""The model and the definition accept and refuse the same: every field changed, every rule, every transition.

The definition is asked as an API server asks it: unknown fields found, defaults filled in, schema, then the rules in CEL.
"""

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.resource.mutations import mutations
from tests.unit.resource.test_models import FORBIDDEN, INVALID, VALID, manifest
from trireme.api.resource import (
    GaleraCluster,
    GaleraClusterSpec,
    GaleraClusterStatus,
    InvalidClusterError,
    check_change,
    read_cluster,
)
from trireme.api.resource.base import Model
from trireme.manifests.crd import custom_resource_definition
from trireme.manifests.crd.schema import structural
from trireme.sandbox.apiserver.custom.definition import Definition, read_definition
from trireme.sandbox.apiserver.custom.shaping import shape_root


@functools.cache
def definition() -> Definition:
    crd = custom_resource_definition()
    return read_definition(crd, crd["spec"]["versions"][0])


def api_server(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """What an API server that validates strictly has against the object."""
    unknown: list[str] = []
    shaped = shape_root(definition().schema, new, unknown)
    before = shape_root(definition().schema, old, []) if old is not None else None
    return [*(f"unknown field {path}" for path in unknown), *map(str, definition().check(shaped, before))]


def model(new: dict[str, Any]) -> list[str]:
    try:
        read_cluster(new)
    except InvalidClusterError as error:
        return [str(problem) for problem in error.problems]
    return []


def disagreements() -> Iterator[str]:
    for each in mutations(structural(GaleraClusterSpec), VALID):
        found = manifest({}) | {"spec": each.spec}
        theirs, ours = api_server(found), model(found)
        if bool(theirs) != bool(ours) or (not each.fits and not theirs):
            yield f"{each}: the API server says {theirs}, the model {ours}"


def test_every_mutation_of_every_field() -> None:
    assert list(disagreements()) == []


@pytest.mark.parametrize(("spec", "said"), INVALID, ids=lambda value: str(value)[:60])
def test_every_rule(spec: dict[str, Any], said: str) -> None:
    assert api_server(manifest(spec)), said


@pytest.mark.parametrize(("before", "after", "said"), FORBIDDEN, ids=lambda value: str(value)[:60])
def test_every_transition(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    refused = api_server(manifest(after), manifest(before))
    assert [each for each in refused if each.startswith(said.partition(": ")[0])]
    assert check_change(read_cluster(manifest(before)), read_cluster(manifest(after)))


def test_a_cluster_with_data_is_no_new_cluster() -> None:
    formed = manifest({}) | {"status": {"clusterUUID": "6c63b4ea-1c1c-11f0-9f6a-0242ac110002"}}
    founded = formed | {"spec": VALID | {"newCluster": True}}
    assert "this cluster has data" in str(api_server(founded, formed))
    assert api_server(formed, formed) == []


@pytest.mark.parametrize("name", ["1st", "a.b", "d" * 53, "demo-primary", "demo-live"])
def test_names(name: str) -> None:
    assert api_server(manifest({}, name)) != []
    assert model(manifest({}, name)) != []


def every_rule(kind: type[Model], seen: set[type[Model]]) -> Iterator[str]:
    if kind in seen:
        return
    seen.add(kind)
    yield from (rule.message for rule in kind.rules)
    yield from (rule.message for rule in kind.transitions)
    for info in kind.model_fields.values():
        yield from (message for inner in models_in(info.annotation) for message in every_rule(inner, seen))


def models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for each in getattr(annotation, "__args__", ()):
        yield from models_in(each)


def test_every_rule_can_refuse() -> None:
    """A rule that refuses nothing that these tests try is a rule that nobody has tried."""
    tried = [api_server(manifest(spec)) for spec, _ in INVALID]
    tried += [api_server(manifest({}, name)) for name in ("1st", "demo-primary")]
    tried += [api_server(manifest(after), manifest(before)) for before, after, _ in FORBIDDEN]
    formed = manifest({}) | {"status": {"clusterUUID": "x"}}
    tried += [api_server(formed | {"spec": VALID | {"newCluster": True}}, formed)]
    tried += [
        api_server(manifest({}) | {"spec": each.spec})
        for each in mutations(structural(GaleraClusterSpec), VALID)
    ]
    said = str(tried)
    assert [message for message in every_rule(GaleraCluster, set()) if message not in said] == []


def test_what_the_operator_writes_fits() -> None:
    status = GaleraClusterStatus.model_validate(
        {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "members": [{"podIndex": 0, "name": "demo-0"}],
        }
    )
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert api_server(manifest({}) | {"status": written}) == []
