"""deploy/operator, its overlays and the Helm chart: the same objects, least rights, restricted pods."""

import functools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.manifests.golden_files import EXAMPLES, OPTIONS, cluster_of
from tests.unit.manifests.helm_rendering import render
from trireme.manifests.cluster import objects

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm/trireme"
OVERLAYS = ("namespaced", "monitoring", "network-policy")

Object = dict[str, Any]
Key = tuple[str, str]


@functools.cache
def kustomized(folder: str) -> dict[Key, Object]:
    command = ["kubectl", "kustomize", str(DEPLOY / folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return by_key(text)


def by_key(text: str) -> dict[Key, Object]:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


def values(**changed: Any) -> Object:
    found: Object = yaml.safe_load((CHART / "values.yaml").read_text())
    for path, value in changed.items():
        *parents, last = path.split("__")
        place = found
        for parent in parents:
            place = place[parent]
        place[last] = value
    return found


def rendered(**changed: Any) -> dict[Key, Object]:
    found: dict[Key, Object] = {}
    for template in sorted((CHART / "templates").glob("*.yaml")):
        found |= by_key(render(template.read_text(), values(**changed), "trireme-system"))
    return found


def normal(found: Object) -> Object:
    """Without what only one way of installing says, and what says the same as nothing."""
    copy: Object = json.loads(json.dumps(found))
    copy["metadata"].pop("annotations", None)
    if found["kind"] == "Deployment":
        container = copy["spec"]["template"]["spec"]["containers"][0]
        container.pop("imagePullPolicy", None)
        defaults = {
            "TRIREME_IMAGE",
            "TRIREME_NAMESPACES",
            "TRIREME_CLUSTER_DOMAIN",
            "TRIREME_OPENSHIFT",
            "TRIREME_LEASE_SECONDS",
        }
        container["env"] = [each for each in container["env"] if each["name"] not in defaults]
    return copy


# --- helm --------------------------------------------------------------------------------------------------------


def test_the_chart_with_its_defaults_is_what_kustomize_makes() -> None:
    theirs = {key: normal(each) for key, each in kustomized("operator").items() if key[0] != "Namespace"}
    assert {key: normal(each) for key, each in rendered().items()} == theirs


def test_the_charts_defaults_are_the_operators() -> None:
    container = rendered()["Deployment", "trireme-operator"]["spec"]["template"]["spec"]["containers"][0]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert (env["TRIREME_NAMESPACES"], env["TRIREME_IMAGE"]) == ("", "")
    assert (env["TRIREME_OPENSHIFT"], env["TRIREME_LEASE_SECONDS"]) == ("false", "15")


def test_every_value_is_used_and_checked() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(values()) == set(schema["properties"]) - {"global"}
    templates = "".join(path.read_text() for path in (CHART / "templates").glob("*.yaml"))
    for name, value in values().items():
        if isinstance(value, dict) and "properties" in schema["properties"][name]:
            assert set(value) == set(schema["properties"][name]["properties"]), name
        inner = value if isinstance(value, dict) and name not in ("resources", "affinity") else {}
        for used in [f"{name}.{key}" for key in inner] or [name]:
            assert f".Values.{used}" in templates, f"{used} changes nothing"


def test_what_values_change() -> None:
    found = rendered(
        namespaces=["shop", "crm"],
        crds__install=False,
        clusterImage="db:2",
        replicas=2,
        openshift=True,
        serviceMonitor__enabled=True,
        serviceMonitor__labels={"release": "prometheus"},
        networkPolicy__enabled=True,
        nodeSelector={"disk": "ssd"},
        podLabels={"team": "storage"},
        priorityClassName="high",
    )
    assert ("ClusterRole", "trireme-operator") not in found
    assert ("CustomResourceDefinition", "galeraclusters.trireme.dev") not in found
    assert found["Role", "trireme-operator-clusters"]["metadata"]["namespace"] == "crm"
    deployment = found["Deployment", "trireme-operator"]["spec"]
    pod = deployment["template"]
    env = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    assert (deployment["replicas"], env["TRIREME_IMAGE"]) == (2, "db:2")
    assert (env["TRIREME_NAMESPACES"], env["TRIREME_OPENSHIFT"]) == ("shop,crm", "true")
    assert (pod["metadata"]["labels"]["team"], pod["spec"]["nodeSelector"]) == ("storage", {"disk": "ssd"})
    assert pod["spec"]["priorityClassName"] == "high"
    monitor = found["ServiceMonitor", "trireme-operator"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert ("NetworkPolicy", "trireme-operator") in found


# --- rights ------------------------------------------------------------------------------------------------------


def rules(found: Object) -> set[tuple[str, str, str]]:
    """Every group, resource and verb."""
    return {
        (group, resource, verb)
        for rule in found["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_in_one_namespace_it_has_the_same_rights_there() -> None:
    everywhere = rules(kustomized("operator")["ClusterRole", "trireme-operator"])
    found = kustomized("operator-overlays/namespaced")
    there = rules(found["Role", "trireme-operator-clusters"])
    assert everywhere - there == {("storage.k8s.io", "storageclasses", "get")}
    assert there - everywhere == set()
    assert [key for key in found if key[0].startswith("ClusterRole")] == []


def needed() -> Iterator[tuple[str, str, str]]:
    """What applying and removing the objects of every example takes."""
    plurals = {"PodDisruptionBudget": "poddisruptionbudgets", "ConfigMap": "configmaps"}
    for example in EXAMPLES:
        for each in objects(cluster_of(example), OPTIONS):
            group = each["apiVersion"].rpartition("/")[0]
            plural = plurals.get(each["kind"], each["kind"].lower() + "s")
            yield from ((group, plural, verb) for verb in ("list", "watch", "create", "patch", "delete"))
            if each["kind"] == "Role":
                # Nobody may give what he does not have.
                yield from rules(each)


def test_the_operator_may_do_what_it_must_and_nothing_by_wildcard() -> None:
    granted = rules(kustomized("operator")["ClusterRole", "trireme-operator"])
    assert set(needed()) - granted == set()
    assert not {right for right in granted if "*" in right}
    assert not {
        right for right in granted if right[1] == "secrets" and right[2] in ("list", "watch", "delete")
    }


# --- the pod -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["operator", *(f"operator-overlays/{name}" for name in OVERLAYS)])
def test_the_operators_pod_is_restricted(folder: str) -> None:
    found = kustomized(folder)
    pod = found["Deployment", "trireme-operator"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "livenessProbe", "readinessProbe", "resources"} <= set(container)
    paths = {
        probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}, (
        "an API server that is away is no reason to restart it"
    )
    namespaces = {each["metadata"].get("namespace") for key, each in found.items() if key[0] == "Deployment"}
    assert namespaces == {"trireme-system"}


def test_the_network_policy_lets_through_what_the_operator_needs() -> None:
    policy = kustomized("operator-overlays/network-policy")["NetworkPolicy", "trireme-operator"]["spec"]
    deployment = kustomized("operator")["Deployment", "trireme-operator"]["spec"]
    assert policy["podSelector"] == deployment["selector"]
    agents = policy["egress"][1]["to"][0]["podSelector"]["matchLabels"].items()
    members = objects(cluster_of(EXAMPLES[0]), OPTIONS)[-1]["spec"]["template"]["metadata"]["labels"].items()
    assert agents <= members
