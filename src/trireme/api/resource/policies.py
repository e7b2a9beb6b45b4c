"""How the cluster is kept: probes, disruptions, updates, recovery, the arbitrator, and what a person asks for."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from trireme.api.resource.base import Duration, Flag, LabelValue, Model, Name, Text, Whole, field, seconds
from trireme.api.resource.pods import Affinity, Resources, Toleration
from trireme.api.resource.rules import Rule


class StartupProbe(Model):
    """How long an agent may take to serve for the first time. It never waits for a state transfer."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="failureThreshold",
            cel="self.periodSeconds * self.failureThreshold >= 30",
            message="periodSeconds times failureThreshold must be at least 30 s: a busy node starts pods slowly",
            holds=lambda self: self.period_seconds * self.failure_threshold >= 30,
        ),
    )

    period_seconds: Whole = field("Seconds between two probes, 1 to 60.", None, 1, ge=1, le=60)
    timeout_seconds: Whole = field("Seconds for an answer, 1 to 60.", None, 5, ge=1, le=60)
    failure_threshold: Whole = field(
        "Failures in a row before the container is restarted, 1 to 3600.", None, 120, ge=1, le=3600
    )


class LivenessProbe(Model):
    """When an agent whose loop stands still is restarted. A member that joins, recovers or waits is alive."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="failureThreshold",
            cel="self.periodSeconds * self.failureThreshold >= 30",
            message="periodSeconds times failureThreshold must be at least 30 s: to be slow is not to be dead",
            holds=lambda self: self.period_seconds * self.failure_threshold >= 30,
        ),
    )

    period_seconds: Whole = field("Seconds between two probes, 1 to 60.", None, 10, ge=1, le=60)
    timeout_seconds: Whole = field("Seconds for an answer, 1 to 60.", None, 5, ge=1, le=60)
    failure_threshold: Whole = field(
        "Failures in a row before the container is restarted, 1 to 60.", None, 6, ge=1, le=60
    )


class ReadinessProbe(Model):
    """How soon a member that no longer serves leaves the Services, and how soon it is back."""

    period_seconds: Whole = field("Seconds between two probes, 1 to 60.", None, 1, ge=1, le=60)
    timeout_seconds: Whole = field("Seconds for an answer, 1 to 60.", None, 2, ge=1, le=60)
    failure_threshold: Whole = field(
        "Failures in a row before the member leaves the Services, 1 to 60.", None, 2, ge=1, le=60
    )


class PodDisruptionBudget(Model):
    """How many members a drain may take at once. A member counts as back when it is Synced."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="minAvailable",
            cel="!(has(self.minAvailable) && has(self.maxUnavailable))",
            message="give minAvailable or maxUnavailable, not both",
            holds=lambda self: self.min_available is None or self.max_unavailable is None,
        ),
    )

    enabled: Flag = field("Whether there is one.", None, True)
    max_unavailable: Whole | None = field(
        "Members that may be away at once; less than half of them. 1 if neither is given; 0 stops every drain.",
        None,
        None,
        ge=0,
        le=7,
    )
    min_available: Whole | None = field(
        "Members that must stay; more than half of them.", None, None, ge=1, le=15
    )


class UpdateStrategy(Model):
    """How a change that takes a restart reaches the members."""

    type: Literal["RollingUpdate", "OnDelete", "Never"] = field(
        "RollingUpdate: the secondaries first, one at a time, each Synced again before the next, then the writer "
        "after another member took its role. OnDelete: a member takes the change when its pod is deleted. Never: as "
        "OnDelete, and a pod that is deleted keeps the settings it had.",
        None,
        "RollingUpdate",
    )
    progress_deadline_seconds: Whole = field(
        "Seconds that a member may show no progress towards Synced before the update stops and says why. A state "
        "transfer that moves is progress. Nothing is undone: revert the spec to go back.",
        None,
        600,
        ge=60,
        le=86400,
    )


class Recovery(Model):
    """What a full restart does about members of the last view that do not answer: one of them may hold newer data."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="after",
            cel="duration(self.after) >= duration('1m') && duration(self.after) <= duration('168h')",
            message="after must be from 1m to 168h",
            holds=lambda self: 60 <= seconds(self.after) <= 168 * 3600,
        ),
    )

    missing_members: Literal["Wait", "Majority"] = field(
        "Wait: for all of them, for ever; a person can decide with `trireme recover`. Majority: after the time in "
        "`after`, go on with a majority of that view; a lasting condition then names what may be missing.",
        None,
        "Wait",
    )
    after: Duration = field(
        "With Majority: how long to wait first, such as 10m or 1h30m; from 1m to 168h.", None, "10m"
    )


class Arbitrator(Model):
    """garbd: a vote without data, so that an even number of members survives the loss of half of them."""

    enabled: Flag = field(
        "Whether to have one. It runs while the number of members is even: with an odd number it would only do harm.",
        None,
        False,
    )
    resources: Resources = field(
        "Resources of its container; without them 20m and 32Mi, limited to 200m and 256Mi.",
        None,
        Resources,
    )
    affinity: Affinity | None = field(
        "Where it runs. Without it, away from the members where that is possible.", None, None
    )
    node_selector: dict[Text, LabelValue] = field(
        "Labels of the nodes it may run on.", None, dict, max_length=32
    )
    tolerations: tuple[Toleration, ...] = field("Taints it tolerates.", None, (), max_length=32)
    priority_class_name: Name | None = field("Its priority class.", None, None)


class Primary(Model):
    """Which member writes."""

    pod_index: Whole | None = field(
        "Ordinal of the member that should be the writer. When it is changed, the role is handed over to that member "
        "once it is Synced. A later failover stays where it went: change the number again to move it.",
        None,
        None,
        ge=0,
        le=14,
    )


class Rebuild(Model):
    """Gives one member a new copy of the data, while the others are Synced."""

    pod_index: Whole = field("Ordinal of the member.", None, ge=0, le=14)
    request: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=63)] = field(
        "A word of your choice, such as a date. Each new word is acted upon once, one that the resource is made with "
        "never; status.rebuild says what became of it.",
        None,
    )
