"""``trireme switchover``: hand the writer's role to another member, and wait until clients are led there."""

import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import typer

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.adapters.remote_agent import RemoteAgents, change_spec, find_resource
from trireme.api.commands import SWITCHOVER_PATH, Switchover
from trireme.base.errors import PermanentError, TemporaryError
from trireme.cli import options
from trireme.cli.progress import Progress
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.cluster_summary import summarize
from trireme.core.writer import may_write

WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.3
"""Between two looks at the members, while the role moves. It takes about a second."""

switchover_app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """``to`` None: the best secondary."""

    cluster: str | None
    to: str | None
    seconds: float


@switchover_app.command()
def switchover(
    *,
    cluster: options.ClusterName = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="MEMBER", help="An ordinal or a pod's name. Default: the best secondary."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait until it is done.")
    ] = WAIT_SECONDS,
    namespace: options.Namespace = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Hand the writer's role to another member, and wait until clients are led there.

    The old writer serves until then. Afterwards it closes its idle clients'
    connections, so that they come to the new one; transactions may finish.

    Where a GaleraCluster of that name exists, its spec.primary is changed,
    and the operator acts: you need the rights to get and patch
    galeraclusters. Otherwise the writer's agent is asked, signed with the
    token of the cluster's Secret: you need the rights to get that Secret and
    to create pods/proxy. Both beside the rights of `trireme status`.

    Exit status: 0 done; 2 refused, failed, or not done in time.
    """
    access = options.access_for(namespace, context, kubeconfig)
    asyncio.run(_switchover(access, Wish(cluster, to, timeout)))


async def _switchover(access: Access, wish: Wish) -> None:
    async with ClusterApi(access) as api:
        before = await options.the_cluster(api, access.namespace, wish.cluster)
        old = the_writer(before)
        target = options.the_member(before, wish.to) if wish.to is not None else best_secondary(before, old)
        if target.ordinal == old.ordinal:
            sys.stdout.write(f"{before.name}: {old.name} is the writer already\n")
            return
        progress = Progress()
        progress.say(f"{before.name}: the writer is {old.name}; {target.name} is to take over")
        by = await _ask(api, before, old, target)
        progress.step(f"{by}: hand the role to {target.name}")
        await _follow(api, before, (old, target), progress, wish.seconds)
        sys.stdout.write(f"{before.name}: the writer is {target.name}, was {old.name}\n")


async def _ask(api: ClusterApi, cluster: Cluster, old: Member, target: Member) -> str:
    """Have it done; who was asked. A spec that says so already was fulfilled once, and is not acted upon again."""
    resource = await find_resource(api, cluster)
    if resource is not None:
        named = ((resource.get("spec") or {}).get("primary") or {}).get("podIndex")
        if named != target.ordinal:
            await change_spec(api, cluster, {"primary": {"podIndex": target.ordinal}})
            return f"asked the operator by GaleraCluster {cluster.name}"
    reply = await RemoteAgents(api, cluster).command(old, SWITCHOVER_PATH, Switchover(to=target.ordinal))
    if not reply.accepted:
        raise PermanentError(f"{old.name} refuses: {reply.why}")
    return f"asked {old.name}"


async def _follow(
    api: ClusterApi, cluster: Cluster, pair: tuple[Member, Member], progress: Progress, seconds: float
) -> None:
    """Until the target has the role and clients are led to it. PermanentError where that came to nothing."""
    old, target = pair
    deadline, last = time.monotonic() + seconds, "nothing has happened yet"
    earlier = old.report.handover if old.report is not None else ""
    named = False
    while time.monotonic() < deadline:
        now = await options.the_cluster(api, cluster.namespace, cluster.name)
        found = {each.ordinal: each.report for each in now.members}
        was, new = found.get(old.ordinal), found.get(target.ordinal)
        writer = now.writer
        if writer is not None and writer.ordinal == target.ordinal and new is not None:
            if not new.unrouted:
                progress.step(f"{target.name} has the role, and clients are led to it")
                return
            last = f"{target.name} has the role; its pod's label does not lead clients to it yet"
        elif writer is not None and writer.ordinal not in (old.ordinal, target.ordinal):
            raise PermanentError(
                f"{writer.name} became the writer instead: `trireme status {cluster.name}` says why"
            )
        elif was is not None and was.handover and was.heir is None and (named or was.handover != earlier):
            raise PermanentError(f"{old.name} stays the writer: {was.handover}")
        elif was is not None and was.heir == target.ordinal:
            named, last = True, f"{old.name} serves until {target.name} takes the role"
        progress.step(last)
        await asyncio.sleep(LOOK_SECONDS)
    raise TemporaryError(
        f"not done within {seconds:.0f} s: {last}. It may still happen: `trireme status {cluster.name}`"
    )


def the_writer(cluster: Cluster) -> Member:
    """PermanentError where there is none."""
    if cluster.writer is None:
        raise PermanentError(
            f"{cluster.name} has no writer now ({summarize(cluster).sentence}): `trireme status` says why"
        )
    return cluster.writer


def best_secondary(cluster: Cluster, writer: Member) -> Member:
    """As the writer's agent would choose: the lowest ordinal that is Synced."""
    able = [
        each
        for each in cluster.members
        if each.ordinal != writer.ordinal and each.report is not None and may_write(each.report)
    ]
    if not able:
        raise PermanentError(
            f"no other member of {cluster.name} is Synced: nobody can take the role from {writer.name}"
        )
    return able[0]
