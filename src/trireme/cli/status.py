"""``trireme status``: what a cluster's members do, and why."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.cluster_reader import read_clusters
from trireme.adapters.kubeconfig import Access
from trireme.base.errors import PermanentError
from trireme.cli import options
from trireme.cli.status_json import clusters_json, clusters_line
from trireme.cli.status_text import cluster_text, clusters_text
from trireme.cli.status_watch import Found, Watcher
from trireme.core.cluster_summary import Health, summarize

EXIT_STATUS = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.UNKNOWN: 2}
PIPE_COLUMNS = 100_000
"""What is not shown on a terminal is not wrapped."""

status_app = typer.Typer(add_completion=False)


class Output(StrEnum):
    WIDE = "wide"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Question:
    """What to show. ``namespace`` None means all of them, ``cluster`` None all that are there."""

    cluster: str | None
    namespace: str | None
    output: Output | None
    kubectl: str


@status_app.command()
def status(
    *,
    cluster: options.ClusterName = None,
    namespace: options.Namespace = None,
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Every cluster that you may see, a line each.")
    ] = False,
    output: Annotated[
        Output | None, typer.Option("--output", "-o", help="More columns, or everything as JSON.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show every change until Ctrl-C.")] = False,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Show a cluster's members: what each of them does, and why.

    The members are asked through the API server: you need the rights to list
    pods and StatefulSets, and to get pods/proxy. A member that does not
    answer is shown with the state of its pod. Of a GaleraCluster, settings
    that its operator refused and an update that is stuck are shown too.

    Of several clusters each has one line. Name one to see its members.

    Exit status: 0 healthy; 1 less than that, even if it only forms;
    2 nobody can tell, or the command failed.
    """
    access = options.access_for(namespace, context, kubeconfig)
    question = Question(
        cluster=cluster,
        namespace=None if all_namespaces else access.namespace,
        output=output,
        kubectl=options.kubectl_for(context, kubeconfig),
    )
    raise typer.Exit(asyncio.run(_status(access, question, watch=watch)))


async def _status(access: Access, question: Question, *, watch: bool) -> int:
    async with ClusterApi(access) as api:
        if not watch:
            found = await look(api, question)
            show(found, question)
            return exit_status(found)
        watcher = Watcher(
            look=lambda: look(api, question),
            draw=lambda found, columns: picture(found, question, columns),
            as_line=clusters_line if question.output is Output.JSON else None,
        )
        with suppress(asyncio.CancelledError):
            await watcher.run()
        return exit_status(watcher.last)


async def look(api: ClusterApi, question: Question) -> Found:
    """Ask everybody once. PermanentError if there is no such cluster."""
    clusters = await read_clusters(api, question.namespace, question.cluster)
    if not clusters:
        raise PermanentError(await options.missing(api, question.namespace, question.cluster))
    return [(each, summarize(each, kubectl=f"{question.kubectl} -n {each.namespace}")) for each in clusters]


def show(found: Found, question: Question) -> None:
    """Once. Wrapped for a terminal only: what goes into a pipe has one line for each member."""
    if question.output is Output.JSON:
        sys.stdout.write(clusters_json(found) + "\n")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    console.print(picture(found, question, console.width))


def picture(found: Found, question: Question, columns: int) -> RenderableType:
    """One cluster in full, several with a line each."""
    if len(found) == 1 and question.namespace is not None:
        (cluster, summary), *_ = found
        return cluster_text(cluster, summary, columns=columns, wide=question.output is Output.WIDE)
    return clusters_text(found, namespaces=question.namespace is None)


def exit_status(found: Found) -> int:
    """The worst; 2 where nothing was found."""
    return max((EXIT_STATUS[summary.health] for _, summary in found), default=EXIT_STATUS[Health.UNKNOWN])
