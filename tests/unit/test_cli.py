"""The console script: which command runs, with what in memory, and what --help and completion say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trireme.cli.app import COMMANDS

BIN = Path(sys.executable).parent


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / program, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    ran = run("trireme", command, "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Usage: trireme {command}" in ran.stdout


def test_help_lists_every_command() -> None:
    ran = run("trireme", "--help")
    assert [command for command in COMMANDS if f"│ {command} " not in ran.stdout] == []


def test_kubectl_shows_it_under_its_own_name() -> None:
    assert "Usage: kubectl trireme status" in run("kubectl-trireme", "status", "--help").stdout


@pytest.mark.parametrize("arguments", [("version",), ("--version",)])
def test_the_version(arguments: tuple[str, ...]) -> None:
    assert run("trireme", *arguments).stdout.startswith("trireme 0.1.0")


def test_completion_knows_commands_options_and_contexts(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("contexts: [{name: staging, context: {}}, {name: production, context: {}}]")

    def complete(words: str) -> list[str]:
        ran = run(
            "trireme",
            _TRIREME_COMPLETE="complete_bash",
            COMP_WORDS=words,
            COMP_CWORD=str(words.count(" ")),
            KUBECONFIG=str(config),
        )
        return ran.stdout.split()

    assert complete("trireme st") == ["status"]
    assert "--watch" in complete("trireme status --w")
    assert complete("trireme sql --context st") == ["staging"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_had_for(shell: str) -> None:
    ran = run("trireme", _TRIREME_COMPLETE=f"source_{shell}")
    assert "_TRIREME_COMPLETE" in ran.stdout


@pytest.mark.parametrize("command", ["agent", "secret"])
def test_what_pods_run_starts_without_what_a_persons_shell_needs(command: str) -> None:
    """It ends at once here, for want of settings; what it has imported until then is what matters."""
    code = (
        f"import sys; sys.argv = ['trireme', {command!r}]\n"
        "from trireme.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print([name for name in ('typer', 'rich', 'yaml') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/none"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert ran.stdout.endswith("[]\n")
