"""The one console script. What runs inside pods starts without the libraries that only a person's shell needs."""

import importlib
import sys

IN_PODS = {
    "agent": "trireme.agent.entry",
    "arbitrator": "trireme.agent.voter",
    "operator": "trireme.operator.main",
    "secret": "trireme.cli.secret",
}
"""Modules whose ``main(arguments)`` runs the command and returns its exit status."""


def main() -> None:
    """``trireme`` and ``kubectl-trireme``. Exits with the command's status."""
    match sys.argv[1:]:
        case [("agent" | "arbitrator" | "operator" | "secret") as command, *arguments] if (
            "--help" not in arguments
        ):
            sys.exit(importlib.import_module(IN_PODS[command]).main(arguments))
        case _:
            sys.exit(importlib.import_module("trireme.cli.app").main())
