"""``trireme rebuild``: have one member take a new copy of the data from the others."""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.adapters.remote_agent import RemoteAgents, change_spec, find_resource
from trireme.api.commands import REBUILD_PATH, Rebuild
from trireme.api.report import Phase
from trireme.base.errors import PermanentError, TemporaryError
from trireme.cli import options
from trireme.cli.progress import Progress
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.writer import may_write

LOOK_SECONDS = 1.0
WAIT_SECONDS = 3600.0

rebuild_app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Wish:
    member: str
    cluster: str | None
    yes: bool
    seconds: float


@rebuild_app.command()
def rebuild(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="An ordinal or a pod's name.")],
    cluster: options.ClusterName = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait until it is done.")
    ] = WAIT_SECONDS,
    namespace: options.Namespace = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Have one member take a new copy of all data from the others.

    It leaves in order, sets its data directory aside (or removes it where
    there is no room for two), and joins by a full state transfer. This is
    refused unless another member is Synced with the same history.

    You need the rights of `trireme switchover`.

    Exit status: 0 done; 1 you said no; 2 refused, failed, or not done in time.
    """
    access = options.access_for(namespace, context, kubeconfig)
    raise typer.Exit(asyncio.run(_rebuild(access, Wish(member, cluster, yes, timeout))))


async def _rebuild(access: Access, wish: Wish) -> int:
    async with ClusterApi(access) as api:
        cluster = await options.the_cluster(api, access.namespace, wish.cluster)
        target = options.the_member(cluster, wish.member)
        sys.stderr.write(plan(cluster, target))
        if not wish.yes and not _agreed(target):
            return 1
        progress = Progress()
        progress.step(await _ask(api, cluster, target))
        await _follow(api, cluster, target, progress, wish.seconds)
        sys.stdout.write(f"{cluster.name}: {target.name} has a new copy of the data\n")
        return 0


def plan(cluster: Cluster, target: Member) -> str:
    """What will happen, for a person to agree to. PermanentError where it cannot be."""
    sources = [
        each.name
        for each in cluster.members
        if each.ordinal != target.ordinal and each.report is not None and may_write(each.report)
    ]
    if not sources:
        raise PermanentError(
            f"no other member of {cluster.name} is Synced: the data of {target.name} may be the only copy"
        )
    hands_over = (
        ["  It is the writer: another member takes over first.\n"] if cluster.writer == target else []
    )
    where = f" (position {target.position.seqno})" if target.position is not None else ""
    return "".join(
        [
            f"{target.name} is {target.phase}: {target.why or 'it says nothing'}\n",
            *hands_over,
            f"  It leaves the group, and {len(sources)} of {cluster.size} members serve meanwhile: ",
            f"{', '.join(sources)}.\n",
            f"  Its data directory{where} is set aside, or removed where there is no room for two.\n",
            "  It takes a full copy from one of the others, which can take hours.\n",
        ]
    )


def _agreed(target: Member) -> bool:
    if not sys.stdin.isatty():
        raise PermanentError("nobody is there to be asked: give --yes")
    return typer.confirm(f"Rebuild {target.name}?", err=True)


async def _ask(api: ClusterApi, cluster: Cluster, target: Member) -> str:
    if await find_resource(api, cluster) is not None:
        word = datetime.now(UTC).strftime("cli-%Y%m%dT%H%M%SZ")
        await change_spec(api, cluster, {"rebuild": {"podIndex": target.ordinal, "request": word}})
        return f"asked the operator by GaleraCluster {cluster.name}: rebuild {target.name}"
    wish = Rebuild(ordinal=target.ordinal, why="trireme rebuild")
    reply = await RemoteAgents(api, cluster).command(target, REBUILD_PATH, wish)
    if not reply.accepted:
        raise PermanentError(f"{target.name} refuses: {reply.why}")
    return f"asked {target.name}: {reply.why}"


async def _follow(
    api: ClusterApi, cluster: Cluster, target: Member, progress: Progress, seconds: float
) -> None:
    """Until the member was seen without its old data, and is Synced again. Silence is waited out."""
    deadline, begun = time.monotonic() + seconds, False
    while time.monotonic() < deadline:
        now = await options.the_cluster(api, cluster.namespace, cluster.name)
        found = options.the_member(now, target.name)
        report = found.report
        begun = begun or (report is not None and report.rebuilding)
        if report is not None and begun and not report.rebuilding and report.phase is Phase.SYNCED:
            progress.step(f"{target.name} is Synced")
            return
        progress.step(f"{target.name} is {found.phase}: {found.why or 'it says nothing'}")
        await asyncio.sleep(LOOK_SECONDS)
    raise TemporaryError(
        f"not done within {seconds:.0f} s; it goes on by itself: `trireme status {cluster.name}` shows how far it is"
    )
