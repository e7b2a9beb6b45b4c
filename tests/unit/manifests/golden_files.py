"""The objects of each example, as YAML that a person can read.

`python -m tests.unit.manifests.golden_files` writes them.
"""

from pathlib import Path
from typing import Any

import yaml
from tools.generate import yaml_text

from trireme.api.resource import KIND, GaleraCluster, read_cluster
from trireme.manifests.cluster import Options, objects

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
OPTIONS = Options(image="trireme/trireme:0.1.0")
UID = "11111111-2222-3333-4444-555555555555"


def documents(path: Path) -> list[dict[str, Any]]:
    """Every object of an example."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def cluster_of(path: Path) -> GaleraCluster:
    """The GaleraCluster of an example, as if the API server had stored it."""
    (found,) = (each for each in documents(path) if each["kind"] == KIND)
    found["metadata"] |= {"namespace": "default", "uid": UID, "generation": 1}
    return read_cluster(found)


def text_of(path: Path) -> str:
    """What the golden file of an example must hold."""
    head = f"# What the operator makes of examples/{path.name}.\n"
    return head + "---\n".join(yaml_text(each) for each in objects(cluster_of(path), OPTIONS))


if __name__ == "__main__":
    for example in EXAMPLES:
        (GOLDEN / example.name).write_text(text_of(example))
