"""An operator in a pod of the whole sandbox: found, restarted, cut off from the API and back again."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.custom_support import definition, widget
from tests.sandbox.test_sandbox_cli import MANIFESTS, Shell, eventually

OPERATOR = "system:serviceaccount:default:op"
SECONDS = 60.0


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("operator")
    made = Shell(folder / "sandbox")
    try:
        made.ok("up")
        apply(made, folder / "crd.json", json.dumps(definition()))
        apply(
            made,
            folder / "op.yaml",
            (MANIFESTS / "operator.yaml").read_text().replace("PYTHON", sys.executable),
        )
        apply(made, folder / "w.json", json.dumps(widget()))
        yield made
    finally:
        made.sandbox("down", "--purge")


def apply(shell: Shell, file: Path, content: str) -> None:
    file.write_text(content)
    shell.kubectl("apply", "-f", str(file))


def followed(shell: Shell, replicas: int) -> None:
    """The operator has written what it saw."""
    eventually(
        lambda: (shell.get("widget", "w").get("status") or {}).get("replicas") == replicas, seconds=SECONDS
    )


def test_it_comes_up_and_follows(shell: Shell) -> None:
    shell.kubectl("rollout", "status", "deployment/op", f"--timeout={SECONDS:.0f}s", seconds=SECONDS + 10)
    followed(shell, 3)
    events = shell.get("events")["items"]
    assert any(each["reason"] == "Followed" and each["involvedObject"]["kind"] == "Widget" for each in events)


def test_it_is_where_clients_look_for_it(shell: Shell) -> None:
    (port,) = shell.get("service", "kubernetes")["spec"]["ports"]
    assert port["port"] == (443 if os.geteuid() == 0 else 6443)


def test_it_misses_what_happens_while_it_is_cut_off_and_catches_up(shell: Shell) -> None:
    followed(shell, 3)
    shell.ok("fault", "api", "refuse", "--users", OPERATOR)
    shell.kubectl("scale", "widget", "w", "--replicas=5")
    assert f"API fault: refuse for {OPERATOR}" in shell.ok("status")
    assert shell.get("widget", "w")["status"] == {"replicas": 3}
    shell.ok("fault", "api", "--clear")
    followed(shell, 5)


def test_all_of_it_is_there_after_a_restart(shell: Shell) -> None:
    shell.ok("down")
    shell.ok("up")
    shell.kubectl("scale", "widget", "w", "--replicas=7")
    followed(shell, 7)
