"""The spec of a GaleraCluster: what a person declares."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from trireme.api.resource.base import Flag, Key, Kubernetes, LabelValue, Model, Name, Text, Whole, field
from trireme.api.resource.pods import (
    Affinity,
    Container,
    EnvVar,
    Image,
    LocalReference,
    PodMetadata,
    PodSecurityContext,
    Resources,
    SecurityContext,
    Toleration,
    TopologySpreadConstraint,
    Volume,
    VolumeMount,
)
from trireme.api.resource.policies import (
    Arbitrator,
    LivenessProbe,
    PodDisruptionBudget,
    Primary,
    ReadinessProbe,
    Rebuild,
    Recovery,
    StartupProbe,
    UpdateStrategy,
)
from trireme.api.resource.rules import Change, Rule, Transition
from trireme.api.resource.services import Metadata, ServiceTemplate
from trireme.api.resource.spec_rules import RULES, TRANSITIONS
from trireme.api.resource.storage import Storage

MAX_MEMBERS = 9
"""More members make every commit slower, and protect no better."""

Identifier = Annotated[str, StringConstraints(pattern=r"^([a-zA-Z_][a-zA-Z0-9_]*)?$", max_length=64)]
OptionName = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)?$", max_length=64)]
OptionValue = Annotated[str, StringConstraints(pattern=r"^[^;='\"\\\n\r]*$", max_length=256)]


class SecretKeyRef(Model):
    """A key of a Secret of the same namespace."""

    name: Name = field("Name of the Secret.", None)
    key: Key = field("Key in it.", None)


class Galera(Model):
    """Settings of the replication."""

    provider_options: Annotated[dict[OptionName, OptionValue], Field(max_length=64)] = field(
        "Galera's own options, such as gcache.size: 2G; see `wsrep_provider_options`. They win over Trireme's "
        "defaults; what would let two halves of a cluster write, or lose data, is refused with the reason.",
        None,
        dict,
    )


class GaleraClusterSpec(Model):
    """What the cluster should be."""

    rules: ClassVar[tuple[Rule, ...]] = RULES
    transitions: ClassVar[tuple[Transition, ...]] = TRANSITIONS

    replicas: Whole = field(
        "Number of members, 1 to 9: 3 or 5 as a rule, 1 for no redundancy. An even number needs `arbitrator.enabled` "
        "or `replicasAllowEvenNumber`. `kubectl scale` changes it. To stop all members, use `hibernate`.",
        Change.SCALE,
        3,
        ge=1,
        le=MAX_MEMBERS,
    )
    replicas_allow_even_number: Flag = field(
        "The word that an even number of members without an arbitrator is wanted: when half of them are lost at "
        "once, the others stop serving.",
        Change.LIVE,
        False,
    )
    image: Image | None = field(
        "Image of MariaDB with Trireme (deploy/Containerfile). Without it, the one that all members last ran "
        "together; for a new cluster the operator's own default. A later MariaDB is an upgrade; an earlier one is "
        "refused.",
        Change.ROLLING,
        None,
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = field(
        "When nodes pull the image.", Change.ROLLING, "IfNotPresent"
    )
    image_pull_secrets: tuple[LocalReference, ...] = field(
        "Secrets to pull the image with.", Change.ROLLING, (), keys=("name",), max_length=16
    )
    inherit_metadata: Metadata = field(
        "Labels and annotations for every object that the operator makes for this cluster, the pods too.",
        Change.ROLLING,
        Metadata,
    )
    storage: Storage = field("The volume of each member.", None)
    resources: Resources = field(
        "Requests and limits of each member. Without them, requests of 250m and 512Mi, limits of 2 cores and 1Gi.",
        Change.ROLLING,
        Resources,
    )
    my_cnf: Annotated[str, StringConstraints(max_length=131072)] = field(
        "Your own server settings, in the format of my.cnf. They win over Trireme's defaults; what would break the "
        "cluster's safety is refused with its line and the reason. Variables that the server can change while it "
        "runs are set live; a change of any other, and taking one out, restarts the members, one at a time, the "
        "writer last.",
        Change.LIVE,
        "",
    )
    galera: Galera = field("Settings of the replication.", Change.ROLLING, Galera)
    root_password_secret_key_ref: SecretKeyRef | None = field(
        "Where root's password is. Without it, it is generated: key `root-password` of the Secret named as the "
        "cluster. To rotate it, change the Secret.",
        Change.ROLLING,
        None,
    )
    username: Identifier = field(
        "User that the first start creates, with all rights on `database`; empty for none.",
        Change.IMMUTABLE,
        "app",
    )
    database: Identifier = field(
        "Database that the first start creates; empty for none.", Change.IMMUTABLE, "app"
    )
    password_secret_key_ref: SecretKeyRef | None = field(
        "Where the user's password is. Without it, it is generated: key `password` of the Secret named as the "
        "cluster. To rotate it, change the Secret.",
        Change.ROLLING,
        None,
    )
    service: ServiceTemplate = field("The Service NAME: every ready member.", Change.CLIENTS, ServiceTemplate)
    primary_service: ServiceTemplate = field(
        "The Service NAME-primary: exactly the writer.", Change.CLIENTS, ServiceTemplate
    )
    secondary_service: ServiceTemplate = field(
        "The Service NAME-secondary: the ready members but the writer.", Change.CLIENTS, ServiceTemplate
    )
    startup_probe: StartupProbe = field(
        "How long an agent may take to serve for the first time.", Change.ROLLING, StartupProbe
    )
    liveness_probe: LivenessProbe = field(
        "When an agent that stands still is restarted. It answers by phase, never by elapsed time.",
        Change.ROLLING,
        LivenessProbe,
    )
    readiness_probe: ReadinessProbe = field(
        "How soon a member that no longer serves leaves the Services.", Change.ROLLING, ReadinessProbe
    )
    pod_metadata: PodMetadata = field("Labels and annotations of the pods.", Change.ROLLING, PodMetadata)
    affinity: Affinity = field("Which nodes the members prefer or need.", Change.ROLLING, Affinity)
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = field(
        "How the members spread. Without any: over nodes and zones, where that is possible.",
        Change.ROLLING,
        (),
        keys=("topologyKey", "whenUnsatisfiable"),
        max_length=16,
    )
    tolerations: tuple[Toleration, ...] = field(
        "Taints that the members tolerate.", Change.ROLLING, (), max_length=32
    )
    node_selector: Annotated[dict[Text, LabelValue], Field(max_length=32)] = field(
        "Labels of the nodes that the members may run on.", Change.ROLLING, dict
    )
    priority_class_name: Name | None = field("Priority class of the pods.", Change.ROLLING, None)
    service_account_name: Name | None = field(
        "ServiceAccount of the pods, which then is yours; the operator gives it the few rights of a member. Without "
        "it, one is made, named as the cluster.",
        Change.ROLLING,
        None,
    )
    pod_security_context: PodSecurityContext | None = field(
        "Merged over Trireme's: runAsNonRoot, fsGroup 999, seccomp RuntimeDefault. On OpenShift no fsGroup, because "
        "the project's SCC gives one.",
        Change.ROLLING,
        None,
    )
    security_context: SecurityContext | None = field(
        "Of the containers, merged over Trireme's: no privilege escalation, read-only root file system, no "
        "capabilities.",
        Change.ROLLING,
        None,
    )
    termination_grace_period_seconds: Whole = field(
        "Seconds for an ordered stop, 30 to 86400. The flush takes the dirty pages divided by the disk's speed: 600 s "
        "are 60 GB at 100 MB/s. A member that is done earlier ends earlier.",
        Change.ROLLING,
        600,
        ge=30,
        le=86400,
    )
    env: tuple[EnvVar, ...] = field(
        "Environment variables of the container `mariadb`. Those named TRIREME_… are Trireme's own.",
        Change.ROLLING,
        (),
        keys=("name",),
        max_length=64,
    )
    env_from: tuple[Kubernetes, ...] = field(
        "Further environment of the container `mariadb`, as in a pod's envFrom.",
        Change.ROLLING,
        (),
        max_length=16,
    )
    volumes: tuple[Volume, ...] = field(
        "Further volumes of the pods.", Change.ROLLING, (), keys=("name",), max_length=32
    )
    volume_mounts: tuple[VolumeMount, ...] = field(
        "Where the container `mariadb` sees them.", Change.ROLLING, (), keys=("mountPath",), max_length=32
    )
    sidecar_containers: tuple[Container, ...] = field(
        "Further containers of the pods, as in a pod. A pod is ready only when they are, too, and gone only when they "
        "are: one that does not end at SIGTERM holds up updates for terminationGracePeriodSeconds.",
        Change.ROLLING,
        (),
        keys=("name",),
        max_length=8,
    )
    init_containers: tuple[Container, ...] = field(
        "Further init containers, as in a pod. They run before Trireme's own, at every start of a pod.",
        Change.ROLLING,
        (),
        keys=("name",),
        max_length=8,
    )
    pod_disruption_budget: PodDisruptionBudget = field(
        "How many members a drain may take at once.", Change.LIVE, PodDisruptionBudget
    )
    update_strategy: UpdateStrategy = field(
        "How a change that takes a restart reaches the members.", Change.LIVE, UpdateStrategy
    )
    recovery: Recovery = field(
        "What a full restart does about members that do not answer.", Change.LIVE, Recovery
    )
    arbitrator: Arbitrator = field(
        "A vote without data, for an even number of members.", Change.LIVE, Arbitrator
    )
    primary: Primary = field("Which member writes.", Change.ONCE, Primary)
    rebuild: Rebuild | None = field("Gives one member a new copy of the data.", Change.ONCE, None)
    new_cluster: Flag = field(
        "The word that no volume of this cluster ever held data. The first start ever then needs only a majority of "
        "the members, for instance while some cannot be scheduled. Once there is a cluster it has no effect.",
        Change.LIVE,
        False,
    )
    suspend: Flag = field(
        "The operator takes its hands off: it changes nothing of this cluster until this is false again. Members "
        "still form, fail over and recover by themselves.",
        Change.LIVE,
        False,
    )
    hibernate: Flag = field(
        "Stops all members in order, the writer last, and keeps their volumes whatever the retention policy. False "
        "starts them again with the same data.",
        Change.LIVE,
        False,
    )
