"""``x-kubernetes-validations``: compiled with the definition, asked at each write, in Kubernetes' words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trireme.sandbox.apiserver.cel.operators import parse_duration, parse_timestamp
from trireme.sandbox.apiserver.cel.program import CompileError, Program, compile_program
from trireme.sandbox.apiserver.cel.types import BOOL, STRING, Type, escaped, optional_of, root_type, type_of
from trireme.sandbox.apiserver.cel.values import NONE, CelError, MapList, Optional, SetList
from trireme.sandbox.apiserver.custom.jsonpath import JsonPathError, parse_json_path
from trireme.sandbox.apiserver.custom.schema import ROOT_FIELDS, Rule, Schema, walk
from trireme.sandbox.apiserver.custom.values import ABSENT, NOWHERE, Place, below, item_places
from trireme.sandbox.apiserver.errors import Cause, forbidden_field, invalid_value, required, shown

BLOCKING = frozenset(
    f"FieldValue{each}" for each in ("NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid")
)
"""Reasons after which Kubernetes does not ask the rules any more: their variables would not be what they seem."""

UNASKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to "
    "complete validation"
)
OLD = "oldSelf"
MESSAGE_LIMIT = 5 * 1024
"""Bytes of a message that an expression makes, as in Kubernetes."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    rule: Rule
    program: Program
    message: Program | None
    path: str

    @property
    def is_transition(self) -> bool:
        return OLD in self.program.names

    @property
    def words(self) -> str:
        return (self.rule.message or self.rule.rule).strip()


@dataclass(slots=True)
class Rules:
    """By the schema node that they are of."""

    _by_node: dict[int, list[CompiledRule]] = field(default_factory=dict)

    def add(self, schema: Schema, rule: CompiledRule) -> None:
        self._by_node.setdefault(id(schema), []).append(rule)

    def of(self, schema: Schema) -> Iterable[CompiledRule]:
        return self._by_node.get(id(schema), ())

    def __bool__(self) -> bool:
        return bool(self._by_node)


def compile_rules(schema: Schema, path: str) -> tuple[Rules, list[Cause]]:
    """``path`` is where the schema is in its definition. The rules without a cause against them are ready."""
    rules, causes = Rules(), list[Cause]()
    apart = dict(_uncorrelatable(schema, path))
    for where, node in walk(schema, path):
        kind = root_type(schema) if node is schema else type_of(node)
        for number, rule in enumerate(node.rules):
            here = f"{where}.x-kubernetes-validations[{number}]"
            found = list(_check_words(rule, here))
            if kind is None:
                found.append(forbidden_field(here, "rules need a type, or x-kubernetes-int-or-string"))
            elif not found:
                compiled, found = _compile(rule, node, kind, here, apart=apart.get(id(node)))
                if compiled is not None:
                    rules.add(node, compiled)
            causes += found
    return rules, causes


def _uncorrelatable(schema: Schema, path: str) -> Iterator[tuple[int, str]]:
    """Nodes whose values have no former value, and the list around them, which is no map."""
    for where, node in walk(schema, path):
        if node.items is not None and node.list_type != "map":
            yield from ((id(below), where) for _, below in walk(node.items))


def _check_words(rule: Rule, path: str) -> Iterator[Cause]:
    if not rule.rule.strip():
        yield required(f"{path}.rule", "rule is not specified")
    if rule.message and not rule.message.strip():
        yield invalid_value(f"{path}.message", rule.message, "must be non-empty if specified")
    elif "\n" in rule.message.strip():
        yield invalid_value(f"{path}.message", rule.message, "must not contain line breaks")
    elif "\n" in rule.rule.strip() and not rule.message:
        yield required(f"{path}.message", "message must be specified if rule contains line breaks")


def _compile(
    rule: Rule, node: Schema, kind: Type, path: str, *, apart: str | None
) -> tuple[CompiledRule | None, list[Cause]]:
    scope = {"self": kind, OLD: optional_of(kind) if rule.optional_old_self else kind}
    try:
        program = compile_program(rule.rule, scope, BOOL, "cel expression must evaluate to a bool")
    except CompileError as error:
        return None, [invalid_value(f"{path}.rule", rule.rule, str(error))]
    message = None
    if rule.message_expression:
        try:
            message = compile_program(
                rule.message_expression, scope, STRING, "messageExpression must evaluate to a string"
            )
        except CompileError as error:
            return None, [invalid_value(f"{path}.messageExpression", rule.message_expression, str(error))]
    causes = []
    if OLD in program.names and apart is not None:
        detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {apart}"
        causes.append(invalid_value(f"{path}.rule", rule.rule, detail))
    if rule.optional_old_self and OLD not in program.names:
        detail = "may not be set if oldSelf is not used in rule"
        causes.append(invalid_value(f"{path}.optionalOldSelf", True, detail))
    if rule.field_path and not _leads_somewhere(rule.field_path, node):
        detail = "must be a valid path"
        causes.append(invalid_value(f"{path}.fieldPath", rule.field_path, detail))
    field_path = rule.field_path.removeprefix(".")
    return CompiledRule(rule, program, message, field_path), causes


