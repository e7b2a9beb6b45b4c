"""The CustomResourceDefinition and the reference documentation of GaleraCluster, from its models. Pure."""

from trireme.manifests.crd.definition import custom_resource_definition
from trireme.manifests.crd.reference import reference

__all__ = ["custom_resource_definition", "reference"]
