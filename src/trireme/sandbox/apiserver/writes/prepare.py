"""What the server itself writes into an object: conditional defaults, first status, fields that only it sets."""

import base64
import uuid
from collections.abc import Callable

from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.schema.defaults import fill_defaults
from trireme.sandbox.store.interface import Object

RBAC_GROUP = "rbac.authorization.k8s.io"
CLIENT_AFFINITY_SECONDS = 10800
JOB_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
JOB_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")


def prepare_create(kind: Kind, obj: Object) -> None:
    """In place. The uid is drawn here because a Job's selector contains it."""
    obj["metadata"]["uid"] = str(uuid.uuid4())
    if kind.has_status and kind.plural != "nodes":
        obj.pop("status", None)
    if (kind.group, kind.plural) == ("batch", "jobs"):
        _label_job(obj)
    fill_everything(kind, obj)
    first = FIRST_STATUS.get((kind.group, kind.plural))
    if first is not None:
        obj["status"] = first(obj)


def prepare_update(kind: Kind, obj: Object, old: Object) -> None:
    """In place: what a writer may leave out because the server decided it before."""
    if kind.has_status:
        obj.pop("status", None)
        if "status" in old:
            obj["status"] = old["status"]
    keep = KEPT.get((kind.group, kind.plural), ())
    for field in keep:
        if field not in obj.get("spec", {}) and field in old.get("spec", {}):
            obj.setdefault("spec", {})[field] = old["spec"][field]
    fill_everything(kind, obj)


def fill_everything(kind: Kind, obj: Object) -> None:
    if kind.custom:
        return  # its defaults came with its reading
    before = BEFORE_DEFAULTS.get((kind.group, kind.plural))
    if before is not None:
        before(obj)
    fill_defaults(kind.struct, obj)
    after = AFTER_DEFAULTS.get((kind.group, kind.plural))
    if after is not None:
        after(obj)


def pod_defaults(spec: Object) -> None:
    """For pods and for templates: what depends on other fields."""
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in spec.get("volumes", ()):
        if set(volume) == {"name"}:
            volume["emptyDir"] = {}
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        if "imagePullPolicy" not in container:
            container["imagePullPolicy"] = (
                "Always" if _is_latest(container.get("image", "")) else "IfNotPresent"
            )
        resources = container.get("resources", {})
        for name, limit in (resources.get("limits") or {}).items():
            resources.setdefault("requests", {}).setdefault(name, limit)


def quality_of_service(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, from the containers' requests and limits of cpu and memory."""
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    rows = [each.get("resources", {}) for each in containers]
    if not any(row.get("requests") or row.get("limits") for row in rows):
        return "BestEffort"
    for row in rows:
        requests, limits = row.get("requests") or {}, row.get("limits") or {}
        if any(limits.get(name) is None or requests.get(name) != limits[name] for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def _is_latest(image: str) -> bool:
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")


def _pod(obj: Object) -> None:
    pod_defaults(obj.get("spec", {}))
    obj["spec"].setdefault("serviceAccountName", "default")
    obj["spec"]["serviceAccount"] = obj["spec"]["serviceAccountName"]
    obj["spec"].setdefault("priority", 0)
    obj["spec"].setdefault("enableServiceLinks", True)


def _template(obj: Object) -> None:
    pod_defaults(obj.get("spec", {}).get("template", {}).get("spec", {}))


def _stateful_set_strategy(obj: Object) -> None:
    """A strategy that names its type gets no partition: Kubernetes' defaults are like that."""
    spec = obj.get("spec", {})
    if "type" not in spec.get("updateStrategy", {}):
        spec.setdefault("updateStrategy", {}).setdefault("rollingUpdate", {})


def _stateful_set(obj: Object) -> None:
    _template(obj)
    spec = obj.get("spec", {})
    strategy = spec.get("updateStrategy", {})
    if "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
    for claim in spec.get("volumeClaimTemplates", ()):
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("status", {"phase": "Pending"})


def _deployment(obj: Object) -> None:
    _template(obj)
    strategy = obj.get("spec", {}).get("strategy", {})
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")


def _job(obj: Object) -> None:
    _template(obj)
    spec = obj.get("spec", {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    if not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(spec.get("template", {}).get("metadata", {}).get("labels", {}))


def _label_job(obj: Object) -> None:
    uid, name = obj["metadata"]["uid"], obj["metadata"].get("name", "")
    template = obj.setdefault("spec", {}).setdefault("template", {}).setdefault("metadata", {})
    labels = template.setdefault("labels", {})
    labels |= dict.fromkeys(JOB_LABELS, uid) | dict.fromkeys(JOB_NAME_LABELS, name)
    obj["spec"]["selector"] = {"matchLabels": {JOB_LABELS[0]: uid}}


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    for port in spec.get("ports", ()):
        port.setdefault("targetPort", port.get("port"))
    spec.setdefault("ipFamilies", ["IPv4"])
    if spec.get("sessionAffinity") == "ClientIP":
        affinity = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        affinity.setdefault("timeoutSeconds", CLIENT_AFFINITY_SECONDS)
    else:
        spec.pop("sessionAffinityConfig", None)
    if "clusterIP" in spec:
        spec["clusterIPs"] = [spec["clusterIP"]]


def _secret(obj: Object) -> None:
    """stringData is for writing only."""
    for key, text in obj.pop("stringData", {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _binding(obj: Object) -> None:
    if isinstance(obj.get("roleRef"), dict):
        obj["roleRef"].setdefault("apiGroup", RBAC_GROUP)
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC_GROUP)


def _namespace(obj: Object) -> None:
    if "name" in obj["metadata"]:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _definition(obj: Object) -> None:
    spec = obj.get("spec", {})
    names = spec.get("names", {})
    if "kind" in names:
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _network_policy(obj: Object) -> None:
    spec = obj.get("spec", {})
    if "policyTypes" not in spec:
        spec["policyTypes"] = ["Ingress", "Egress"] if "egress" in spec else ["Ingress"]


Hook = Callable[[Object], None]

BEFORE_DEFAULTS: dict[tuple[str, str], Hook] = {
    ("", "secrets"): _secret,
    ("", "namespaces"): _namespace,
    ("apps", "statefulsets"): _stateful_set_strategy,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
}
AFTER_DEFAULTS: dict[tuple[str, str], Hook] = {
    ("", "pods"): _pod,
    ("", "services"): _service,
    ("apps", "statefulsets"): _stateful_set,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _template,
    ("batch", "jobs"): _job,
    ("networking.k8s.io", "networkpolicies"): _network_policy,
    (RBAC_GROUP, "rolebindings"): _binding,
    (RBAC_GROUP, "clusterrolebindings"): _binding,
}
FIRST_STATUS: dict[tuple[str, str], Callable[[Object], Object]] = {
    ("", "pods"): lambda pod: {"phase": "Pending", "qosClass": quality_of_service(pod["spec"])},
    ("", "namespaces"): lambda _: {"phase": "Active"},
    ("", "persistentvolumeclaims"): lambda _: {"phase": "Pending"},
    ("", "persistentvolumes"): lambda _: {"phase": "Pending"},
    ("", "services"): lambda _: {"loadBalancer": {}},
    ("apps", "statefulsets"): lambda _: {"replicas": 0, "availableReplicas": 0},
    ("apps", "deployments"): lambda _: {},
    ("apps", "replicasets"): lambda _: {"replicas": 0},
    ("batch", "jobs"): lambda _: {},
    ("apiextensions.k8s.io", "customresourcedefinitions"): lambda _: {"conditions": []},
}
KEPT: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "services"): ("clusterIP", "clusterIPs", "ipFamilies"),
}
