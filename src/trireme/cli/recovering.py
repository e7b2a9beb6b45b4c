"""A person's word to one member: shown, confirmed, sent, and followed until the cluster takes SQL."""

import asyncio
import shlex
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.console import Console, Group, RenderableType
from rich.text import Text

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.remote_agent import RemoteAgents
from trireme.api.commands import RECOVER_PATH, Recover
from trireme.base.errors import PermanentError, TemporaryError, TriremeError
from trireme.cli import options
from trireme.cli.progress import Progress, confirmed
from trireme.cli.status import PIPE_COLUMNS
from trireme.cli.status_text import cluster_text, hanging
from trireme.core.cluster_conditions import open_gaps
from trireme.core.cluster_seen import Cluster
from trireme.core.cluster_summary import summarize
from trireme.core.election import names
from trireme.core.recovery import Choice, NotAllowed, Plan, plan

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, when, and how."""

    by: str
    at: str
    yes: bool
    dry_run: bool
    seconds: float


async def give_word(
    api: ClusterApi, cluster: Cluster, member: str | None, choice: Choice, asking: Asking
) -> None:
    """Raises PermanentError where it is not allowed, not confirmed, or refused; TemporaryError if not done in time."""
    if member is not None:
        choice = replace(choice, member=options.the_member(cluster, member).ordinal)
    planned = plan(cluster, choice)
    show(cluster, planned)
    if isinstance(planned, NotAllowed):
        raise PermanentError(f"{cluster.name} is not recovered: {planned.why}")
    _must_be_named(choice, planned, asking, cluster.name)
    if asking.dry_run:
        sys.stdout.write(f"{cluster.name}: nothing was done (--dry-run)\n")
        return
    if not asking.yes and not confirmed(cluster.name, "do it"):
        raise PermanentError(f"{cluster.name} is not recovered: not confirmed, nothing was done")
    progress = Progress()
    word = replace(planned.word, by=asking.by, at=asking.at)
    reply = await RemoteAgents(api, cluster).command(planned.candidate, RECOVER_PATH, Recover(override=word))
    if not reply.accepted:
        raise PermanentError(f"{planned.candidate.name} refuses: {reply.why}")
    progress.step(f"{asking.by} told {planned.candidate.name}: {reply.why}")
    await _follow(api, cluster, planned, progress, asking.seconds)


def _must_be_named(choice: Choice, planned: Plan, asking: Asking, cluster: str) -> None:
    """What nobody is asked about must have been said: a script shall not give up what its author never saw."""
    word = planned.word
    said = ["--member", str(word.candidate)]
    if word.without:
        said += ["--without", ",".join(map(str, word.without))]
    for uuid in word.give_up:
        said += ["--give-up", uuid]
    if word.new_history:
        said += ["--new-history"]
    complete = all(
        (
            choice.member is not None,
            choice.without is not None or not word.without,
            choice.give_up is not None or not word.give_up,
        )
    )
    if asking.yes and not asking.dry_run and not complete:
        raise PermanentError(
            "with --yes all of it must be named, as shown now: "
            f"`trireme recover {cluster} {shlex.join(said)} --yes`"
        )


def show(cluster: Cluster, planned: Plan | NotAllowed) -> None:
    """On standard error: the result alone is the output."""
    console = error_console()
    summary = replace(summarize(cluster), advice=())
    parts: list[RenderableType] = [cluster_text(cluster, summary, columns=console.width, wide=False)]
    if isinstance(planned, Plan):
        parts += _plan(planned)
    console.print(Group(*parts, Text()))


def error_console() -> Console:
    """As wide as the terminal; a pipe gets whole lines."""
    console = Console(highlight=False, stderr=True)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console


def _plan(planned: Plan) -> Iterable[RenderableType]:
    word = planned.word
    yield from (Text(), Text("What would be done", "bold"), hanging("  - ", planned.why))
    if word.without:
        yield hanging("  - ", f"it goes on without {names(word.without)}: by your word gone for good")
    if word.give_up:
        yield hanging("  - ", f"history {', '.join(word.give_up)} is given up")
    yield from (hanging("  - ", line) for line in planned.kept)
    yield from (Text(), Text("What may be lost", "bold"))
    yield from (hanging("  - ", line, "red") for line in planned.lost or ("nothing that anybody knows of",))
    yield from (hanging("  ! ", line, "yellow") for line in planned.warnings)


async def _follow(
    api: ClusterApi, cluster: Cluster, planned: Plan, progress: Progress, seconds: float
) -> None:
    """Until the cluster takes SQL. It goes on by itself when this is interrupted."""
    deadline, last = time.monotonic() + seconds, "nothing has happened yet"
    while time.monotonic() < deadline:
        try:
            now = await options.the_cluster(api, cluster.namespace, cluster.name)
        except TriremeError as error:
            last = str(error)
        else:
            if now.writer is not None and now.writer.ready:
                _done(now)
                return
            last = _step(now, planned.candidate.ordinal)
        progress.step(last)
        await asyncio.sleep(LOOK_SECONDS)
    raise TemporaryError(
        f"not done within {seconds:.0f} s: {last}. It goes on by itself: `trireme explain {cluster.name}`"
    )


def _step(now: Cluster, candidate: int) -> str:
    found = next((each for each in now.members if each.ordinal == candidate), None)
    return f"{found.name} {found.phase}: {found.why}" if found is not None else "its pod is gone"


def _done(now: Cluster) -> None:
    sys.stdout.write(f"{now.name} takes SQL: {summarize(now).sentence}\n")
    for gap in open_gaps(now):
        sys.stdout.write(
            f"{now.name}: data may be missing until somebody looked: `trireme explain {now.name}`, then "
            f"`trireme recover {now.name} --settle --gap {gap.id}`\n"
        )
