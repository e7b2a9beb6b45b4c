"""The generated files are current, and the schema says what it must."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.resource.mutations import Mutation, mutations
from trireme.api.resource import GaleraClusterSpec, InvalidClusterError, read_cluster
from trireme.manifests.crd import custom_resource_definition
from trireme.manifests.crd.schema import structural

ROOT = Path(__file__).parents[3]
BASE: dict[str, Any] = {"storage": {"size": "10Gi"}}
VERSION = custom_resource_definition()["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]


def test_the_generated_files_are_current() -> None:
    command = [sys.executable, "-m", "tools.generate", "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert run.returncode == 0, run.stderr


def test_what_kubectl_shows_and_scales() -> None:
    columns = {each["name"]: each["jsonPath"] for each in VERSION["additionalPrinterColumns"]}
    assert list(columns)[:5] == ["Ready", "Members", "Writer", "Status", "Age"]
    assert VERSION["subresources"]["scale"]["specReplicasPath"] == ".spec.replicas"
    shown = [path.split(".")[2].partition("[")[0] for path in columns.values() if path.startswith(".status")]
    assert set(shown) <= set(SCHEMA["properties"]["status"]["properties"])


def every_field(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from every_field(field.get("items", field), f"{path}.{name}")


FIELDS = [
    found for part in ("spec", "status") for found in every_field(SCHEMA["properties"][part], f".{part}")
]


def test_every_field_is_explained_and_bounded() -> None:
    assert len(FIELDS) > 200
    assert [path for path, field in FIELDS if not field.get("description", "").endswith((".", ")"))] == []
    bounded = {"string": ("maxLength", "enum"), "array": ("maxItems",)}
    loose = [
        path
        for path, field in FIELDS
        if (bounds := bounded.get(field.get("type", ""))) and not any(bound in field for bound in bounds)
    ]
    assert loose == [], "rules in CEL are too costly for the API server without bounds"


def test_no_field_of_the_schema_is_one_that_the_api_server_refuses() -> None:
    text = str(SCHEMA)
    assert "$ref" not in text
    assert "'null'" not in text
    assert "additionalProperties': False" not in text


MUTATIONS = list(mutations(structural(GaleraClusterSpec), BASE))


def test_every_field_is_mutated() -> None:
    touched = {".spec." + ".".join(step for step in each.path if isinstance(step, str)) for each in MUTATIONS}
    assert {path for path, _ in FIELDS if path.startswith(".spec.")} <= touched
    assert Counter(each.fits for each in MUTATIONS)[False] > 500


@pytest.mark.parametrize("mutation", [each for each in MUTATIONS if not each.fits], ids=str)
def test_what_the_schema_forbids_the_model_refuses(mutation: Mutation) -> None:
    with pytest.raises(InvalidClusterError) as caught:
        read_cluster({"metadata": {"name": "demo"}, "spec": mutation.spec})
    named = caught.value.problems[0].field.replace("[", ".").replace("]", "").split(".")
    steps = [str(step) for step in mutation.path]
    assert named[1 : len(steps) + 1] == steps[: len(named) - 1], "the message names another field"
