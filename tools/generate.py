"""Writes what is generated: from the models, the tests' tables, deploy/operator. With --check: which are not current.

Run by `make generate`; `make check` runs it with --check by a test.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from tools.helm_chart import chart
from tools.situations import situations

from trireme.manifests.crd import custom_resource_definition, reference

ROOT = Path(__file__).parent.parent


class ReadableDumper(yaml.SafeDumper):
    """Writes text of several lines as a block, lists indented below their key, and nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists, too."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write the same object twice where it is there twice."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


ReadableDumper.add_representer(str, _represent_text)


def yaml_text(value: Any, width: int = 110) -> str:
    """The value as YAML that a person can read."""
    return yaml.dump(value, Dumper=ReadableDumper, sort_keys=False, width=width, allow_unicode=True)


def helm_templates() -> dict[str, str]:
    """Of deploy/helm/trireme: the content by file."""
    made = chart(partial(yaml_text, width=100_000))
    return {f"deploy/helm/trireme/templates/{name}": text for name, text in made.items()}


def crd() -> str:
    """The CustomResourceDefinition's file."""
    head = "# Generated from src/trireme/api/resource by `make generate`. Do not edit.\n"
    return head + yaml_text(custom_resource_definition())


def files() -> dict[str, str]:
    """Every generated file's name and content."""
    return {
        "deploy/operator/crd.yaml": crd(),
        "docs/reference.md": reference(),
        "docs/situations.md": situations(),
        **helm_templates(),
    }


def main() -> int:
    """Write the files, or with --check say which are not current."""
    wanted = files()
    stale = [name for name, text in wanted.items() if _content(ROOT / name) != text]
    if sys.argv[1:] == ["--check"]:
        for name in stale:
            sys.stderr.write(f"{name} is not current: run `make generate`\n")
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(wanted[name])
        sys.stdout.write(f"wrote {name}\n")
    return 0


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
