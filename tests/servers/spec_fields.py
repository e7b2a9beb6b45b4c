"""Which fields are changed together, which alone, and which values must stop at once, with the words for it. Pure."""

from functools import cache
from typing import Any

from tests.servers.spec_changes import OTHERS, Change, Reach, Stops, generated, of, reach, together
from tests.unit.resource.mutations import Path

SPOT = {
    "key": "spot",
    "operator": "Equal",
    "value": "yes",
    "effect": "NoExecute",
    "tolerationSeconds": 60,
}
SPREAD = {"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
LIMITED = {"requests": {"memory": "48Mi"}, "limits": {"memory": "256Mi", "cpu": 1}}


def balancer(address: str, port: int) -> dict[str, Any]:
    """A Service with all that has a meaning for load balancers only."""
    return {
        "type": "LoadBalancer",
        "loadBalancerIP": address,
        "loadBalancerClass": "example.org/lb",
        "allocateLoadBalancerNodePorts": False,
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
        "externalTrafficPolicy": "Local",
        "nodePort": port,
    }


COMPANY = (
    of(
        volumes=[{"name": "spare", "emptyDir": {"sizeLimit": "8Mi"}}],
        volumeMounts=[{"name": "spare", "mountPath": "/srv/spare"}],
        sidecarContainers=[
            {
                "name": "aside",
                "image": "trireme/trireme",
                "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"],
                "volumeMounts": [{"name": "spare", "mountPath": "/srv/spare"}],
            }
        ],
        initContainers=[{"name": "before", "image": "trireme/trireme", "command": ["true"]}],
        env=[{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        envFrom=[{"prefix": "OF_", "configMapRef": {"name": "not-there", "optional": True}}],
        tolerations=[SPOT],
        topologySpreadConstraints=[SPREAD],
        affinity={
            "antiAffinityEnabled": False,
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "preference": {
                            "matchExpressions": [{"key": "ssd", "operator": "Exists", "values": []}]
                        },
                    }
                ]
            },
        },
    ),
    of(
        rootPasswordSecretKeyRef={"name": OTHERS, "key": "root"},
        passwordSecretKeyRef={"name": OTHERS, "key": "app"},
        priorityClassName="system-cluster-critical",
        image="trireme/trireme:another",
        imagePullPolicy="Always",
        inheritMetadata={"labels": {"team": "shop"}, "annotations": {"example.org/cost": "12"}},
        resources=LIMITED | {"limits": {"memory": "900Mi", "cpu": 1}},
        galera={"providerOptions": {"gcache.size": "96M", "evs.send_window": "256"}},
        myCnf="[mariadb]\nmax_connections = 77\nperformance_schema = ON\n",
    ),
)
"""Values that need each other, or something of the Kubernetes cluster, to be of use."""

BALANCERS = of(
    service=balancer("192.0.2.9", 30305),
    primaryService=balancer("192.0.2.10", 30306),
    secondaryService=balancer("192.0.2.11", 30307),
)
FOUR = of(
    replicas=4,
    arbitrator={
        "enabled": True,
        "resources": LIMITED,
        "affinity": {"antiAffinityEnabled": False},
        "tolerations": [SPOT],
        "priorityClassName": "system-cluster-critical",
    },
)
"""The arbitrator is there beside an even number of members only."""

ALONE: frozenset[Path] = frozenset(
    {
        ("replicas",),
        ("primary", "podIndex"),
        ("rebuild",),
        ("rebuild", "request"),
        ("rebuild", "podIndex"),
        ("updateStrategy", "type"),
        ("suspend",),
        ("hibernate",),
    }
)
"""What these do would hide what others do."""

STOPS: dict[str, str] = {
    "image": "abc",
    "rootPasswordSecretKeyRef": "rootPasswordSecretKeyRef: Secret",
    "passwordSecretKeyRef": "passwordSecretKeyRef: Secret",
    "service.type": "the sandbox does not emulate it",
    "primaryService.type": "the sandbox does not emulate it",
    "secondaryService.type": "the sandbox does not emulate it",
    "nodeSelector": "node affinity/selector",
    "serviceAccountName": 'serviceaccount "abc" not found',
    "affinity.antiAffinityEnabled": "anti-affinity",
    "topologySpreadConstraints": "topology spread constraints (missing required label)",
    "topologySpreadConstraints.0.whenUnsatisfiable": "",
    "priorityClassName": "no PriorityClass with name abc was found",
    "newCluster": "newCluster cannot be set: this cluster has data",
    "envFrom": "envFrom",
    "volumeMounts": "volumeMounts",
    "sidecarContainers": "container x",
    "sidecarContainers.0.name": "container abc",
    "sidecarContainers.0.image": "abc",
    "initContainers": "container x",
    "initContainers.0.name": "container abc",
    "initContainers.0.image": "abc",
}
"""By the field's path, or one above: words of what is said to people; '' for one that can be in effect."""


@cache
def stops() -> list[Stops]:
    """Each of the fields that cannot be in effect."""
    found = [Stops(BALANCERS, "the sandbox does not emulate it")]
    for change in generated():
        words = words_for(change.paths[0])
        if words and reach(change.spec) is not Reach.NOBODY:
            found.append(Stops(change, words))
    return found


def words_for(path: Path) -> str | None:
    for length in range(len(path), 0, -1):
        name = ".".join(map(str, path[:length]))
        if name in STOPS:
            return STOPS[name]
    return None


@cache
def groups() -> list[Change]:
    """All other fields, in as few changes as possible: those that are written down first."""
    apart = ALONE | {each.change.paths[0] for each in stops()[1:]}
    others = [each for each in generated() if each.paths[0] not in apart]
    return together([*COMPANY, *others])


def alone() -> list[Change]:
    """A word asks for one rebuild, so each has its own."""
    found = [FOUR]
    for each in generated():
        if each.paths[0] == ("rebuild", "podIndex"):
            found.append(Change(each.values, ({"rebuild": {"podIndex": 7, "request": "seven"}},)))
        elif each.paths[0] in ALONE:
            found.append(each)
    return found


def every() -> list[Change]:
    """All that the tests try."""
    return [*groups(), *alone(), *(each.change for each in stops())]
