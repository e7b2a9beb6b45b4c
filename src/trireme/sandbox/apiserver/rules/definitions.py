"""Rules of CustomResourceDefinitions: what Kubernetes demands of them, and what the sandbox does not emulate."""

from collections.abc import Iterator
from typing import Any

from trireme.sandbox.apiserver.custom.jsonpath import JsonPathError, parse_json_path
from trireme.sandbox.apiserver.custom.rules import compile_rules
from trireme.sandbox.apiserver.custom.schema import read_schema
from trireme.sandbox.apiserver.custom.structural import check_defaults, check_structural
from trireme.sandbox.apiserver.errors import Cause, invalid_value, required
from trireme.sandbox.apiserver.rules import names
from trireme.sandbox.apiserver.schema.catalogue import builtin
from trireme.sandbox.store.interface import Object

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("", "binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password")
APPROVED = "api-approved.kubernetes.io"
PROTECTED = (".k8s.io", ".kubernetes.io")


def check_definition(crd: Object) -> Iterator[Cause]:
    spec = crd.get("spec") or {}
    wanted = f"{spec['names'].get('plural', '')}.{spec['group']}"
    if crd["metadata"].get("name") != wanted:
        detail = 'must be spec.names.plural+"."+spec.group'
        yield invalid_value("metadata.name", crd["metadata"].get("name", ""), detail)
    yield from _check_group(crd, spec["group"])
    yield from _check_names(spec["names"])
    if spec.get("preserveUnknownFields"):
        detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid_value("spec.preserveUnknownFields", True, detail)
    yield from _check_versions(spec["versions"])


def check_definition_update(new: Object, old: Object) -> Iterator[Cause]:
    before, after = old["spec"], new["spec"]
    established = any(
        each["type"] == "Established" and each["status"] == "True"
        for each in (old.get("status") or {}).get("conditions") or ()
    )
    fixed = [("group", before["group"], after["group"])]
    if established:
        fixed.append(("scope", before["scope"], after["scope"]))
        fixed.append(("names.kind", before["names"]["kind"], after["names"]["kind"]))
        fixed.append(("names.plural", before["names"]["plural"], after["names"]["plural"]))
    for field, was, now in fixed:
        if was != now:
            yield invalid_value(f"spec.{field}", now, "field is immutable")
    present = {each["name"] for each in after["versions"]}
    for number, version in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if version not in present:
            detail = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                "spec.versions until a storage migration ensures no data remains persisted in "
                f"{version} and removes {version} from status.storedVersions"
            )
            yield invalid_value(f"status.storedVersions[{number}]", version, detail)


def _check_group(crd: Object, group: str) -> Iterator[Cause]:
    if not group:
        yield required("spec.group")
    elif problem := names.subdomain_problem(group):
        yield invalid_value("spec.group", group, problem)
    elif "." not in group:
        yield invalid_value("spec.group", group, "should be a domain with at least one dot")
    elif group.endswith(PROTECTED) and not (crd["metadata"].get("annotations") or {}).get(APPROVED):
        detail = "protected groups must have approval annotation, see https://github.com/kubernetes/enhancements/pull/1111"
        yield required(f"metadata.annotations[{APPROVED}]", f'"{APPROVED}": {detail}')


def _check_names(given: Object) -> Iterator[Cause]:
    for field in ("plural", "singular"):
        if problem := names.label_1035_problem(given.get(field, "")):
            yield invalid_value(f"spec.names.{field}", given.get(field, ""), problem)
    for field in ("kind", "listKind"):
        if problem := names.label_1035_problem(given.get(field, "").lower()):
            detail = f"may have mixed case, but should otherwise match: {problem}"
            yield invalid_value(f"spec.names.{field}", given.get(field, ""), detail)
    for field in ("shortNames", "categories"):
        for number, word in enumerate(given.get(field) or ()):
            if problem := names.label_1035_problem(word):
                yield invalid_value(f"spec.names.{field}[{number}]", word, problem)
    if given.get("kind") == given.get("listKind"):
        yield invalid_value("spec.names.listKind", given["listKind"], "kind and listKind may not be the same")


