"""What the parts of a spec must be to each other, and what of it can never change."""

from typing import Any

from trireme.api.names import (
    OWN_USERS,
    RESERVED_DATABASES,
    RESERVED_USERS,
    reserved_database,
    reserved_user,
)
from trireme.api.resource.rules import Rule, Transition

OWN_CONTAINERS = ("mariadb", "secret")
OWN_VOLUMES = ("data", "run", "tmp", "secret", "secret-given", "config", "live")
OWN_PATHS = ("/var/lib/mysql", "/run/mysqld", "/etc/trireme", "/opt/trireme", "/tmp")  # noqa: S108 - the pod's own
RESERVED_VARIABLES = "TRIREME_"


def _cel_list(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def _covers(mount: str) -> bool:
    """Whether a mount there would hide, or lie in, what is Trireme's."""
    return mount == "/" or any(mount == own or mount.startswith(own + "/") for own in OWN_PATHS)


def _keeps_majority(spec: Any) -> bool:
    budget = spec.pod_disruption_budget
    return (
        budget.max_unavailable is None
        or budget.max_unavailable <= 1
        or budget.max_unavailable * 2 < spec.replicas
    )


def _needs_majority(spec: Any) -> bool:
    budget = spec.pod_disruption_budget
    return budget.min_available is None or budget.min_available * 2 > spec.replicas


RULES: tuple[Rule, ...] = (
    Rule(
        field="replicas",
        cel="self.replicas % 2 == 1 || self.arbitrator.enabled || self.replicasAllowEvenNumber",
        message=(
            "an even number of members stops serving when half of them are lost: set arbitrator.enabled, or "
            "replicasAllowEvenNumber if that is wanted"
        ),
        holds=lambda self: (
            self.replicas % 2 == 1 or self.arbitrator.enabled or self.replicas_allow_even_number
        ),
    ),
    Rule(
        field="primary",
        cel="!has(self.primary) || !has(self.primary.podIndex) || self.primary.podIndex < self.replicas",
        message="primary.podIndex must be the ordinal of a member: from 0 to replicas - 1",
        holds=lambda self: self.primary.pod_index is None or self.primary.pod_index < self.replicas,
    ),
    Rule(
        field="podDisruptionBudget",
        cel=(
            "!has(self.podDisruptionBudget.maxUnavailable) || self.podDisruptionBudget.maxUnavailable <= 1 || "
            "self.podDisruptionBudget.maxUnavailable * 2 < self.replicas"
        ),
        message="podDisruptionBudget.maxUnavailable must be less than half of replicas, or a drain stops the cluster",
        holds=_keeps_majority,
    ),
    Rule(
        field="podDisruptionBudget",
        cel=(
            "!has(self.podDisruptionBudget.minAvailable) || "
            "self.podDisruptionBudget.minAvailable * 2 > self.replicas"
        ),
        message="podDisruptionBudget.minAvailable must be more than half of replicas, or a drain stops the cluster",
        holds=_needs_majority,
    ),
    Rule(
        field="username",
        cel=f"!(self.username in {_cel_list(RESERVED_USERS)}) && !self.username.startsWith('{OWN_USERS}')",
        message=(
            f"username must not be {' or '.join(RESERVED_USERS)}, nor begin with {OWN_USERS}: these accounts are "
            "MariaDB's and Trireme's own"
        ),
        holds=lambda self: not reserved_user(self.username),
    ),
    Rule(
        field="database",
        cel=f"!(self.database.lowerAscii() in {_cel_list(RESERVED_DATABASES)})",
        message=f"database must not be one of {', '.join(RESERVED_DATABASES)}: they are MariaDB's own",
        holds=lambda self: not reserved_database(self.database),
    ),
    Rule(
        field="env",
        cel=f"!has(self.env) || self.env.all(e, !e.name.startsWith('{RESERVED_VARIABLES}'))",
        message="environment variables named TRIREME_… are Trireme's own: choose other names",
        holds=lambda self: not any(each.name.startswith(RESERVED_VARIABLES) for each in self.env),
    ),
    Rule(
        field="sidecarContainers",
        cel=f"!has(self.sidecarContainers) || self.sidecarContainers.all(c, !(c.name in {_cel_list(OWN_CONTAINERS)}))",
        message="the containers mariadb and secret are Trireme's own: choose other names",
        holds=lambda self: not any(each.name in OWN_CONTAINERS for each in self.sidecar_containers),
    ),
    Rule(
        field="initContainers",
        cel=f"!has(self.initContainers) || self.initContainers.all(c, !(c.name in {_cel_list(OWN_CONTAINERS)}))",
        message="the containers mariadb and secret are Trireme's own: choose other names",
        holds=lambda self: not any(each.name in OWN_CONTAINERS for each in self.init_containers),
    ),
    Rule(
        field="volumes",
        cel=f"!has(self.volumes) || self.volumes.all(v, !(v.name in {_cel_list(OWN_VOLUMES)}))",
        message=f"the volumes {', '.join(OWN_VOLUMES)} are Trireme's own: choose other names",
        holds=lambda self: not any(each.name in OWN_VOLUMES for each in self.volumes),
    ),
    Rule(
        field="volumeMounts",
        cel=(
            "!has(self.volumeMounts) || self.volumeMounts.all(m, m.mountPath != '/' && "
            f"{_cel_list(OWN_PATHS)}.all(p, m.mountPath != p && !m.mountPath.startsWith(p + '/')))"
        ),
        message=f"nothing can be mounted at or below {', '.join(OWN_PATHS)}: Trireme keeps its own things there",
        holds=lambda self: not any(_covers(each.mount_path) for each in self.volume_mounts),
    ),
)

TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        field="username",
        cel="self.username == oldSelf.username",
        message="username cannot be changed: the first start created it; create other users by SQL",
        holds=lambda old, new: old.username == new.username,
    ),
    Transition(
        field="database",
        cel="self.database == oldSelf.database",
        message="database cannot be changed: the first start created it; create other databases by SQL",
        holds=lambda old, new: old.database == new.database,
    ),
)
