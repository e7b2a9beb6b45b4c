"""Label and field selectors: from their texts, and from LabelSelector objects."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.store.interface import Object

Operator = Literal["in", "notin", "exists", "absent", "gt", "lt"]
Predicate = Callable[[Object], bool]

LIST_TERM = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
EQUALITY_TERM = re.compile(r"^(?P<key>[^\s=!<>]+)\s*(?P<op>==|=|!=|>|<)\s*(?P<value>[^\s=!<>]*)$")
KEY = re.compile(r"^([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term over labels; all terms of a selector must hold."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.key)
        match self.operator:
            case "exists":
                return found is not None
            case "absent":
                return found is None
            case "in":
                return found in self.values
            case "notin":
                return found not in self.values
            case "gt" | "lt":
                return _compare(self.operator, found, next(iter(self.values)))
            case _:
                assert_never(self.operator)


def labels_of(obj: Object) -> Mapping[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def parse_labels(text: str) -> list[Requirement]:
    """``a=b,c!=d,e in (f,g),h notin (i),j,!k``. Raises ApiError (400)."""
    return [_term(term.strip()) for term in _split(text) if term.strip()]


def from_label_selector(selector: Object | None) -> list[Requirement] | None:
    """The terms of a LabelSelector object; None selects nothing, an empty one everything."""
    if selector is None:
        return None
    terms = [
        Requirement(key, "in", frozenset({value}))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    operators: dict[str, Operator] = {
        "In": "in",
        "NotIn": "notin",
        "Exists": "exists",
        "DoesNotExist": "absent",
    }
    for row in selector.get("matchExpressions") or ():
        terms.append(Requirement(row["key"], operators[row["operator"]], frozenset(row.get("values") or ())))
    return terms


def selects(terms: list[Requirement] | None, obj: Object) -> bool:
    return terms is not None and all(term.matches(labels_of(obj)) for term in terms)


def object_filter(kind: Kind, label_selector: str, field_selector: str) -> Predicate:
    """Both selectors of a request as one predicate. Raises ApiError (400) on what cannot be read or selected."""
    terms = parse_labels(label_selector)
    fields = _parse_fields(kind, field_selector)

    def holds(obj: Object) -> bool:
        if not all(term.matches(labels_of(obj)) for term in terms):
            return False
        return all((_field(obj, path) == value) == equal for path, equal, value in fields)

    return holds


def _parse_fields(kind: Kind, text: str) -> list[tuple[str, bool, str]]:
    rows = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
        if match is None:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{term}"')
        path, operator, value = match.groups()
        own = kind.definition.selectable if kind.definition else SELECTABLE.get((kind.group, kind.plural), ())
        if path not in ("metadata.name", "metadata.namespace", *own):
            only = f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            raise bad_request(f"field label not supported: {path}" if own or kind.custom else only)
        rows.append((path, operator != "!=", value))
    return rows


EVENT_FIELDS = (
    "reason",
    "reportingComponent",
    "source",
    "type",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
)
SELECTABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    ("", "events"): EVENT_FIELDS,
    ("", "secrets"): ("type",),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("batch", "jobs"): ("status.successful",),
}
"""What each kind can be selected by, besides its name and namespace: the same as in Kubernetes."""


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("component")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _split(text: str) -> list[str]:
    """At the commas outside parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _term(term: str) -> Requirement:
    if (match := LIST_TERM.match(term)) is not None:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(_key(match["key"], term), "in" if match["op"] == "in" else "notin", values)
    if (match := EQUALITY_TERM.match(term)) is not None:
        operators: dict[str, Operator] = {"!=": "notin", ">": "gt", "<": "lt"}
        operator = operators.get(match["op"], "in")
        return Requirement(_key(match["key"], term), operator, frozenset({match["value"]}))
    if term.startswith("!"):
        return Requirement(_key(term[1:].strip(), term), "absent")
    return Requirement(_key(term, term), "exists")


def _key(key: str, term: str) -> str:
    if KEY.match(key) is None:
        raise bad_request(f'unable to parse requirement: found "{term}", expected: a label key')
    return key


def _compare(operator: str, found: str | None, bound: str) -> bool:
    try:
        difference = int(found or "") - int(bound)
    except ValueError:
        return False
    return difference > 0 if operator == "gt" else difference < 0
