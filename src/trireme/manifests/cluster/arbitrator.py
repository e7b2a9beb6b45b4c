"""The arbitrator: a vote without data, beside an even number of members. Pure."""

from trireme.api.names import GALERA_PORT, HTTP_PORT
from trireme.api.resource import GaleraCluster
from trireme.manifests.cluster.merge import dumped, user_affinity
from trireme.manifests.cluster.names import ARBITRATOR, Names, Object, metadata, selector
from trireme.manifests.cluster.options import Options, image_of
from trireme.manifests.cluster.pod import GROUP_READABLE, RESTRICTED, from_field, resources

_REQUESTS = {"cpu": "20m", "memory": "32Mi"}
_LIMITS = {"cpu": "200m", "memory": "256Mi"}


def needed(cluster: GaleraCluster) -> bool:
    """With an odd number of members its vote would make the votes even: it would only do harm."""
    spec = cluster.spec
    return spec.arbitrator.enabled and spec.replicas % 2 == 0 and not spec.hibernate


def arbitrator(cluster: GaleraCluster, options: Options) -> Object:
    """One pod at any time: the old one goes before the new one comes."""
    spec, labels = cluster.spec, selector(cluster, ARBITRATOR)
    inherited = spec.inherit_metadata
    pod_metadata: Object = {"labels": {**inherited.labels, **labels}}
    if inherited.annotations:
        pod_metadata["annotations"] = dict(inherited.annotations)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(cluster, Names(cluster.name).arbitrator, component=ARBITRATOR),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": pod_metadata, "spec": _pod(cluster, options)},
        },
    }


def _pod(cluster: GaleraCluster, options: Options) -> Object:
    wanted = cluster.spec.arbitrator
    pod: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": user_affinity(wanted.affinity, selector(cluster))
        if wanted.affinity is not None
        else _away_from_members(cluster),
        "nodeSelector": dict(wanted.node_selector),
        "tolerations": [dumped(each) for each in wanted.tolerations],
        "priorityClassName": wanted.priority_class_name,
        "imagePullSecrets": [dumped(each) for each in cluster.spec.image_pull_secrets],
        "containers": [_container(cluster, options)],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {
                "name": "secret",
                "secret": {
                    "secretName": cluster.name,
                    "defaultMode": GROUP_READABLE,
                    "items": [{"key": "token", "path": "token"}],
                },
            },
        ],
    }
    return {key: value for key, value in pod.items() if value not in (None, [], {})}


def _away_from_members(cluster: GaleraCluster) -> Object:
    """On a node with a member it would be lost together with that member's vote."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": selector(cluster)}}
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    return {"podAntiAffinity": {preferred: [{"weight": 100, "podAffinityTerm": term}]}}


def _container(cluster: GaleraCluster, options: Options) -> Object:
    """`trireme arbitrator` runs garbd while a Primary lives, and never lets it be a Primary of its own."""
    wanted, names = cluster.spec.arbitrator, Names(cluster.name)
    values = {
        "TRIREME_CLUSTER": cluster.name,
        "TRIREME_SERVICE": names.internal,
        "TRIREME_PORT_NAME": "galera",
        "TRIREME_CLUSTER_DOMAIN": options.domain,
    }
    return {
        "name": "garbd",
        "image": image_of(cluster, options),
        "imagePullPolicy": cluster.spec.image_pull_policy,
        "args": ["arbitrator"],
        "env": [
            *({"name": name, "value": value} for name, value in values.items()),
            from_field("TRIREME_NAMESPACE", "metadata.namespace"),
            from_field("TRIREME_POD_IP", "status.podIP"),
        ],
        "ports": [
            {"name": "galera", "containerPort": GALERA_PORT},
            {"name": "http", "containerPort": HTTP_PORT},
        ],
        "livenessProbe": {
            "httpGet": {"path": "/livez", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": "http"},
            "periodSeconds": 5,
            "timeoutSeconds": 2,
        },
        "securityContext": dict(RESTRICTED),
        "resources": resources(wanted.resources.requests, wanted.resources.limits, _REQUESTS, _LIMITS),
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own emptyDir
            {"name": "secret", "mountPath": "/etc/trireme/secret", "readOnly": True},
        ],
    }
