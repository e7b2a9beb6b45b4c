"""Where the data lies, and what becomes of it."""

from typing import ClassVar, Literal

from trireme.api.resource.base import Flag, Model, Name, Quantity, amount, field
from trireme.api.resource.rules import Change, Rule, Transition, immutable

Retention = Literal["Retain", "Delete"]


class PvcRetentionPolicy(Model):
    """What becomes of volumes that no member uses any more."""

    when_deleted: Retention = field(
        "The volumes when the GaleraCluster is deleted. With Retain, creating it again under the same name brings "
        "the same data back.",
        Change.LATER,
        "Retain",
    )
    when_scaled: Retention = field(
        "The volumes of members that a smaller `replicas` removed. Deleted only when the remaining members are "
        "Synced; never because of `hibernate`.",
        Change.LATER,
        "Retain",
    )


class Storage(Model):
    """The volume of each member."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="size",
            cel="has(self.size) || self.ephemeral",
            message="size is required, such as 10Gi, unless ephemeral is true",
            holds=lambda self: self.size is not None or self.ephemeral,
        ),
        Rule(
            field="size",
            cel="!has(self.size) || !isQuantity(self.size) || quantity(self.size).compareTo(quantity('128Mi')) >= 0",
            message="size must be at least 128Mi: an empty server needs that much",
            holds=lambda self: self.size is None or amount(self.size) >= amount("128Mi"),
        ),
        Rule(
            field="storageClassName",
            cel="!(self.ephemeral && has(self.storageClassName))",
            message="storageClassName has no meaning when ephemeral is true: take one of them out",
            holds=lambda self: not (self.ephemeral and self.storage_class_name is not None),
        ),
    )
    transitions: ClassVar[tuple[Transition, ...]] = (
        immutable("ephemeral", "ephemeral", "create another cluster and move the data"),
        immutable(
            "storage_class_name",
            "storageClassName",
            "volumes keep their class; create another cluster and move the data",
        ),
        Transition(
            field="size",
            cel=(
                "self.ephemeral || (has(self.size) && has(oldSelf.size) && "
                "(!isQuantity(self.size) || quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0))"
            ),
            message="size cannot shrink: a volume that holds data does not",
            holds=lambda old, new: (
                new.ephemeral
                or (old.size is not None and new.size is not None and amount(new.size) >= amount(old.size))
            ),
        ),
    )

    size: Quantity | None = field(
        "Size of each member's volume, such as 10Gi; at least 128Mi. For an ephemeral cluster the limit of its "
        "emptyDir; without it there is none.",
        Change.GROW,
        None,
    )
    storage_class_name: Name | None = field(
        "Class of the volumes. Without it, the Kubernetes cluster's default class.", Change.IMMUTABLE, None
    )
    ephemeral: Flag = field(
        "Data in an emptyDir, gone with its pod. For trials and tests: when all pods are gone, all data is gone.",
        Change.IMMUTABLE,
        False,
    )
    replace_to_grow: Flag = field(
        "Where the class cannot grow a volume in place, replace the members one at a time: a new, larger volume, "
        "filled by a state transfer, while all others are Synced. If false, the volumes stay and a condition says so.",
        Change.LATER,
        True,
    )
    pvc_retention_policy: PvcRetentionPolicy = field(
        "What becomes of volumes that no member uses any more.", None, PvcRetentionPolicy
    )
