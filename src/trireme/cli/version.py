"""``trireme version``."""

import platform
from importlib.metadata import version as installed

import typer

version_app = typer.Typer(add_completion=False)


@version_app.command()
def version() -> None:
    """Print the version of Trireme and of the Python that runs it."""
    typer.echo(f"trireme {installed('trireme')} (Python {platform.python_version()})")
