"""The one console script. What runs inside pods starts without the libraries that only a person's shell needs."""

import sys


def main() -> None:
    """``trireme`` and ``kubectl-trireme``. Exits with the command's status."""
    match sys.argv[1:]:
        case ["agent", *arguments]:
            from trireme.agent.main import main as run_agent  # noqa: PLC0415

            sys.exit(run_agent(arguments))
        case ["secret", *arguments]:
            from trireme.cli.secret import main as run_secret  # noqa: PLC0415

            sys.exit(run_secret(arguments))
        case _:
            from trireme.cli.app import main as run_app  # noqa: PLC0415

            run_app()
