"""Resource quantities, what a container asks for of them, and what this machine has."""

import math
import os
import re
import shutil
from decimal import Decimal

from trireme.sandbox.store.interface import Object

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(|[numkMGTPE]|[KMGTPE]i)")


def quantity(text: str | int | float) -> Decimal:
    """The number that a Kubernetes quantity such as ``500m`` or ``1Gi`` stands for. Raises ValueError."""
    written = str(text)
    parts = _QUANTITY.fullmatch(written)
    if parts is None:
        raise ValueError(
            f"quantity {written!r}: expected a number with a suffix such as m, k, M, Ki, Mi or Gi"
        )
    return Decimal(parts[1]) * _SUFFIXES[parts[2]]


def container_resource(pod: Object, container: Object, reference: Object) -> str:
    """What a resourceFieldRef gives: in units of its divisor, rounded up; the node's own where no limit is."""
    name = reference.get("containerName")
    if name:
        spec = pod["spec"]
        everyone = [*spec["containers"], *(spec.get("initContainers") or ())]
        container = next(found for found in everyone if found["name"] == name)
    kind, _, resource = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    value = (resources.get(kind) or {}).get(resource)
    if value is None and kind == "requests":
        value = (resources.get("limits") or {}).get(resource)
    if value is None:
        value = capacity().get(resource, 0) if kind == "limits" else 0
    return str(math.ceil(quantity(value) / quantity(reference.get("divisor") or 1)))


def capacity() -> dict[str, int]:
    """Whole cores, and bytes of memory and of the root file system."""
    return {
        "cpu": os.cpu_count() or 1,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "ephemeral-storage": shutil.disk_usage("/").total,
        "pods": 110,
    }
