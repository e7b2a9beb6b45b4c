"""What a person types. Each command's module is imported when it is used, so that all of them start fast."""

import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from trireme.base.errors import TriremeError

EXIT_FAILED = 2
"""The command could not do what it was asked to. 1 is left to answers: degraded, or what SQL says."""

COMMANDS = {
    "status": "trireme.cli.status",
    "explain": "trireme.cli.explain",
    "recover": "trireme.cli.recover",
    "sql": "trireme.cli.sql",
    "switchover": "trireme.cli.switchover",
    "rebuild": "trireme.cli.rebuild",
    "sandbox": "trireme.sandbox.commands",
    "version": "trireme.cli.version",
    "agent": "trireme.cli.in_pods",
    "operator": "trireme.cli.in_pods",
    "arbitrator": "trireme.cli.in_pods",
    "secret": "trireme.cli.in_pods",
}
"""In the order of --help. A module has its application as NAME_app. The sandbox is mounted by name: it is a
layer beside this one."""


class Commands(TyperGroup):
    """The root command, which knows the others by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        command = get_command(getattr(module, f"{cmd_name}_app"))
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trireme {version('trireme')}")
        raise typer.Exit


@app.callback()
def trireme(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """MariaDB Galera Cluster on Kubernetes that forms itself, heals itself and never throws committed data away.

    All but sandbox find clusters through your kubeconfig, as kubectl does.
    Also installed as kubectl-trireme, so `kubectl trireme status` is the same.
    """


def main() -> int:
    """Run the command. What Trireme raises on purpose is one line on standard error and exit status 2."""
    program = Path(sys.argv[0]).name
    try:
        app(prog_name=program.replace("kubectl-", "kubectl "))
    except TriremeError as error:
        sys.stderr.write(f"trireme: {error}\n")
        return EXIT_FAILED
    return 0
