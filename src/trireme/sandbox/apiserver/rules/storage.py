"""Rules of claims, volumes and storage classes."""

from collections.abc import Iterator
from decimal import Decimal

from trireme.sandbox.apiserver.errors import Cause, forbidden_field, invalid_value, required
from trireme.sandbox.store.interface import Object

CLAIM_UPDATE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
SUFFIXES: dict[str, Decimal] = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{letter: Decimal(10) ** (3 * power) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}


def quantity(text: str) -> Decimal:
    """``10Gi`` as a number. ``text`` is known to be a quantity."""
    suffix = text.lstrip("+-.0123456789")
    if suffix[:1] in ("e", "E") and suffix[1:].lstrip("+-").isdigit():
        return Decimal(text)
    return Decimal(text.removesuffix(suffix)) * SUFFIXES[suffix]


def check_claim(obj: Object) -> Iterator[Cause]:
    yield from check_claim_spec(obj.get("spec", {}), "spec")


def check_claim_spec(spec: Object, path: str) -> Iterator[Cause]:
    if not spec.get("accessModes"):
        yield required(f"{path}.accessModes", "at least 1 access mode is required")
    request = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if request is None:
        yield required(f"{path}.resources[storage]")
    elif quantity(request) <= 0:
        yield invalid_value(f"{path}.resources[storage]", request, "must be greater than zero")


def check_claim_update(new: Object, old: Object) -> Iterator[Cause]:
    before, after = dict(old["spec"]), dict(new["spec"])
    sizes = [
        (spec.get("resources") or {}).get("requests", {}).get("storage", "0") for spec in (before, after)
    ]
    for spec in (before, after):
        spec.pop("resources", None)
    if "volumeName" not in before:
        after.pop("volumeName", None)
    if "storageClassName" not in before:
        after.pop("storageClassName", None)
    if before != after:
        yield forbidden_field("spec", CLAIM_UPDATE)
    if quantity(sizes[1]) < quantity(sizes[0]):
        detail = "field can not be less than status.capacity"
        yield forbidden_field("spec.resources.requests.storage", detail)
    elif quantity(sizes[1]) > quantity(sizes[0]) and old.get("status", {}).get("phase") != "Bound":
        yield forbidden_field("spec", CLAIM_UPDATE)


def check_volume(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec", {})
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")
    if "hostPath" not in spec and "local" not in spec:
        yield required("spec", "must specify a volume type")


def check_class_update(new: Object, old: Object) -> Iterator[Cause]:
    for field in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"):
        if new.get(field) != old.get(field):
            yield forbidden_field(field, f"updates to {field} are forbidden.")
