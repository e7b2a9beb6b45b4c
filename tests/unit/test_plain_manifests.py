"""The plain manifests keep the Kubernetes contract: names, rights, Pod Security, probes. Built by real kubectls."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIANTS = sorted(
    name
    for path in DEPLOY.rglob("kustomization.yaml")
    if not (name := path.parent.relative_to(DEPLOY).as_posix()).startswith("operator")
)
IMAGE = "trireme/trireme:0.1.0"
MEMBERS_THAT_RBAC_NAMES = 9

Object = dict[str, Any]


def kubectls() -> list[str]:
    """The kubectl on PATH, and those that TRIREME_TEST_KUBECTLS names (separated by colons)."""
    on_path = shutil.which("kubectl")
    assert on_path, "kubectl is missing: run `make setup`"
    return [on_path, *filter(None, os.environ.get("TRIREME_TEST_KUBECTLS", "").split(":"))]


@functools.cache
def build(variant: str, kubectl: str = "kubectl") -> dict[tuple[str, str], Object]:
    """Build a variant; return its objects by kind and name, without the hashes in ConfigMaps' names."""
    command = [kubectl, "kustomize", str(DEPLOY / variant)]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    text = re.sub(r"\b(demo-config|demo-my-cnf)-[a-z0-9]{10}\b", r"\1", text)
    objects = [each for each in yaml.safe_load_all(text) if each]
    for each in objects:
        # kustomize 2.0.3 leaves an empty one behind.
        if not each["metadata"].get("annotations", True):
            del each["metadata"]["annotations"]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def pod_of(variant: str = "plain") -> Object:
    """Return the specification of a member's pod."""
    spec: Object = build(variant)["StatefulSet", "demo"]["spec"]["template"]["spec"]
    return spec


def database_of(variant: str = "plain") -> Object:
    """Return the container that runs the database."""
    (container,) = pod_of(variant)["containers"]
    return dict(container)


def settings_of(variant: str = "plain") -> dict[str, str]:
    """Return the agent's settings."""
    data: dict[str, str] = build(variant)["ConfigMap", "demo-config"]["data"]
    return data


