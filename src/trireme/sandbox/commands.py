"""``trireme sandbox``: start and stop it, apply manifests to it, look at it, make its DNS fail."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from trireme.base.durable import write_durably
from trireme.base.errors import PermanentError, TemporaryError
from trireme.sandbox.client import Client
from trireme.sandbox.display import Display, every
from trireme.sandbox.fault_commands import DEFAULT_DIR, Dir, fault_app, fault_lines, running_folder
from trireme.sandbox.folder import Folder, running_pid
from trireme.sandbox.launching import kubectl_command, kubectl_environment, start, stop
from trireme.sandbox.node.image import read_images, unusable
from trireme.sandbox.node.preflight import check_containers
from trireme.sandbox.progress import (
    GALERA_CLUSTERS,
    SetRef,
    connect_lines,
    observe,
    passing,
    pod_state,
    set_refs,
    warnings,
)

NOT_RUNNING = 3
"""Exit status of `status` when there is no sandbox, as the Linux Standard Base has it for services."""

LOOK_SECONDS = 0.3

sandbox_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="A Kubernetes of this machine's own processes, to try and test.",
)
sandbox_app.add_typer(fault_app, name="fault")

Kustomization = Annotated[Path | None, typer.Option("-k", "--kustomize", help="Apply this kustomization.")]
Filename = Annotated[Path | None, typer.Option("-f", "--filename", help="Apply this file or folder.")]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image", help="NAME=ROOT: the image NAME is the directory ROOT, an image's root. Can be repeated."
    ),
]
Seconds = Annotated[float, typer.Option("--timeout", help="Seconds to wait until all members are ready.")]


@sandbox_app.command()
def up(
    kustomize: Kustomization = None,
    filename: Filename = None,
    directory: Dir = DEFAULT_DIR,
    image: Images = None,
    timeout: Seconds = 300.0,
) -> None:
    """Start the sandbox in the background; with -k or -f apply manifests and wait until they are ready."""
    folder = Folder.at(directory)
    images = dict(_image(each) for each in image or ())
    if images:
        folder.create()
        write_durably(
            folder.images, json.dumps({**read_images(folder.images), **images}, default=str).encode()
        )
    if running_pid(folder) is None:
        check_containers()
        start(folder)
        typer.echo(f"The sandbox runs (API {_server(folder)}, folder {folder.path}).")
    else:
        typer.echo(f"The sandbox in {folder.path} runs already.")
    source = _source(kustomize, filename)
    if source:
        _apply_and_wait(folder, source, timeout)
    typer.echo(f"\nTo use kubectl:  export KUBECONFIG={folder.kubeconfig}")


def _image(text: str) -> tuple[str, Path]:
    """Raises PermanentError for what is no NAME=ROOT, or no image's root."""
    name, _, root = text.partition("=")
    why = unusable(Path(root).absolute()) if name and root else "expected NAME=ROOT"
    if why is not None:
        raise PermanentError(f"--image {text}: {why}")
    return name, Path(root).absolute()


@sandbox_app.command()
def apply(
    kustomize: Kustomization = None,
    filename: Filename = None,
    directory: Dir = DEFAULT_DIR,
    wait: Annotated[bool, typer.Option(help="Wait until all members are ready.")] = True,
    timeout: Seconds = 300.0,
) -> None:
    """Apply manifests with kubectl."""
    folder = running_folder(directory)
    source = _source(kustomize, filename)
    if not source:
        raise PermanentError("nothing to apply: give -k FOLDER or -f FILE")
    if wait:
        _apply_and_wait(folder, source, timeout)
    else:
        _kubectl_apply(folder, source)


@sandbox_app.command()
def down(
    directory: Dir = DEFAULT_DIR,
    purge: Annotated[
        bool, typer.Option("--purge", "--delete-data", help="Remove the folder, data and all.")
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Kill the pods instead of ending them in order.")
    ] = False,
) -> None:
    """Stop the sandbox and its pods, and nothing else. Objects and volumes are kept unless --purge."""
    folder = Folder.at(directory)
    left = _Left(folder)
    if stop(folder, at_once=now or purge, waiting=left.report):
        typer.echo(f"The sandbox in {folder.path} is stopped.")
    else:
        typer.echo(f"No sandbox runs in {folder.path}.")
    if purge and folder.path.exists():
        if not folder.lock.exists():
            raise PermanentError(f"{folder.path} does not look like a sandbox's folder: it is not removed")
        shutil.rmtree(folder.path)
        typer.echo(f"{folder.path} is removed.")


@sandbox_app.command()
def status(directory: Dir = DEFAULT_DIR) -> None:
    """What runs in the sandbox. Exit status 3 if it does not run."""
    folder = Folder.at(directory)
    pid = running_pid(folder)
    if pid is None:
        typer.echo(f"No sandbox runs in {folder.path}.")
        raise typer.Exit(NOT_RUNNING)
    client = Client(folder.kubeconfig)
    typer.echo(f"The sandbox in {folder.path} runs: process {pid}, API {_server(folder)}.")
    for line in fault_lines(folder):
        typer.echo(line)
    try:
        _list_objects(client)
    except TemporaryError as error:
        typer.echo(f"  no list of pods: {error}")