def _leads_somewhere(path: str, node: Schema) -> bool:
    try:
        names = parse_json_path(path).names
    except JsonPathError:
        return False
    for name in names:
        found = node.child(name)
        if found is None:
            return False
        node = found
    return True


def check_rules(rules: Rules, schema: Schema, new: Any, old: Any, causes: list[Cause]) -> list[Cause]:
    """What the rules say, after ``causes``, which the schema found. ``old`` is None at a creation."""
    if not rules:
        return []
    if any(cause.reason in BLOCKING for cause in causes):
        return [invalid_value(NOWHERE, "null", UNASKED)]
    place = Place("", _root(new), ABSENT if old is None else _root(old))
    return list(_visit(rules, schema, place, is_root=True))


def _root(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = obj.get("metadata") or {}
    identity = {name: metadata[name] for name in ("name", "generateName") if name in metadata}
    return {**obj, "metadata": identity}


def _visit(rules: Rules, schema: Schema, place: Place, *, is_root: bool = False) -> Iterator[Cause]:
    if place.value is None:
        return
    yield from _ask(rules.of(schema), schema, place, is_root)
    if isinstance(place.value, list) and schema.items is not None:
        for item in item_places(schema, place):
            yield from _visit(rules, schema.items, item)
    elif isinstance(place.value, dict):
        for name in place.value:
            found = schema.child(name)
            if found is not None and not (is_root and name in ROOT_FIELDS):
                yield from _visit(rules, found, place.child(name, in_map=name not in schema.properties))


def _ask(rules: Iterable[CompiledRule], schema: Schema, place: Place, is_root: bool) -> Iterator[Cause]:
    has_old = place.old is not ABSENT and place.old is not None
    for rule in rules:
        if rule.is_transition and not has_old and not rule.rule.optional_old_self:
            continue
        if not rule.is_transition and place.is_kept:
            continue
        values = {"self": _value(schema, place.value, is_root)}
        if rule.is_transition:
            old = _value(schema, place.old, is_root) if has_old else None
            optional = Optional(old, present=True) if has_old else NONE
            values[OLD] = optional if rule.rule.optional_old_self else old
        cause = _judge(rule, schema, place, values)
        if cause is not None:
            yield cause


def _judge(rule: CompiledRule, schema: Schema, place: Place, values: dict[str, Any]) -> Cause | None:
    kind = schema.type or "object"
    try:
        if rule.program.run(values) is True:
            return None
    except CelError as error:
        detail = f"{error} evaluating rule: {rule.words}"
        if str(error).startswith("no such overload"):
            detail = (
                f"'{error}': call arguments did not match a supported operator, function or macro signature"
            )
            detail += f" for rule: {rule.words}"
        return invalid_value(place.path or NOWHERE, kind, detail)
    path = below(place.path, rule.path) if rule.path else place.path
    return _cause(rule.rule.reason, path or NOWHERE, kind, place.value, _message(rule, values))


def _message(rule: CompiledRule, values: dict[str, Any]) -> str:
    if rule.message is not None:
        try:
            text = str(rule.message.run(values)).strip()
        except CelError:
            text = ""
        if text and "\n" not in text and len(text.encode()) <= MESSAGE_LIMIT:
            return text
    return rule.rule.message.strip() or f"failed rule: {rule.words}"


def _cause(reason: str, path: str, kind: str, value: Any, detail: str) -> Cause:
    match reason:
        case "FieldValueForbidden":
            return forbidden_field(path, detail)
        case "FieldValueRequired":
            return required(path, detail)
    title = "Duplicate value" if reason == "FieldValueDuplicate" else "Invalid value"
    parts = [title, *([] if kind in ("object", "array") else [shown(value)])]
    return Cause(path, reason, ": ".join([*parts, *([] if reason == "FieldValueDuplicate" else [detail])]))


def _value(schema: Schema | None, value: Any, is_root: bool = False) -> Any:
    """As expressions see it: moments, durations and numbers by their schema, names as they must be written."""
    if schema is None or value is None or schema.int_or_string:
        return value
    match value:
        case dict():
            return {
                (escaped(name) if name in schema.properties else name): item
                if is_root and name in ROOT_FIELDS
                else _value(schema.child(name), item)
                for name, item in value.items()
            }
        case list():
            items = [_value(schema.items, item) for item in value]
            return {"set": SetList, "map": MapList}.get(schema.list_type, list)(items)
        case bool():
            return value
        case int() | float() if schema.type == "number":
            return float(value)
        case int() | float() if schema.type == "integer":
            return int(value)
        case str():
            return _text(schema.raw.get("format", ""), value)
    return value


def _text(form: str, value: str) -> Any:
    try:
        if form == "duration":
            return parse_duration(value)
        if form in ("date", "date-time", "datetime"):
            return parse_timestamp(value)
    except CelError:
        return value
    return value.encode() if form == "byte" else value
