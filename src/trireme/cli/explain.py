"""``trireme explain``: what every member reported, and the decision that follows from it."""

import asyncio
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.base.errors import PermanentError
from trireme.cli import options
from trireme.cli.saved import read_saved
from trireme.cli.status import PIPE_COLUMNS
from trireme.cli.status_json import cluster_document
from trireme.cli.status_text import HEALTH_STYLES, hanging
from trireme.core.cluster_explained import Explanation, MemberExplained, explain
from trireme.core.cluster_seen import Cluster
from trireme.core.cluster_summary import Summary, summarize

explain_app = typer.Typer(add_completion=False)


class Output(StrEnum):
    JSON = "json"


@explain_app.command(name="explain")
def explain_command(
    *,
    cluster: options.ClusterName = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="What `-o json` of this or of status saved; - for a pipe."
        ),
    ] = None,
    output: Annotated[
        Output | None, typer.Option("--output", "-o", help="All of it, to be kept and explained later.")
    ] = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Explain what members decide and why, and what you may do.

    It shows what each member reported, who would bootstrap by the members' own
    rules, what comes next, and what is waited for and for how long.

    The members are asked through the API server, as by `trireme status`.
    With -f nobody is asked: it explains what was saved, wherever that was.

    Exit status: 0, or 2 where nobody answered or the command failed.
    """
    kubectl = options.kubectl_for(context, kubeconfig)
    if file is not None:
        found = _chosen(read_saved(file), cluster, file)
    else:
        found = asyncio.run(_look(options.access_for(namespace, context, kubeconfig), cluster))
    summary = summarize(found, kubectl=f"{kubectl} -n {found.namespace}")
    explanation = explain(found, summary.advice)
    if output is Output.JSON:
        document = {"clusters": [{**cluster_document(found, summary), "explanation": explanation}]}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    else:
        _print(found, summary, explanation)
    raise typer.Exit(0 if found.reports else 2)


async def _look(access: Access, name: str | None) -> Cluster:
    async with ClusterApi(access) as api:
        return await options.the_cluster(api, access.namespace, name)


def _chosen(clusters: list[Cluster], name: str | None, file: Path) -> Cluster:
    found = [each for each in clusters if name in (None, each.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in clusters) or "none"
    raise PermanentError(f"{file}: name one cluster of those in it: {names}")


def _print(cluster: Cluster, summary: Summary, explanation: Explanation) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    console.print(picture(cluster, summary, explanation))


def picture(cluster: Cluster, summary: Summary, explanation: Explanation) -> RenderableType:
    """In as many columns as there are; from 40 on it reads well."""
    parts: list[RenderableType] = [
        Text.assemble((cluster.name, "bold"), ": ", (summary.sentence, HEALTH_STYLES[summary.health])),
        Text(),
        hanging("Latest view  ", explanation.view),
    ]
    for each in explanation.members:
        parts += [Text(), *_member(each)]
    parts += [*_section("Gaps: the cluster went on without somebody", explanation.gaps)]
    parts += [Text(), Text(f"Decision: {explanation.decision}", "bold"), hanging("  ", explanation.reason)]
    parts += _section("What comes next", explanation.upcoming)
    parts += _section("What you may do", explanation.options, mark="-> ")
    return Group(*parts)


def _member(member: MemberExplained) -> Iterable[RenderableType]:
    head = f"{member.name}  {member.phase}"
    yield hanging(f"{head}  ", member.why) if member.why else Text(head)
    width = max(cell_len(name) for name, _ in member.facts) + 2
    for name, words in member.facts:
        yield hanging("  " + name.ljust(width), words, "dim")


def _section(title: str, lines: Iterable[str], mark: str = "- ") -> list[RenderableType]:
    shown = [hanging(f"  {mark}", line) for line in lines]
    return [Text(), Text(title, "bold"), *shown] if shown else []
