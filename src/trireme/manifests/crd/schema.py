"""A pydantic model as the structural schema of Kubernetes: no references, no nulls, rules in CEL. Pure."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from trireme.api.resource.base import Model
from trireme.api.resource.rules import Rule, Transition

Schema = dict[str, Any]

_KEPT = (
    "enum",
    "format",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minimum",
    "minItems",
    "minLength",
    "pattern",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
)


def structural(model: type[Model]) -> Schema:
    """The schema of ``model``, in the order of its fields."""
    written = model.model_json_schema(by_alias=True)
    return _object(model, written, written.get("$defs", {}))


def _object(model: type[BaseModel], written: Schema, definitions: Mapping[str, Schema]) -> Schema:
    schema: Schema = {"type": "object", "description": written["description"]}
    if written.get("required"):
        schema["required"] = sorted(written["required"])
    if written.get("additionalProperties") is True:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    required = set(written.get("required", ()))
    schema["properties"] = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        schema["properties"][alias] = _field(
            written["properties"][alias], _model_in(info.annotation), definitions, alias in required
        )
    if issubclass(model, Model) and (model.rules or model.transitions):
        rules: list[Rule | Transition] = [*model.rules, *model.transitions]
        schema["x-kubernetes-validations"] = [_validation(rule, schema["properties"]) for rule in rules]
    return schema


def _field(
    written: Schema, inner: type[BaseModel] | None, definitions: Mapping[str, Schema], required: bool
) -> Schema:
    schema = _type(_without_null(written), inner, definitions)
    description = written.get("description") or schema.get("description", "")
    if "change" in written:
        description = f"{description} {written['change']}"
    schema = {"description": description, **{key: schema[key] for key in schema if key != "description"}}
    default = written.get("default")
    if "default" not in written and not required and inner is not None:
        # In full: the API server judges a default by the rules before it fills in the defaults within.
        default = inner().model_dump(mode="json", by_alias=True, exclude_none=True)
    if not _empty(default):
        schema["default"] = _without_empty(default)
    return schema


def _empty(value: Any) -> bool:
    """Says no more than nothing. As defaults they would fill 40 lines of every `kubectl describe`."""
    return (
        value is None
        or value in ("", [], {})
        or (isinstance(value, dict) and all(map(_empty, value.values())))
    )


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_empty(each) for key, each in value.items() if not _empty(each)}


def _without_null(written: Schema) -> Schema:
    choices = [each for each in written.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1:
        return {**choices[0], **{key: value for key, value in written.items() if key != "anyOf"}}
    return written


def _type(written: Schema, inner: type[BaseModel] | None, definitions: Mapping[str, Schema]) -> Schema:
    if "$ref" in written:
        assert inner is not None
        return _object(inner, definitions[written["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in written:
        return _int_or_string(written["anyOf"])
    kept = {key: written[key] for key in _KEPT if key in written}
    if "const" in written:
        kept["enum"] = [written["const"]]
    if written["type"] == "object":
        return {"type": "object", **kept, **_map(written, inner, definitions)}
    if written["type"] == "array":
        return {"type": "array", **kept, "items": _type(written["items"], inner, definitions)}
    return {"type": written["type"], **kept}


def _map(written: Schema, inner: type[BaseModel] | None, definitions: Mapping[str, Schema]) -> Schema:
    """Constraints of keys cannot be said in a structural schema; the model keeps them."""
    values: Any = written.get("additionalProperties")
    if "patternProperties" in written:
        (values,) = written["patternProperties"].values()
    if values is True:
        return {"x-kubernetes-preserve-unknown-fields": True}
    return {"additionalProperties": _type(values, inner, definitions)}


def _int_or_string(choices: list[Schema]) -> Schema:
    text = next(each for each in choices if each["type"] == "string")
    return {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "maxLength": text["maxLength"],
        "minimum": 0,
        "pattern": text["pattern"],
        "x-kubernetes-int-or-string": True,
    }


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model within ``Model``, ``Model | None``, ``tuple[Model, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each)) is not None), None)


def _validation(rule: Rule | Transition, properties: Mapping[str, Any]) -> Schema:
    validation = {"rule": rule.cel, "message": rule.message}
    # `metadata` is not described in the schema of a custom resource, so a rule cannot point into it.
    if rule.field.partition(".")[0] in properties and not rule.field.startswith("metadata"):
        validation["fieldPath"] = f".{rule.field}"
    return validation
