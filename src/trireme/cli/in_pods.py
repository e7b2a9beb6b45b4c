"""Help for the commands that pods run. :mod:`trireme.cli.main` runs them, before any of this is imported."""

from typing import Annotated

import typer

PANEL = "Run by pods"

agent_app = typer.Typer(add_completion=False)
operator_app = typer.Typer(add_completion=False)
arbitrator_app = typer.Typer(add_completion=False)
secret_app = typer.Typer(add_completion=False)


@agent_app.command(rich_help_panel=PANEL)
def agent(
    action: str = typer.Argument("", metavar="render", help="Print mariadbd's configuration and stop."),
) -> None:
    """Run one database member: the first process of its pod.

    Its settings are TRIREME_* environment variables: see docs/agent.md.
    """


@operator_app.command(rich_help_panel=PANEL)
def operator(
    namespace: Annotated[
        list[str] | None,
        typer.Option("-n", "--namespace", help="Only this namespace; may be repeated. Default: all."),
    ] = None,
) -> None:
    """Keep GaleraClusters as they are declared.

    Its settings are TRIREME_* environment variables: see docs/operator.md.
    """


@arbitrator_app.command(rich_help_panel=PANEL)
def arbitrator() -> None:
    """Vote in a cluster's Primary without holding data: garbd, in a pod of its own.

    Its settings are TRIREME_* environment variables: see docs/agent.md.
    """


@secret_app.command(rich_help_panel=PANEL)
def secret(
    action: str = typer.Argument(..., metavar="provide", help="Write the cluster's Secret as files."),
) -> None:
    """Hand the cluster's Secret to the agent: the init container of a database pod.

    Member 0 generates what the Secret lacks, at the first start only: see docs/plain.md.
    """
