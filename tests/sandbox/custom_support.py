"""A custom resource to try things with, and what tests say about it."""

from typing import Any

from tests.sandbox.api_client import Answer, Client
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.tree import copy_tree

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD = f"{CRDS}/widgets.example.dev"
WIDGETS = "/apis/example.dev/v1alpha1/namespaces/default/widgets"

TEXT: Object = {"type": "string"}
SPEC: Object = {
    "type": "object",
    "description": "What is wanted.",
    "required": ["size"],
    "properties": {
        "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3, "description": "How many."},
        "size": {"type": "string", "pattern": "^[0-9]+Gi$", "maxLength": 6},
        "mode": {"type": "string", "enum": ["Fast", "Safe"], "default": "Safe"},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": TEXT},
        "note": {"type": "string", "nullable": True},
        "until": {"type": "string", "format": "date-time"},
        "backup": {
            "type": "object",
            "properties": {"keep": {"type": "integer", "default": 7}, "name": TEXT},
        },
        "items": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": TEXT, "value": {"type": "integer"}},
            },
        },
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "either": {
            "type": "object",
            "properties": {"a": TEXT, "b": TEXT},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
    },
}
STATUS: Object = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "selector": TEXT,
        "since": TEXT,
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status"],
                "properties": {"type": TEXT, "status": TEXT},
            },
        },
    },
}
COLUMNS = [
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Since", "type": "date", "jsonPath": ".status.since"},
    {"name": "Size", "type": "string", "jsonPath": ".spec.size", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
SUBRESOURCES = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
}


def version(name: str = "v1alpha1", **spec: Any) -> Object:
    """``spec`` replaces properties of the spec."""
    schema: Object = {
        "type": "object",
        "description": "A widget to try things with.",
        "required": ["spec"],
        "properties": {"spec": copy_tree(SPEC), "status": copy_tree(STATUS)},
    }
    schema["properties"]["spec"]["properties"].update(spec)
    return {
        "name": name,
        "served": True,
        "storage": True,
        "subresources": copy_tree(SUBRESOURCES),
        "additionalPrinterColumns": copy_tree(COLUMNS),
        "schema": {"openAPIV3Schema": schema},
    }


def definition(*versions: Object, **spec: Any) -> Object:
    """``spec`` replaces fields of the definition's spec."""
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]}
    whole = {"group": "example.dev", "scope": "Namespaced", "names": names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.dev"},
        "spec": {**whole, "versions": list(versions) or [version()], **spec},
    }


def widget(name: str = "w", **spec: Any) -> Object:
    return {
        "apiVersion": "example.dev/v1alpha1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": "5Gi", **spec},
    }


async def define(client: Client, crd: Object | None = None) -> Object:
    """Create the definition; it is served when this returns."""
    answer = await client.ask("POST", CRDS, crd or definition())
    assert answer.code == 201, answer.message
    return dict(answer.body)


async def create(client: Client, **spec: Any) -> Answer:
    return await client.ask("POST", WIDGETS, widget(**spec))


def causes(answer: Answer) -> list[str]:
    """``path: message``, of a 422."""
    assert answer.code == 422, answer
    return [f"{each['field']}: {each['message']}" for each in answer.body["details"]["causes"]]
