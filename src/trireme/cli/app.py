"""What a person types, as one typer application. The sandbox's commands are mounted by name."""

import importlib
import sys

import typer

from trireme.base.errors import TriremeError

app = typer.Typer(
    name="trireme",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="MariaDB Galera Cluster on Kubernetes that forms itself, heals itself and never throws committed data away.",
)
# By name: the sandbox is a layer beside this one, and the rest of Trireme works without it.
app.add_typer(importlib.import_module("trireme.sandbox.commands").sandbox_app, name="sandbox")


def main() -> None:
    """Run the command. An error that Trireme raises on purpose is one line and exit status 1."""
    try:
        app()
    except TriremeError as error:
        sys.exit(f"trireme: {error}")
