"""How clients reach the members."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from trireme.api.resource.base import Annotations, Flag, Labels, Model, Text, Whole, field
from trireme.api.resource.rules import Rule

Network = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$", max_length=64)]
QualifiedName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
        max_length=317,
    ),
]
"""As label keys are: with a domain before it, or without."""
PortName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=15)]


class Metadata(Model):
    """Labels and annotations to add. Those that Trireme sets itself cannot be replaced."""

    labels: Labels = field("Labels to add.", None, dict)
    annotations: Annotations = field("Annotations to add.", None, dict)


class ServicePort(Model):
    """One more port, to a port of a sidecar."""

    name: PortName = field("Name of the port.", None)
    port: Whole = field("Port of the Service, 1 to 65535.", None, ge=1, le=65535)
    target_port: Whole = field("Port in the pod, 1 to 65535.", None, ge=1, le=65535)


class ServiceTemplate(Model):
    """How one of the Services presents itself. Its selector is Trireme's."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="nodePort",
            cel="!has(self.nodePort) || self.type != 'ClusterIP'",
            message="nodePort needs type NodePort or LoadBalancer",
            holds=lambda self: self.node_port is None or self.type != "ClusterIP",
        ),
        Rule(
            field="externalTrafficPolicy",
            cel="!has(self.externalTrafficPolicy) || self.type != 'ClusterIP'",
            message="externalTrafficPolicy needs type NodePort or LoadBalancer",
            holds=lambda self: self.external_traffic_policy is None or self.type != "ClusterIP",
        ),
        Rule(
            field="ports",
            cel="!has(self.ports) || self.ports.all(p, p.name != 'mysql' && p.port != self.port)",
            message="ports must have other names than mysql, and other numbers than port: that is the one for SQL",
            holds=lambda self: all(each.name != "mysql" and each.port != self.port for each in self.ports),
        ),
        Rule(
            field="type",
            cel=(
                "self.type == 'LoadBalancer' || !(has(self.loadBalancerIP) || has(self.loadBalancerClass) || "
                "has(self.allocateLoadBalancerNodePorts) || "
                "(has(self.loadBalancerSourceRanges) && size(self.loadBalancerSourceRanges) > 0))"
            ),
            message="loadBalancer settings need type LoadBalancer",
            holds=lambda self: self.type == "LoadBalancer" or not self.has_load_balancer_settings,
        ),
    )

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = field(
        "How it is reachable: within the Kubernetes cluster, by a port of every node, or by a load balancer.",
        None,
        "ClusterIP",
    )
    metadata: Metadata = field(
        "Labels and annotations of the Service, for instance for a cloud's load balancer.",
        None,
        Metadata,
    )
    port: Whole = field("Port for SQL, 1 to 65535.", None, 3306, ge=1, le=65535)
    node_port: Whole | None = field(
        "Port of every node for SQL, 1 to 65535. Without it, Kubernetes chooses one.",
        None,
        None,
        ge=1,
        le=65535,
    )
    ports: tuple[ServicePort, ...] = field(
        "Further ports, for sidecars.",
        None,
        (),
        max_length=16,
        keys=("name",),
    )
    external_traffic_policy: Literal["Cluster", "Local"] | None = field(
        "Local keeps the client's address and serves only through nodes that have a member.",
        None,
        None,
    )
    session_affinity: Literal["None", "ClientIP"] | None = field(
        "ClientIP keeps one client at one member.", None, None
    )
    allocate_load_balancer_node_ports: Flag | None = field(
        "Whether a load balancer also gets ports of the nodes. Without it, Kubernetes' default: true.",
        None,
        None,
    )
    load_balancer_ip: Text | None = field(
        "Address to ask the load balancer for, where its provider supports that.",
        None,
        None,
        alias="loadBalancerIP",
    )
    load_balancer_class: QualifiedName | None = field(
        "Class of the load balancer, such as service.k8s.aws/nlb.", None, None
    )
    load_balancer_source_ranges: tuple[Network, ...] = field(
        "Networks that the load balancer lets in, such as 10.0.0.0/8.", None, (), max_length=64
    )

    @property
    def has_load_balancer_settings(self) -> bool:
        return (
            self.load_balancer_ip is not None
            or self.load_balancer_class is not None
            or self.allocate_load_balancer_node_ports is not None
            or bool(self.load_balancer_source_ranges)
        )