def _check_versions(versions: list[Object]) -> Iterator[Cause]:
    words = [each["name"] for each in versions]
    if len(set(words)) != len(words):
        yield invalid_value("spec.versions", words, "must contain unique version names")
    if sum(bool(each.get("storage")) for each in versions) != 1:
        yield invalid_value("spec.versions", words, "must have exactly one version marked as storage version")
    for number, version in enumerate(versions):
        # Kubernetes reports a sole version's schema where the first form of definitions had it.
        alone = len(versions) == 1
        yield from _check_version(version, f"spec.versions[{number}]", "spec" if alone else "")


def _check_version(version: Object, path: str, home: str) -> Iterator[Cause]:
    if problem := names.label_1035_problem(version["name"]):
        yield invalid_value(f"{path}.name", version["name"], problem)
    if version.get("deprecationWarning") and not version.get("deprecated"):
        yield invalid_value(
            f"{path}.deprecationWarning",
            version["deprecationWarning"],
            "can only be set for deprecated versions",
        )
    raw = (version.get("schema") or {}).get("openAPIV3Schema")
    if raw is None:
        yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    else:
        yield from _check_schema(
            raw, f"{home}.validation.openAPIV3Schema" if home else f"{path}.schema.openAPIV3Schema"
        )
    yield from _check_columns(version.get("additionalPrinterColumns") or (), home or path)
    yield from _check_subresources(version.get("subresources") or {}, f"{home or path}.subresources")
    for number, field in enumerate(version.get("selectableFields") or ()):
        here = f"{path}.selectableFields[{number}].jsonPath"
        yield from _check_names_path(
            here, field.get("jsonPath", ""), ("spec", "status"), "must not point to fields in metadata"
        )


def _check_schema(raw: Object, path: str) -> Iterator[Cause]:
    causes = list(check_structural(raw, path, builtin().struct("apiextensions", "JSONSchemaProps")))
    yield from causes
    if causes:
        return
    schema = read_schema(raw)
    yield from check_defaults(schema, path)
    yield from compile_rules(schema, path)[1]


def _check_columns(columns: Any, path: str) -> Iterator[Cause]:
    for number, column in enumerate(columns):
        here = f"{path}.additionalPrinterColumns[{number}]"
        if column["type"] not in COLUMN_TYPES:
            yield invalid_value(f"{here}.type", column["type"], f"must be one of {','.join(COLUMN_TYPES)}")
        if column.get("format", "") not in COLUMN_FORMATS:
            detail = f"must be one of {','.join(COLUMN_FORMATS[1:])}"
            yield invalid_value(f"{here}.format", column["format"], detail)
        if not column["jsonPath"].startswith("."):
            detail = "must be a simple json path starting with ."
            yield invalid_value(f"{here}.JSONPath", column["jsonPath"], detail)
            continue
        try:
            parse_json_path(column["jsonPath"])
        except JsonPathError as error:
            yield invalid_value(f"{here}.JSONPath", column["jsonPath"], str(error))


def _check_subresources(subresources: Object, path: str) -> Iterator[Cause]:
    scale = subresources.get("scale")
    if scale is None:
        return
    paths: list[tuple[str, tuple[str, ...], str]] = [
        ("specReplicasPath", ("spec",), ".spec"),
        ("statusReplicasPath", ("status",), ".status"),
    ]
    if scale.get("labelSelectorPath"):
        paths.append(("labelSelectorPath", ("spec", "status"), "either .spec or .status"))
    for field, roots, words in paths:
        detail = f"should be a json path under {words}"
        yield from _check_names_path(f"{path}.scale.{field}", scale.get(field, ""), roots, detail)


def _check_names_path(path: str, text: str, roots: tuple[str, ...], detail: str) -> Iterator[Cause]:
    try:
        steps = parse_json_path(text).names if text.startswith(".") else ()
    except JsonPathError as error:
        yield invalid_value(path, text, str(error))
        return
    if not steps:
        yield invalid_value(path, text, "must be a simple json path starting with .")
    elif steps[0] not in roots or len(steps) < 2:
        yield invalid_value(path, text, detail)
