"""docs/reference.md: every field of a GaleraCluster, from the same schema that the API server keeps. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from trireme.api.resource import API_VERSION, KIND, GaleraCluster, GaleraClusterSpec, GaleraClusterStatus
from trireme.api.resource.base import DURATION, QUANTITY
from trireme.manifests.crd.schema import structural

Schema = Mapping[str, Any]

_HEAD = f"""\
# {KIND}: every field

Generated from the models by `make generate`. `kubectl explain galera.spec` says the same. How to use it:
[the operator](operator.md).

```yaml
apiVersion: {API_VERSION}
kind: {KIND}
metadata:
  name: demo
spec:
  storage:
    size: 10Gi
```

That is enough: three members, passwords generated into the Secret `demo`. A value that does not fit is refused with the
field, the value and what was expected. A field that does not exist is refused by `kubectl apply`, `create` and `edit`;
`kubectl patch` only warns of it.
"""

_QUANTITY_PATTERNS = (QUANTITY,)


def reference() -> str:
    """The text of the page."""
    spec, status = structural(GaleraClusterSpec), structural(GaleraClusterStatus)
    parts = [_HEAD, "## metadata\n", *_rules(structural(GaleraCluster))]
    parts += ["## spec\n", *_section(spec, "")]
    for name, schema in spec["properties"].items():
        if _is_group(schema):
            parts += [f"### {name}\n", schema["description"] + "\n", *_section(_inner(schema), "")]
    parts += ["## status\n", status["description"] + "\n", *_section(status, "")]
    for name, schema in status["properties"].items():
        if _is_group(schema):
            parts += [f"### status.{name}\n", schema["description"] + "\n", *_section(_inner(schema), "")]
    return "\n".join(parts)


def _section(schema: Schema, prefix: str) -> list[str]:
    rows = ["| field | type | default | |", "|---|---|---|---|", *_rows(schema, prefix), ""]
    return rows + _rules(schema)


def _rules(schema: Schema) -> list[str]:
    rules = [*_messages(schema, "")]
    return ["Rules:\n", *(f"- {rule}" for rule in rules), ""] if rules else []


def _messages(schema: Schema, prefix: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield prefix + rule["message"]
    if prefix or "spec" not in schema.get("properties", {}):
        for name, inner in schema.get("properties", {}).items():
            if prefix or not _is_group(inner):
                yield from _messages(_inner(inner), f"`{name}`: ")


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        path = f"{prefix}{name}"
        default = "required" if name in required else _default(field)
        group = not prefix and _is_group(field)
        inner = _inner(field)
        text = _cell(field["description"])
        if group and "### " not in prefix and _depth_one(schema):
            yield f"| [`{path}`](#{_anchor(schema, name)}) | {_type(field)} | {default} | {text} |"
            continue
        yield f"| `{path}` | {_type(field)} | {default} | {text} |"
        if "properties" in inner:
            yield from _rows(inner, path + ("[]." if field["type"] == "array" else "."))


def _depth_one(schema: Schema) -> bool:
    """Whether this is the spec or the status itself, whose groups have sections of their own."""
    return "replicas" in schema["properties"]


def _anchor(schema: Schema, name: str) -> str:
    return f"status{name}".lower() if "writer" in schema["properties"] else name.lower()


def _is_group(schema: Schema) -> bool:
    return "properties" in _inner(schema)


def _inner(schema: Schema) -> Schema:
    inner: Schema = schema["items"] if schema.get("type") == "array" else schema
    return inner


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string") or schema.get("pattern") in _QUANTITY_PATTERNS:
        return "quantity"
    if schema.get("pattern") == DURATION:
        return "duration"
    if "enum" in schema:
        return " \\| ".join(f"`{_literal(value)}`" for value in schema["enum"])
    match schema["type"]:
        case "array":
            return f"list of {_type(schema['items'])}"
        case "object" if "additionalProperties" in schema:
            return f"map to {_type(schema['additionalProperties'])}"
        case "integer" if "minimum" in schema:
            return (
                f"{schema['minimum']} … {schema['maximum']}"
                if "maximum" in schema
                else f"≥ {schema['minimum']}"
            )
        case other:
            return str(other)


def _literal(value: Any) -> str:
    return '""' if value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def _default(schema: Schema) -> str:
    value = schema.get("default")
    if isinstance(value, dict | list) or value in (None, ""):
        return ""
    return f"`{_literal(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
