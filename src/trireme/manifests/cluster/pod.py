"""The template of a member's pod: what Trireme needs, and what the user adds. Pure."""

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from trireme.api.resource import GaleraCluster
from trireme.manifests.cluster.merge import (
    check_mounts,
    dumped,
    merged,
    user_affinity,
    user_containers,
)
from trireme.manifests.cluster.names import CONTAINER, RESTART_HASH, Names, Object, selector
from trireme.manifests.cluster.options import Options, image_of
from trireme.manifests.cluster.services import PORTS

GROUP_READABLE = 0o440
_REQUESTS = {"cpu": "250m", "memory": "512Mi"}
_LIMITS = {"cpu": "2", "memory": "1Gi"}
RESTRICTED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod_template(cluster: GaleraCluster, options: Options, config_map: str) -> Object:
    """The template with the hash of itself. Raises PermanentError for what the user must not do."""
    check_mounts(cluster)
    spec, inherited = cluster.spec, cluster.spec.inherit_metadata
    template: Object = {
        "metadata": {
            "labels": {**inherited.labels, **spec.pod_metadata.labels, **selector(cluster)},
            "annotations": {
                "kubectl.kubernetes.io/default-container": CONTAINER,
                **inherited.annotations,
                **spec.pod_metadata.annotations,
            },
        },
        "spec": _pod(cluster, options, config_map),
    }
    template["metadata"]["annotations"][RESTART_HASH] = restart_hash(template)
    return template


def restart_hash(template: Mapping[str, Any]) -> str:
    """A hash of all that takes a restart: the whole template. What takes none is not in it."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pod(cluster: GaleraCluster, options: Options, config_map: str) -> Object:
    spec = cluster.spec
    image = image_of(cluster, options)
    pod: Object = {
        "serviceAccountName": spec.service_account_name or cluster.name,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": spec.termination_grace_period_seconds,
        "securityContext": _pod_security(cluster, options),
        "affinity": user_affinity(spec.affinity, selector(cluster)),
        "topologySpreadConstraints": _spread(cluster),
        "tolerations": [dumped(each) for each in spec.tolerations],
        "nodeSelector": dict(spec.node_selector),
        "priorityClassName": spec.priority_class_name,
        "imagePullSecrets": [dumped(each) for each in spec.image_pull_secrets],
        "initContainers": [
            *user_containers(spec.init_containers, image, RESTRICTED),
            _secret_container(cluster, options, image),
        ],
        "containers": [
            _database_container(cluster, options, image),
            *user_containers(spec.sidecar_containers, image, RESTRICTED),
        ],
        "volumes": [*_volumes(cluster, config_map), *(dumped(each) for each in spec.volumes)],
    }
    return {key: value for key, value in pod.items() if value not in (None, [], {})}


def _pod_security(cluster: GaleraCluster, options: Options) -> Object:
    own: Object = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if not options.openshift:
        own |= {"fsGroup": 999, "fsGroupChangePolicy": "OnRootMismatch"}
    given = cluster.spec.pod_security_context
    return merged(own, dumped(given) if given is not None else {})


def _container_security(cluster: GaleraCluster) -> Object:
    given = cluster.spec.security_context
    return merged(RESTRICTED, dumped(given) if given is not None else {})


def _spread(cluster: GaleraCluster) -> list[Object]:
    labels = {"labelSelector": {"matchLabels": selector(cluster)}}
    given = cluster.spec.topology_spread_constraints
    if given:
        return [labels | dumped(each) for each in given]
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway"} | copy.deepcopy(labels)
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]


def _environment(cluster: GaleraCluster, options: Options) -> list[Object]:
    """The agent's settings. How many members there are is in the live ConfigMap, so that scaling restarts nobody."""
    spec, names = cluster.spec, Names(cluster.name)
    values = {
        "TRIREME_CLUSTER": cluster.name,
        "TRIREME_SERVICE": names.internal,
        "TRIREME_PORT_NAME": "galera",
        "TRIREME_HTTP_PORT": str(PORTS["http"]),
        "TRIREME_CLUSTER_DOMAIN": options.domain,
        "TRIREME_DATABASE": spec.database,
        "TRIREME_USER": spec.username,
        "TRIREME_GRACE_SECONDS": str(spec.termination_grace_period_seconds),
    }
    fields = {"TRIREME_NAMESPACE": "metadata.namespace", "TRIREME_POD_NAME": "metadata.name"}
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *(from_field(name, path) for name, path in fields.items()),
    ]


