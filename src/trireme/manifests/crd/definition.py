"""The CustomResourceDefinition of GaleraCluster. Pure."""

from typing import Any

from trireme.api.names import GROUP
from trireme.api.resource import KIND, PLURAL, VERSION, GaleraCluster, GaleraClusterSpec, GaleraClusterStatus
from trireme.manifests.crd.schema import structural

LABELS = {"app.kubernetes.io/name": "trireme", "app.kubernetes.io/component": "operator"}

COLUMNS: tuple[dict[str, Any], ...] = (
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Members", "type": "string", "jsonPath": ".status.membersReady"},
    {"name": "Writer", "type": "string", "jsonPath": ".status.writer"},
    {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Version", "type": "string", "jsonPath": ".status.version", "priority": 1},
    {"name": "Why", "type": "string", "jsonPath": ".status.message", "priority": 1},
)
"""What `kubectl get` shows; the last two with -o wide."""


def custom_resource_definition() -> dict[str, Any]:
    """The definition, as it is applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}", "labels": dict(LABELS)},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["galera", "gc"],
                "categories": ["all", "trireme"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [dict(column) for column in COLUMNS],
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "schema": {"openAPIV3Schema": root_schema()},
                }
            ],
        },
    }


def root_schema() -> dict[str, Any]:
    """The schema of the whole object; what every Kubernetes object has is described by the API server."""
    whole = structural(GaleraCluster)
    return {
        "type": "object",
        "description": whole["description"],
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(GaleraClusterSpec),
            "status": structural(GaleraClusterStatus),
        },
        "x-kubernetes-validations": whole["x-kubernetes-validations"],
    }
