"""The four Services of a cluster. Pure."""

from collections.abc import Mapping

from trireme.api.names import (
    GALERA_PORT,
    HTTP_PORT,
    IST_PORT,
    MYSQL_PORT,
    PRIMARY,
    ROLE_LABEL,
    SECONDARY,
    SST_PORT,
)
from trireme.api.resource import GaleraCluster
from trireme.api.resource.services import ServiceTemplate
from trireme.manifests.cluster.names import Names, Object, metadata, selector

PORTS = {"mysql": MYSQL_PORT, "sst": SST_PORT, "galera": GALERA_PORT, "ist": IST_PORT, "http": HTTP_PORT}


def services(cluster: GaleraCluster) -> list[Object]:
    """Among the members; every ready member; the writer; the ready members but the writer."""
    names, spec = Names(cluster.name), cluster.spec
    return [
        _internal(cluster),
        _service(cluster, cluster.name, spec.service, {}),
        _service(cluster, names.primary, spec.primary_service, {ROLE_LABEL: PRIMARY}),
        _service(cluster, names.secondary, spec.secondary_service, {ROLE_LABEL: SECONDARY}),
    ]


def _internal(cluster: GaleraCluster) -> Object:
    """Each member has a name here from its first second, ready or not: the agents find each other by SRV records."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(cluster, Names(cluster.name).internal),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(cluster),
            "ports": [{"name": name, "port": port, "targetPort": name} for name, port in PORTS.items()],
        },
    }


def _service(cluster: GaleraCluster, name: str, wanted: ServiceTemplate, role: Mapping[str, str]) -> Object:
    mysql: Object = {"name": "mysql", "port": wanted.port, "targetPort": "mysql"}
    if wanted.node_port is not None:
        mysql["nodePort"] = wanted.node_port
    others = [{"name": each.name, "port": each.port, "targetPort": each.target_port} for each in wanted.ports]
    extras: Object = {
        "externalTrafficPolicy": wanted.external_traffic_policy,
        "sessionAffinity": wanted.session_affinity,
        "allocateLoadBalancerNodePorts": wanted.allocate_load_balancer_node_ports,
        "loadBalancerIP": wanted.load_balancer_ip,
        "loadBalancerClass": wanted.load_balancer_class,
        "loadBalancerSourceRanges": list(wanted.load_balancer_source_ranges) or None,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(
            cluster, name, labels=wanted.metadata.labels, annotations=wanted.metadata.annotations
        ),
        "spec": {
            "type": wanted.type,
            "selector": {**selector(cluster), **role},
            "ports": [mysql, *others],
            **{key: value for key, value in extras.items() if value is not None},
        },
    }
