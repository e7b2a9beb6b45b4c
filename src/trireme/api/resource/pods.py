"""What a user may say about the pods, beside what Trireme needs. It is merged in; what is Trireme's own stays."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from trireme.api.resource.base import (
    Amount,
    Annotations,
    Flag,
    Kubernetes,
    LabelKey,
    Labels,
    LabelValue,
    Model,
    Name,
    Passed,
    Text,
    Whole,
    amount,
    field,
)
from trireme.api.resource.rules import Rule

ContainerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=253)]
Path = Annotated[str, StringConstraints(pattern=r"^/[^:]*$", max_length=1024)]
Image = Annotated[str, StringConstraints(pattern=r"^[^\s]+$", max_length=512)]
ResourceName = Annotated[str, StringConstraints(max_length=253)]


class Resources(Model):
    """Of the container `mariadb`."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="limits",
            cel=(
                "!has(self.limits) || !('memory' in self.limits) || "
                "quantity(string(self.limits['memory'])).compareTo(quantity('256Mi')) >= 0"
            ),
            message="limits.memory must be at least 256Mi: the server does not start with less",
            holds=lambda self: (
                "memory" not in self.limits or amount(self.limits["memory"]) >= amount("256Mi")
            ),
        ),
        Rule(
            field="requests",
            cel=(
                "!has(self.requests) || !has(self.limits) || self.requests.all(k, !(k in self.limits) || "
                "quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)"
            ),
            message="requests must not be more than limits",
            holds=lambda self: all(
                amount(value) <= amount(self.limits.get(key, value)) for key, value in self.requests.items()
            ),
        ),
    )

    requests: dict[ResourceName, Amount] = field(
        "What the scheduler reserves, such as cpu: 250m, memory: 512Mi.", None, dict, max_length=16
    )
    limits: dict[ResourceName, Amount] = field(
        "What a member may use at most. The buffer pool is sized by limits.memory (half of it, a quarter below "
        "1Gi), the appliers by limits.cpu. A member that is throttled slows all others down.",
        None,
        dict,
        max_length=16,
    )


class LocalReference(Model):
    """Another object of the same namespace."""

    name: Name = field("Name of the object.", None)


class PodMetadata(Model):
    """Labels and annotations of the pods."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="labels",
            cel=(
                "!has(self.labels) || self.labels.all(k, !k.startsWith('trireme.dev/') && "
                "!(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component']))"
            ),
            message="the labels that select the members, and trireme.dev/…, are Trireme's own: choose others",
            holds=lambda self: not any(reserved_label(key) for key in self.labels),
        ),
        Rule(
            field="annotations",
            cel="!has(self.annotations) || self.annotations.all(k, !k.startsWith('trireme.dev/'))",
            message="the annotations trireme.dev/… are Trireme's own: choose others",
            holds=lambda self: not any(key.startswith("trireme.dev/") for key in self.annotations),
        ),
    )

    labels: Labels = field("Labels to add.", None, dict)
    annotations: Annotations = field("Annotations to add.", None, dict)


def reserved_label(key: str) -> bool:
    """Whether the label selects the members, or is otherwise Trireme's own."""
    return key.startswith("trireme.dev/") or key in (
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/component",
    )


class Affinity(Model):
    """Which nodes the members prefer or need."""

    anti_affinity_enabled: Flag = field(
        "Never two members on one node: a member without a node of its own stays pending. If false, they spread "
        "where they can (`topologySpreadConstraints`).",
        None,
        False,
    )
    node_affinity: Kubernetes | None = field("As in a pod's affinity.", None, None)
    pod_affinity: Kubernetes | None = field("As in a pod's affinity.", None, None)
    pod_anti_affinity: Kubernetes | None = field(
        "As in a pod's affinity; beside antiAffinityEnabled.", None, None
    )


class Toleration(Model):
    """A taint of nodes that the members tolerate."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="operator",
            cel="has(self.key) && self.key != '' || has(self.operator) && self.operator == 'Exists'",
            message="operator must be Exists where no key is given: that tolerates every taint",
            holds=lambda self: bool(self.key) or self.operator == "Exists",
        ),
        Rule(
            field="value",
            cel="!has(self.value) || self.value == '' || !has(self.operator) || self.operator == 'Equal'",
            message="value has a meaning with operator Equal only",
            holds=lambda self: not self.value or self.operator in (None, "Equal"),
        ),
        Rule(
            field="tolerationSeconds",
            cel="!has(self.tolerationSeconds) || has(self.effect) && self.effect == 'NoExecute'",
            message="tolerationSeconds has a meaning with effect NoExecute only",
            holds=lambda self: self.toleration_seconds is None or self.effect == "NoExecute",
        ),
    )

    key: LabelKey | None = field("Key of the taint; without it, all, and operator is Exists.", None, None)
    operator: Literal["Exists", "Equal"] | None = field("Equal if not given.", None, None)
    value: LabelValue | None = field("Value of the taint.", None, None)
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = field(
        "Effect of the taint; without it, all.", None, None
    )
    toleration_seconds: Whole | None = field(
        "How long a taint is tolerated, in seconds, with effect NoExecute; without it, for ever.",
        None,
        None,
        ge=0,
    )


class TopologySpreadConstraint(Passed):
    """How the members spread. Without a labelSelector, Trireme's own is used."""

    max_skew: Whole = field("By how many members two domains may differ.", None, ge=1, le=15)
    topology_key: Text = field("Label of the nodes that tells the domains apart.", None)
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = field(
        "Whether a member that does not fit stays pending.", None
    )


RUN_AS_USER = (
    "Any uid but 0: the server refuses to run as root. For volumes that another uid wrote, "
    "podSecurityContext.fsGroupChangePolicy: Always is needed, too."
)


class PodSecurityContext(Passed):
    """Merged over Trireme's: runAsNonRoot, fsGroup 999, seccomp RuntimeDefault."""

    run_as_user: Whole | None = field(RUN_AS_USER, None, None, ge=1)
    run_as_non_root: Literal[True] | None = field(
        "Always true: the server refuses to run as root.", None, None
    )


class SecurityContext(Passed):
    """Merged over Trireme's: no privilege escalation, read-only root, no capabilities."""

    run_as_user: Whole | None = field(RUN_AS_USER, None, None, ge=1)
    run_as_non_root: Literal[True] | None = field(
        "Always true: the server refuses to run as root.", None, None
    )
    privileged: Literal[False] | None = field("Never: no member needs it.", None, None)


class EnvVar(Passed):
    """An environment variable: value or valueFrom, as in a container."""

    name: VariableName = field("Name of the variable.", None)
    value: Annotated[str, StringConstraints(max_length=32768)] | None = field("Its value.", None, None)


class Volume(Passed):
    """A volume of the pods, as in a pod's volumes."""

    name: ContainerName = field("Name of the volume.", None)


class VolumeMount(Passed):
    """Where the container `mariadb` sees one of `volumes`, as in a container's volumeMounts."""

    name: ContainerName = field("Name of the volume.", None)
    mount_path: Path = field("Absolute path in the container.", None)


class Container(Passed):
    """A container as in a pod. It may mount `volumes`, and `data` for reading."""

    name: ContainerName = field("Name of the container.", None)
    image: Image | None = field("Its image; without it, the members' own.", None, None)
