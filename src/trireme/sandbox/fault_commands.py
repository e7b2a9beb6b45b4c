"""``trireme sandbox fault``: make parts of the sandbox fail on purpose."""

from pathlib import Path
from typing import Annotated

import typer

from trireme.base.errors import PermanentError
from trireme.sandbox.apiserver import faults as api_faults
from trireme.sandbox.dns import faults as dns_faults
from trireme.sandbox.folder import Folder, running_pid

fault_app = typer.Typer(no_args_is_help=True, help="Make parts of the sandbox fail on purpose.")

Dir = Annotated[
    Path, typer.Option("--dir", envvar="TRIREME_SANDBOX", help="The folder that holds all of it.")
]
DEFAULT_DIR = Path(".sandbox")


def running_folder(directory: Path) -> Folder:
    folder = Folder.at(directory)
    if running_pid(folder) is None:
        raise PermanentError(f"no sandbox runs in {folder.path}: start it with `trireme sandbox up`")
    return folder


def fault_lines(folder: Folder) -> list[str]:
    """One for each fault that is set."""
    return [
        *(f"DNS fault: {fault.mode} for {fault.names}" for fault in dns_faults.read_faults(folder.path)),
        *(f"API fault: {fault.mode} for {fault.users}" for fault in api_faults.read_faults(folder.path)),
    ]


@fault_app.command("dns")
def fault_dns(
    mode: Annotated[
        dns_faults.Mode | None, typer.Argument(help="How to fail; without it, say what fails now.")
    ] = None,
    *,
    names: Annotated[str, typer.Option(help="Only for names that match this shell pattern.")] = "*",
    seconds: Annotated[float, typer.Option(help="For delay: how late.")] = 5.0,
    address: Annotated[list[str] | None, typer.Option(help="For wrong: what to answer instead.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Answer truthfully again.")] = False,
    directory: Dir = DEFAULT_DIR,
) -> None:
    """Make the sandbox's DNS late, silent or wrong. It follows with the next query."""
    folder = running_folder(directory)
    if mode is dns_faults.Mode.WRONG and not address:
        raise PermanentError("fault dns wrong: say what to answer with --address")
    if mode is not None:
        dns_faults.write_faults(folder.path, (dns_faults.Fault(mode, names, seconds, tuple(address or ())),))
    elif clear:
        dns_faults.write_faults(folder.path, ())
    faults = dns_faults.read_faults(folder.path)
    for fault in faults:
        typer.echo(f"DNS answers to {fault.names}: {fault.mode}")
    if not faults:
        typer.echo("DNS answers truthfully.")


@fault_app.command("api")
def fault_api(
    mode: Annotated[
        api_faults.Mode | None, typer.Argument(help="How to fail; without it, say what fails now.")
    ] = None,
    *,
    users: Annotated[
        str,
        typer.Option(
            help="Only for users that match this shell pattern, for example 'system:serviceaccount:*'."
        ),
    ] = "*",
    seconds: Annotated[float, typer.Option(help="For slow: how late.")] = 5.0,
    code: Annotated[int, typer.Option(help="For error: 500 or 503.")] = 500,
    clear: Annotated[bool, typer.Option("--clear", help="Answer again.")] = False,
    directory: Dir = DEFAULT_DIR,
) -> None:
    """Make the sandbox's API server slow, failing, silent or unreachable. The pods go on."""
    folder = running_folder(directory)
    if code not in (500, 503):
        raise PermanentError(f"fault api error: --code is {code}: give 500 or 503")
    if mode is not None:
        api_faults.write_faults(folder.path, (api_faults.ApiFault(mode, users, seconds, code),))
    elif clear:
        api_faults.write_faults(folder.path, ())
    faults = api_faults.read_faults(folder.path)
    for fault in faults:
        typer.echo(f"The API server to {fault.users}: {fault.mode}")
    if not faults:
        typer.echo("The API server answers.")