# --- every variant, every kubectl ------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_versions_of_kustomize_build_the_same(variant: str) -> None:
    for kubectl in kubectls():
        assert build(variant, kubectl) == build(variant), kubectl


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_names_are_those_of_the_contract(variant: str) -> None:
    assert set(build(variant)) == {
        ("StatefulSet", "demo"),
        ("Service", "demo"),
        ("Service", "demo-internal"),
        ("Service", "demo-primary"),
        ("Service", "demo-secondary"),
        ("ConfigMap", "demo-config"),
        ("ConfigMap", "demo-my-cnf"),
        ("ServiceAccount", "demo"),
        ("Role", "demo"),
        ("RoleBinding", "demo"),
        ("PodDisruptionBudget", "demo"),
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_objects_and_pods_carry_the_same_labels(variant: str) -> None:
    labels = {
        "app.kubernetes.io/name": "trireme",
        "app.kubernetes.io/instance": "demo",
        "app.kubernetes.io/component": "database",
    }
    objects = build(variant)
    assert [name for name, each in objects.items() if each["metadata"]["labels"] != labels] == []
    statefulset = objects["StatefulSet", "demo"]["spec"]
    assert statefulset["selector"]["matchLabels"] == labels
    assert statefulset["template"]["metadata"]["labels"] == labels
    assert objects["PodDisruptionBudget", "demo"]["spec"]["selector"]["matchLabels"] == labels
    for constraint in pod_of(variant)["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == labels


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_carries_a_namespace_or_a_password(variant: str) -> None:
    for (kind, _), each in build(variant).items():
        assert "namespace" not in each["metadata"]
        assert kind != "Secret"
    assert not [key for key in settings_of(variant) if "PASSWORD" in key or "TOKEN" in key]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_image_is_one_setting(variant: str) -> None:
    pod = pod_of(variant)
    assert {each["image"] for each in pod["initContainers"] + pod["containers"]} == {IMAGE}
    files = "".join(path.read_text() for path in (DEPLOY / variant).glob("*.yaml"))
    assert files.count("newTag") == (1 if variant == "plain" else 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_satisfy_pod_security_restricted(variant: str) -> None:
    pod = pod_of(variant)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "runAsUser" not in pod["securityContext"], "any uid must do"
    for container in pod["initContainers"] + pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", ()))
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    allowed = {"name", "configMap", "emptyDir", "secret"}
    assert not [volume for volume in pod["volumes"] if set(volume) - allowed]


@pytest.mark.parametrize("variant", VARIANTS)
def test_declared_members_are_the_replicas(variant: str) -> None:
    assert settings_of(variant)["TRIREME_MEMBERS"] == str(
        build(variant)["StatefulSet", "demo"]["spec"]["replicas"]
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_mounts_have_a_volume(variant: str) -> None:
    spec = build(variant)["StatefulSet", "demo"]["spec"]
    volumes = {each["name"] for each in spec["template"]["spec"]["volumes"]}
    claims = {each["metadata"]["name"] for each in spec.get("volumeClaimTemplates", ())}
    assert not volumes & claims
    for container in pod_of(variant)["initContainers"] + pod_of(variant)["containers"]:
        assert {each["name"] for each in container["volumeMounts"]} <= volumes | claims


# --- the base --------------------------------------------------------------------------------------------------


def test_services_select_by_role() -> None:
    roles = {
        name: each["spec"]["selector"].get("trireme.dev/role")
        for (kind, name), each in build("plain").items()
        if kind == "Service"
    }
    assert roles == {
        "demo": None,
        "demo-internal": None,
        "demo-primary": "primary",
        "demo-secondary": "secondary",
    }


def test_members_find_each_other_before_they_are_ready() -> None:
    internal = build("plain")["Service", "demo-internal"]["spec"]
    assert internal["clusterIP"] == "None"
    assert internal["publishNotReadyAddresses"] is True
    ports = {port["name"]: port["port"] for port in internal["ports"]}
    assert ports == {"mysql": 3306, "sst": 4444, "galera": 4567, "ist": 4568, "http": 8080}
    assert ports == {port["name"]: port["containerPort"] for port in database_of()["ports"]}
    assert settings_of()["TRIREME_SERVICE"] == "demo-internal"
    assert settings_of()["TRIREME_PORT_NAME"] == "galera"


def test_all_members_start_at_once_and_keep_their_data() -> None:
    spec = build("plain")["StatefulSet", "demo"]["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    mounts = {each["name"]: each["mountPath"] for each in database_of()["volumeMounts"]}
    assert mounts == {
        "data": "/var/lib/mysql",
        "run": "/run/mysqld",
        "tmp": "/tmp",
        "secret": "/etc/trireme/secret",
        "secret-given": "/etc/trireme/given",
        "config": "/etc/trireme/config",
    }


def test_probes_ask_the_agent() -> None:
    database = database_of()
    paths = {
        probe: database[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": {"path": "/startupz", "port": "http"},
        "livenessProbe": {"path": "/livez", "port": "http"},
        "readinessProbe": {"path": "/readyz?hold=1", "port": "http"},
    }
    assert database["readinessProbe"]["periodSeconds"] == 1, "a lost member leaves the Services fast"


def test_the_agent_knows_its_grace_period() -> None:
    assert settings_of()["TRIREME_GRACE_SECONDS"] == str(pod_of()["terminationGracePeriodSeconds"])


def test_pods_have_requests_and_limits() -> None:
    for container in pod_of()["initContainers"] + pod_of()["containers"]:
        for side in ("requests", "limits"):
            assert set(container["resources"][side]) == {"cpu", "memory"}


def test_one_member_at_a_time_is_disrupted_and_none_share_a_node_if_they_can() -> None:
    assert build("plain")["PodDisruptionBudget", "demo"]["spec"]["maxUnavailable"] == 1
    spread = {
        each["topologyKey"]: each["whenUnsatisfiable"] for each in pod_of()["topologySpreadConstraints"]
    }
    assert spread == {
        "kubernetes.io/hostname": "ScheduleAnyway",
        "topology.kubernetes.io/zone": "ScheduleAnyway",
    }


def test_all_rights_are_limited_by_name() -> None:
    rules = {rule["resources"][0]: rule for rule in build("plain")["Role", "demo"]["rules"]}
    assert rules == {
        "pods": {
            "apiGroups": [""],
            "resources": ["pods"],
            "resourceNames": [f"demo-{ordinal}" for ordinal in range(MEMBERS_THAT_RBAC_NAMES)],
            "verbs": ["get", "patch"],
        },
        "secrets": {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["demo"],
            "verbs": ["get", "create", "patch"],
        },
    }


def test_the_secret_need_not_exist_before_the_pods() -> None:
    (given,) = [each for each in pod_of()["volumes"] if each["name"] == "secret-given"]
    assert given["secret"] == {"secretName": "demo", "optional": True, "defaultMode": 0o440}
    (filled,) = [each for each in pod_of()["volumes"] if each["name"] == "secret"]
    assert filled["emptyDir"]["medium"] == "Memory"


# --- what each overlay is for ----------------------------------------------------------------------------------


def test_five_members_and_one() -> None:
    assert build("overlays/five-members")["StatefulSet", "demo"]["spec"]["replicas"] == 5
    assert build("overlays/single-member")["StatefulSet", "demo"]["spec"]["replicas"] == 1


def test_ephemeral_data() -> None:
    spec = build("overlays/ephemeral")["StatefulSet", "demo"]["spec"]
    assert "volumeClaimTemplates" not in spec
    assert next(each for each in spec["template"]["spec"]["volumes"] if each["name"] == "data")["emptyDir"]


def test_custom_my_cnf() -> None:
    own = (DEPLOY / "overlays/custom-my-cnf/my.cnf").read_text()
    assert build("overlays/custom-my-cnf")["ConfigMap", "demo-my-cnf"]["data"] == {"my.cnf": own}


def test_openshift_chooses_the_group() -> None:
    assert pod_of()["securityContext"]["fsGroup"] == 999
    assert not [key for key in pod_of("overlays/openshift")["securityContext"] if key.startswith("fsGroup")]


def test_the_openshift_template_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools/openshift_template.py"), "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
