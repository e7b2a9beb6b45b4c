"""Whether a spec is in effect: in Kubernetes' objects, in the pods, and in the servers."""

import base64
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.servers.operating import Operated
from tests.servers.spec_changes import IMAGE
from trireme.api.resource import read_cluster
from trireme.core.reconcile.drift import drift
from trireme.manifests.cluster import Manifests, Options, manifests

KINDS = "statefulsets,deployments,services,configmaps,poddisruptionbudgets,serviceaccounts,roles,rolebindings,pods"
UNMOVED = {"Suspended", "Hibernated"}
"""Phases that are what was asked for, though no member need be updated."""
OWN = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "generateName",
    "selfLink",
)
PASSING_LABELS = ("trireme.dev/role", "controller-revision-hash", "pod-template-hash")


def put(demo: Operated, spec: Mapping[str, Any]) -> str:
    """Replace the spec. What the API server has against it, '' if nothing."""
    patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
    try:
        demo.kubectl("patch", "galeracluster", "demo", "--type=json", f"--patch={patch}")
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    ref = spec.get("passwordSecretKeyRef") or {"name": "demo", "key": "password"}
    found = demo.kubectl(
        "get", "secret", ref["name"], "--ignore-not-found", f"--output=jsonpath={{.data.{ref['key']}}}"
    )
    demo.passwords["password"] = base64.b64decode(found).decode()
    return ""


def outcome(demo: Operated) -> str:
    """'' where the spec is in effect; why not, where it is refused or the update stopped. LookupError while it moves."""
    found = demo.resource()
    status = found.get("status", {})
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        raise LookupError("the status is about an earlier spec")
    conditions = {each["type"]: each for each in status["conditions"]}
    if conditions["Accepted"]["status"] == "False":
        return str(conditions["Accepted"]["message"])
    if conditions["Progressing"]["reason"] == "UpdateStuck":
        return str(conditions["Progressing"]["message"])
    if conditions["Healthy"]["reason"] == "ArbitratorAway":
        raise LookupError(conditions["Healthy"]["message"])
    members = status.get("members", [])
    replicas = found["spec"].get("replicas", 3)
    whole = len(members) == replicas and all(each["ready"] for each in members)
    on_delete = found["spec"]["updateStrategy"].get("type") != "RollingUpdate"
    if status["phase"] in UNMOVED or (
        status["phase"] == "Running" and whole and (on_delete or all(each["updated"] for each in members))
    ):
        return ""
    raise LookupError(f"{status.get('phase')}: {status.get('message')}")


def lacking(demo: Operated) -> str:
    """The first thing of the spec that is not in effect; '' where all is."""
    found = demo.resource()
    made = manifests(read_cluster(found), Options(image=IMAGE))
    live = {(each["kind"], each["metadata"]["name"]): each for each in demo.get(KINDS)["items"]}
    wanted = {(each["kind"], each["metadata"]["name"]): each for each in (*made.others, made.set)}
    if found["spec"].get("hibernate"):
        wanted["StatefulSet", "demo"] = {"spec": {"replicas": 0}}
    for (kind, name), each in wanted.items():
        if (kind, name) not in live:
            return f"{kind} {name} is not there"
        if (where := drift(each, live[kind, name])) is not None:
            return f"{kind} {name}: {where} is not as wanted"
    uid = found["metadata"]["uid"]
    for (kind, name), each in live.items():
        owners = [one["uid"] for one in each["metadata"].get("ownerReferences", ())]
        if uid in owners and (kind, name) not in wanted:
            return f"{kind} {name} is there, and wanted no more"
    if found["spec"].get("hibernate") or found["spec"]["updateStrategy"].get("type") != "RollingUpdate":
        return ""
    return _in_pods(demo, made, live) or _in_servers(demo, made)


def _in_pods(demo: Operated, made: Manifests, live: Mapping[tuple[str, str], Any]) -> str:
    template = made.set["spec"]["template"]
    tolerations = template["spec"].get("tolerations", [])
    rest = {key: value for key, value in template["spec"].items() if key != "tolerations"}
    for name in demo.pods():
        pod = live["Pod", name]
        where = drift({"metadata": template["metadata"], "spec": rest}, pod)
        if where is not None:
            return f"pod {name}: {where} is not as wanted"
        if any(each not in pod["spec"].get("tolerations", []) for each in tolerations):
            return f"pod {name}: spec.tolerations is not as wanted"
    return ""


def _in_servers(demo: Operated, made: Manifests) -> str:
    options = demo.resource()["spec"].get("galera", {}).get("providerOptions", {})
    for name in demo.pods():
        for variable, value in made.variables.items():
            ((found,),) = demo.sql_in(name, f"SELECT @@global.{variable}")
            if str(found) != value:
                return f"{name}: {variable} is {found}, and should be {value}"
        ((said,),) = demo.sql_in(name, "SELECT @@wsrep_provider_options")
        for option, value in options.items():
            if f"{option} = {value};" not in said:
                return f"{name}: Galera's {option} is not {value}"
    return ""


def picture(demo: Operated) -> dict[str, Any]:
    """All objects of the cluster, without what comes and goes by itself: reverting must bring back the very same."""
    found = demo.get(KINDS, "--selector=app.kubernetes.io/instance=demo")["items"]
    return {f"{each['kind']} {each['metadata']['name']}": _kept(each) for each in found}


def _kept(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in OWN}
    metadata["labels"] = {
        key: value for key, value in metadata.get("labels", {}).items() if key not in PASSING_LABELS
    }
    metadata.pop("ownerReferences", None)
    spec = dict(obj.get("spec", {}))
    for key in ("nodeName", "volumes", "volumeClaimTemplates"):
        if obj["kind"] == "Pod":
            spec.pop(key, None)
    return {"metadata": metadata, "spec": spec, "data": obj.get("data")}


def changed(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two pictures differ, for people."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [line for key in keys for line in changed(before.get(key), after.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, pair in pairs for line in changed(*pair, f"{path}[{index}]")]
    return [] if before == after else [f"{path.lstrip('.')}: {before!r} is now {after!r}"]