def from_field(name: str, path: str) -> Object:
    """A variable by the downward API."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _secret_container(cluster: GaleraCluster, options: Options, image: str) -> Object:
    """Hands the Secret's files on. Member 0 writes what the Secret lacks, at the first start ever."""
    return {
        "name": "secret",
        "image": image,
        "imagePullPolicy": cluster.spec.image_pull_policy,
        "args": ["secret", "provide"],
        "env": _environment(cluster, options),
        "securityContext": _container_security(cluster),
        "resources": {
            "requests": {"cpu": "50m", "memory": "32Mi"},
            "limits": {"cpu": "1", "memory": "64Mi"},
        },
        "volumeMounts": [
            {"name": "secret-given", "mountPath": "/etc/trireme/given", "readOnly": True},
            {"name": "secret", "mountPath": "/etc/trireme/secret"},
            {"name": "data", "mountPath": "/var/lib/mysql", "readOnly": True},
        ],
    }


def _database_container(cluster: GaleraCluster, options: Options, image: str) -> Object:
    spec = cluster.spec
    members = {"name": Names(cluster.name).live, "key": "TRIREME_MEMBERS"}
    container: Object = {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": spec.image_pull_policy,
        "args": ["agent"],
        "env": [
            *_environment(cluster, options),
            from_field("TRIREME_POD_IP", "status.podIP"),
            {"name": "TRIREME_MEMBERS", "valueFrom": {"configMapKeyRef": members}},
            *(dumped(each) for each in spec.env),
        ],
        "envFrom": list(spec.env_from),
        "ports": [{"name": name, "containerPort": port} for name, port in PORTS.items()],
        "startupProbe": _probe("/startupz", dumped(spec.startup_probe)),
        "livenessProbe": _probe("/livez", dumped(spec.liveness_probe)),
        "readinessProbe": _probe("/readyz?hold=1", dumped(spec.readiness_probe)),
        "securityContext": _container_security(cluster),
        "resources": resources(spec.resources.requests, spec.resources.limits, _REQUESTS, _LIMITS),
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/mysql"},
            {"name": "run", "mountPath": "/run/mysqld"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own emptyDir
            {"name": "secret", "mountPath": "/etc/trireme/secret"},
            {"name": "secret-given", "mountPath": "/etc/trireme/given", "readOnly": True},
            {"name": "config", "mountPath": "/etc/trireme/config", "readOnly": True},
            {"name": "live", "mountPath": "/etc/trireme/live", "readOnly": True},
            *(dumped(each) for each in spec.volume_mounts),
        ],
    }
    return {key: value for key, value in container.items() if value != []}


def resources(
    requests: Mapping[str, str],
    limits: Mapping[str, str],
    default_requests: Mapping[str, str],
    default_limits: Mapping[str, str],
) -> Object:
    """The user's, or the defaults where the user gives neither: a mixture could ask for more than it allows."""
    if not requests and not limits:
        return {"requests": dict(default_requests), "limits": dict(default_limits)}
    both = {"requests": dict(requests), "limits": dict(limits)}
    return {key: value for key, value in both.items() if value}


def _probe(path: str, times: Object) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, **times}


def _volumes(cluster: GaleraCluster, config_map: str) -> list[Object]:
    volumes: list[Object] = [
        {"name": "run", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "secret", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "secret-given", **_secret_source(cluster)},
        {"name": "config", "configMap": {"name": config_map}},
        {"name": "live", "configMap": {"name": Names(cluster.name).live}},
    ]
    storage = cluster.spec.storage
    if storage.ephemeral:
        size = {"sizeLimit": storage.size} if storage.size is not None else {}
        volumes.append({"name": "data", "emptyDir": size})
    return volumes


def _secret_source(cluster: GaleraCluster) -> Object:
    """The cluster's own Secret, which may not be there yet; passwords that the user keeps elsewhere lie over it."""
    given = {
        "root-password": cluster.spec.root_password_secret_key_ref,
        "password": cluster.spec.password_secret_key_ref,
    }
    elsewhere = {key: ref for key, ref in given.items() if ref is not None}
    if not elsewhere:
        return {
            "secret": {"secretName": cluster.name, "optional": True, "defaultMode": GROUP_READABLE},
        }
    own = [key for key in ("root-password", "password", "token") if key not in elsewhere]
    sources: list[Object] = [
        {
            "secret": {
                "name": cluster.name,
                "optional": True,
                "items": [{"key": key, "path": key} for key in own],
            }
        },
        *(
            {"secret": {"name": ref.name, "items": [{"key": ref.key, "path": key}]}}
            for key, ref in elsewhere.items()
        ),
    ]
    return {"projected": {"defaultMode": GROUP_READABLE, "sources": sources}}