def _list_objects(client: Client) -> None:
    for pod in client.list("/api/v1/pods"):
        metadata = pod["metadata"]
        phase, why = pod_state(pod)
        address = (pod.get("status") or {}).get("podIP", "-")
        typer.echo(f"  pod {metadata['namespace']}/{metadata['name']}  {phase}  {address}  {why}".rstrip())
    for service in client.list("/api/v1/services"):
        metadata, spec = service["metadata"], service["spec"]
        if spec.get("clusterIP") not in (None, "", "None"):
            ports = ",".join(str(port["port"]) for port in spec.get("ports") or ())
            typer.echo(f"  service {metadata['namespace']}/{metadata['name']}  {spec['clusterIP']}:{ports}")


@sandbox_app.command(
    context_settings={
        "allow_extra_args": True,
        "allow_interspersed_args": False,  # what follows kubectl's own command, "--" too, is kubectl's
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def kubectl(context: typer.Context) -> None:
    """Run kubectl on the sandbox; every argument goes to it. The folder is .sandbox or $TRIREME_SANDBOX."""
    folder = running_folder(Path(os.environ.get("TRIREME_SANDBOX") or DEFAULT_DIR))
    command = kubectl_command(folder, context.args)
    os.execve(command[0], command, kubectl_environment(folder))  # noqa: S606 - replaces this process


@sandbox_app.command()
def env(directory: Dir = DEFAULT_DIR) -> None:
    """Print what a shell needs: eval "$(trireme sandbox env)"."""
    typer.echo(f"export KUBECONFIG={Folder.at(directory).kubeconfig}")


@sandbox_app.command()
def log(
    directory: Dir = DEFAULT_DIR,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
) -> None:
    """The sandbox's own log. Pods' logs: kubectl logs."""
    folder = Folder.at(directory)
    if not folder.log.exists():
        raise PermanentError(f"{folder.log} does not exist: no sandbox ever ran in {folder.path}")
    command = ["tail", "-n", "200", *(["-F"] if follow else []), str(folder.log)]
    os.execvp(command[0], command)  # noqa: S606 - replaces this process


class _Left:
    """Says which pods are still ending, once a second at most."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._next = time.monotonic() + 1.0
        self._said = ""

    def report(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1.0
        try:
            pods = Client(self._folder.kubeconfig).list("/api/v1/pods")
        except (PermanentError, TemporaryError):
            return
        alive = [pod["metadata"]["name"] for pod in pods if pod_state(pod)[0] == "Running"]
        line = f"waiting until these end: {', '.join(alive)}" if alive else ""
        if line and line != self._said:
            typer.echo(line)
        self._said = line


def _server(folder: Folder) -> str:
    return Client(folder.kubeconfig).server


def _source(kustomize: Path | None, filename: Path | None) -> list[str]:
    if kustomize is not None and filename is not None:
        raise PermanentError("give -k or -f, not both")
    if kustomize is not None:
        return ["-k", str(kustomize)]
    return ["-f", str(filename)] if filename is not None else []


def _kubectl_apply(folder: Folder, source: list[str]) -> list[str]:
    """Its output lines, which are shown too. Exits with kubectl's status when that fails."""
    command = kubectl_command(folder, ["apply", *source])
    done = subprocess.run(
        command, env=kubectl_environment(folder), stdout=subprocess.PIPE, text=True, check=False
    )
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode:
        raise typer.Exit(done.returncode)
    return done.stdout.splitlines()


def _apply_and_wait(folder: Folder, source: list[str], seconds: float) -> None:
    applied = _kubectl_apply(folder, source)
    client = Client(folder.kubeconfig)
    sets = client.list("/apis/apps/v1/statefulsets")
    if any(line.startswith("galeracluster.") for line in applied):
        sets += client.list(GALERA_CLUSTERS)
    refs = set_refs(applied, "default", sets)
    if refs and not _wait(client, refs, seconds):
        typer.echo(
            f"\nNot ready after {seconds:.0f} s; it goes on by itself. Look closer with\n"
            f"  trireme sandbox kubectl describe pod {refs[0].name}-0\n"
            f"  trireme sandbox kubectl logs {refs[0].name}-0\n"
            f"  {folder.log}",
            err=True,
        )
        raise typer.Exit(1)
    for ref in refs:
        lines = connect_lines(client, ref)
        if lines:
            typer.echo(f"\nTo connect to {ref.name}:")
        for line in lines:
            typer.echo(f"  {line}")


def _wait(client: Client, refs: list[SetRef], seconds: float) -> bool:
    """Show progress until every set is settled. False when the time is over."""
    seen: set[str] = set()
    for ref in refs:
        warnings(client, ref.namespace, seen)
    with Display() as display:

        def look() -> bool:
            try:
                states = [(ref, observe(client, ref)) for ref in refs]
                fresh = [line for ref in refs for line in warnings(client, ref.namespace, seen)]
            except TemporaryError as error:
                display.say(str(error))
                return False
            for line in fresh:
                if not passing(line):
                    display.say(f"warning: {line}")
            display.show(states)
            return all(progress.settled for _, progress in states)

        settled = every(LOOK_SECONDS, time.monotonic() + seconds, look)
        if settled:
            display.say(f"Ready after {display.seconds:.1f} s.")
    return settled
