"""Rules of metadata, and of label selectors."""

from collections.abc import Callable, Iterator

from trireme.sandbox.apiserver.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    required,
    unsupported_value,
)
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.rules import names
from trireme.sandbox.store.interface import Object

ANNOTATIONS_LIMIT = 256 * 1024
SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")

NAME_FORMS: dict[str, Callable[[str], str | None]] = {
    "namespaces": names.label_problem,
    "services": names.label_1035_problem,
    "roles": names.path_segment_problem,
    "clusterroles": names.path_segment_problem,
    "rolebindings": names.path_segment_problem,
    "clusterrolebindings": names.path_segment_problem,
}


def check_metadata(kind: Kind, metadata: Object) -> Iterator[Cause]:
    name, prefix = metadata.get("name", ""), metadata.get("generateName", "")
    form = NAME_FORMS.get(kind.plural, names.subdomain_problem)
    if not name and not prefix:
        yield required("metadata.name", "name or generateName is required")
    elif name and (problem := form(name)):
        yield invalid_value("metadata.name", name, problem)
    elif not name and (problem := form(prefix.rstrip("-.") or "a")):
        yield invalid_value("metadata.generateName", prefix, problem)
    yield from check_labels(metadata.get("labels") or {}, "metadata.labels")
    yield from _check_annotations(metadata.get("annotations") or {})
    for number, finalizer in enumerate(metadata.get("finalizers") or ()):
        if problem := names.qualified_name_problem(finalizer):
            yield invalid_value(f"metadata.finalizers[{number}]", finalizer, problem)


def check_finalizers(new: Object, old: Object) -> Iterator[Cause]:
    """Of an update: whoever is on the way out is not held up by anybody new."""
    added = [each for each in new.get("finalizers") or () if each not in (old.get("finalizers") or ())]
    if added and "deletionTimestamp" in old:
        words = ", ".join(f'"{each}"' for each in added)
        detail = "no new finalizers can be added if the object is being deleted, found new finalizers"
        yield forbidden_field("metadata.finalizers", f"{detail} []string{{{words}}}")


def check_labels(labels: Object, path: str) -> Iterator[Cause]:
    for key, value in labels.items():
        if problem := names.qualified_name_problem(key):
            yield invalid_value(path, key, problem)
        if problem := names.label_value_problem(value):
            yield invalid_value(path, value, problem)


def check_selector(selector: Object, path: str) -> Iterator[Cause]:
    yield from check_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for number, row in enumerate(selector.get("matchExpressions") or ()):
        here = f"{path}.matchExpressions[{number}]"
        operator, values = row.get("operator"), row.get("values") or ()
        if operator not in SELECTOR_OPERATORS:
            yield unsupported_value(f"{here}.operator", operator, SELECTOR_OPERATORS)
        elif operator in ("In", "NotIn") and not values:
            yield required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and values:
            yield Cause(
                f"{here}.values",
                "FieldValueForbidden",
                "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )


def _check_annotations(annotations: Object) -> Iterator[Cause]:
    for key in annotations:
        if problem := names.qualified_name_problem(key.lower()):
            yield invalid_value("metadata.annotations", key, problem)
    size = sum(len(key) + len(value) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        detail = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield Cause("metadata.annotations", "FieldValueTooLong", detail)
