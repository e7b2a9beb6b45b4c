"""A person says that what a cluster went on without was looked at: the condition DataAtRisk ends."""

import asyncio
import sys
import time

from rich.console import Group, RenderableType
from rich.text import Text

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.remote_agent import RemoteAgents
from trireme.api.commands import SETTLE_PATH, Settle
from trireme.api.report import Gap
from trireme.base.errors import PermanentError, TemporaryError
from trireme.cli import options
from trireme.cli.progress import Progress, confirmed
from trireme.cli.recovering import LOOK_SECONDS, Asking, error_console
from trireme.cli.status_text import hanging
from trireme.core.cluster_conditions import describe_gap, open_gaps
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.election import names

NEWS_SECONDS = 30.0
"""Members of one Primary learn it with their next look at each other, within seconds."""


async def settle_gap(api: ClusterApi, cluster: Cluster, named: str | None, asking: Asking) -> None:
    """Raises PermanentError where there is no such gap, nobody to tell, or it is not confirmed or refused."""
    gap, progress = _the_gap(cluster, named), Progress()
    _show(cluster, gap)
    if asking.dry_run:
        sys.stdout.write(f"{cluster.name}: nothing was done (--dry-run)\n")
        return
    if asking.yes and named is None:
        raise PermanentError(f"with --yes the gap must be named: `--settle --gap {gap.id} --yes`")
    if not asking.yes and not confirmed(cluster.name, "say that it was looked at"):
        raise PermanentError(f"{gap.id} is not settled: not confirmed, nothing was done")
    member = _whom(cluster, gap)
    reply = await RemoteAgents(api, cluster).command(member, SETTLE_PATH, Settle(gap=gap.id, by=asking.by))
    if not reply.accepted:
        raise PermanentError(f"{member.name} refuses: {reply.why}")
    progress.step(f"told {member.name}: {reply.why}")
    await _follow(api, cluster, gap, progress)
    sys.stdout.write(f"{cluster.name}: gap {gap.id} is settled by {asking.by}\n")


def _show(cluster: Cluster, gap: Gap) -> None:
    """On standard error: the result alone is the output."""
    lines: list[RenderableType] = [
        Text.assemble((cluster.name, "bold"), f": gap {gap.id}"),
        hanging("  - ", describe_gap(gap)),
    ]
    if gap.view is not None:
        view = f"the latest view known then: {names(gap.view.members)} from {gap.view.seqno} on"
        lines.append(hanging("  - ", view))
    where = "in aside/ on their volumes, or on disks that are gone"
    lines.append(hanging("  - ", f"what only they had is in no Primary: {where}"))
    console = error_console()
    console.print(Group(*lines, Text()))


def _the_gap(cluster: Cluster, named: str | None) -> Gap:
    found = open_gaps(cluster)
    chosen = [gap for gap in found if named is None or gap.id == named]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(gap.id for gap in found) or "none"
    if named is not None:
        raise PermanentError(f"{cluster.name} has no open gap {named}. It has: {known}")
    if not found:
        raise PermanentError(f"{cluster.name} has nothing to settle: nobody who answers knows of an open gap")
    raise PermanentError(f"{cluster.name} has several open gaps, name one with --gap: {known}")


def _whom(cluster: Cluster, gap: Gap) -> Member:
    """A member of the Primary that knows it; the writer first."""
    if not cluster.primaries:
        raise PermanentError(f"{cluster.name} has no Primary now: settle the gap when it has one")
    knowing = [
        each
        for each in cluster.primaries
        if each.report is not None and gap.id in {known.id for known in each.report.gaps}
    ]
    if not knowing:
        raise PermanentError(f"no member of the Primary knows of gap {gap.id} yet: ask again in a moment")
    return next((each for each in knowing if each is cluster.writer), knowing[0])


async def _follow(api: ClusterApi, cluster: Cluster, gap: Gap, progress: Progress) -> None:
    """Until all who answer from the Primary know it."""
    deadline = time.monotonic() + NEWS_SECONDS
    while time.monotonic() < deadline:
        now = await options.the_cluster(api, cluster.namespace, cluster.name)
        late = [
            each.name
            for each in now.primaries
            if each.report is not None
            and gap.id in {known.id for known in each.report.gaps if not known.settled}
        ]
        if not late:
            return
        progress.step(f"{', '.join(late)} to learn it")
        await asyncio.sleep(LOOK_SECONDS)
    raise TemporaryError(f"not everybody knows it within {NEWS_SECONDS:.0f} s; they learn it by themselves")
