"""Writes deploy/openshift/template.yaml from the kustomize overlay deploy/overlays/openshift.

Every name that comes from the cluster's name becomes ${NAME}; a few values become parameters of their own.
Run by `make generate`; with --check (in `make check`, by a test) it only says whether the file is current.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
OVERLAY = ROOT / "deploy/overlays/openshift"
TEMPLATE = ROOT / "deploy/openshift/template.yaml"

HEADER = """\
# Generated from deploy/overlays/openshift by `make generate`. Do not edit.
#
#   oc process -f deploy/openshift/template.yaml -p NAME=orders -p STORAGE=50Gi | oc apply -f -
"""

KINDS = [
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Service",
    "PodDisruptionBudget",
    "StatefulSet",
]
"""In the order of creation: what a pod needs to start comes before the pods."""

PARAMETERS = {
    "NAME": ("demo", "Name of the cluster, and the beginning of every object's name"),
    "IMAGE": ("", "The image, built from deploy/Containerfile"),
    "MEMBERS": ("3", "Number of members: 3 or 5; 1 for no redundancy"),
    "STORAGE": ("10Gi", "Volume of each member"),
    "MEMORY": ("1Gi", "Memory limit of each member"),
    "DATABASE": ("app", "Database that the first start creates"),
    "DATABASE_USER": ("app", "User that the first start creates and gives all rights on that database"),
}


def build() -> str:
    """Return the template's text as it should be now."""
    objects = kustomized()
    image = container(next(each for each in objects if each["kind"] == "StatefulSet"))["image"]
    defaults = PARAMETERS | {"IMAGE": (image, PARAMETERS["IMAGE"][1])}
    template = {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "metadata": {
            "name": "trireme",
            "annotations": {
                "description": "MariaDB Galera Cluster that forms itself and heals itself, with no operator",
                "tags": "database,mariadb,galera",
            },
        },
        "parameters": [
            {"name": name, "description": description, "value": value, "required": True}
            for name, (value, description) in defaults.items()
        ],
        "objects": [parametrize(each) for each in objects],
    }
    return HEADER + yaml.dump(template, Dumper=ReadableDumper, sort_keys=False, width=110)


def kustomized() -> list[dict[str, Any]]:
    """Return the overlay's objects, in an order that does not depend on the version of kubectl."""
    run = subprocess.run(
        ["kubectl", "kustomize", OVERLAY], capture_output=True, text=True, check=True, timeout=60
    )
    objects = [each for each in yaml.safe_load_all(run.stdout) if each]
    return sorted(objects, key=lambda each: (KINDS.index(each["kind"]), each["metadata"]["name"]))


def parametrize(each: dict[str, Any]) -> dict[str, Any]:
    """Return the object with parameters in place of this deployment's names and sizes."""
    # kustomize's hashes of the content mean nothing where the content is a parameter.
    plain = map_strings(each, lambda text: re.sub(r"^(demo-(?:config|my-cnf))-[a-z0-9]{10}$", r"\1", text))
    named: dict[str, Any] = map_strings(plain, lambda text: re.sub(r"\bdemo\b", "${NAME}", text))
    if named["metadata"]["name"] == "${NAME}-config":
        named["data"] |= {
            "TRIREME_MEMBERS": "${MEMBERS}",
            "TRIREME_DATABASE": "${DATABASE}",
            "TRIREME_USER": "${DATABASE_USER}",
        }
    if named["kind"] == "StatefulSet":
        spec = named["spec"]
        spec["replicas"] = "${{MEMBERS}}"
        container(named)["resources"]["limits"]["memory"] = "${MEMORY}"
        spec["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "${STORAGE}"
        for each_container in spec["template"]["spec"]["initContainers"] + [container(named)]:
            each_container["image"] = "${IMAGE}"
    return named


def container(statefulset: dict[str, Any]) -> dict[str, Any]:
    """Return the StatefulSet's database container."""
    found: dict[str, Any] = statefulset["spec"]["template"]["spec"]["containers"][0]
    return found


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Return ``value`` with ``change`` applied to every string in it that is not a key."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_strings(each, change) for each in value]
    if isinstance(value, dict):
        return {key: map_strings(each, change) for key, each in value.items()}
    return value


class ReadableDumper(yaml.SafeDumper):
    """Writes text of several lines as a block, and lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists, too."""
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


ReadableDumper.add_representer(str, _represent_text)


def main() -> int:
    """Write the template, or with --check say whether it is current."""
    if sys.argv[1:] == ["--check"]:
        if TEMPLATE.read_text() == build():
            return 0
        sys.stderr.write(f"{TEMPLATE} is not current: run `make generate`\n")
        return 1
    TEMPLATE.write_text(build())
    return 0


if __name__ == "__main__":
    sys.exit(main())
