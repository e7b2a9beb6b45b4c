"""``trireme recover``: a person says who is to bootstrap where the members may not decide it, or settles a gap."""

import asyncio
import getpass
import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.base.errors import PermanentError
from trireme.cli import options
from trireme.cli.recovering import Asking, give_word
from trireme.cli.settling import settle_gap
from trireme.core.recovery import Choice

WAIT_SECONDS = 300.0

MemberName = Annotated[
    str | None,
    typer.Option("--member", "-m", metavar="MEMBER", help="Who bootstraps. Default: the best is proposed."),
]
Without = Annotated[
    str | None, typer.Option("--without", metavar="N,N", help="Ordinals that you say are gone for good.")
]
GiveUp = Annotated[
    list[str] | None,
    typer.Option("--give-up", metavar="UUID", help="A history whose data may be set aside. Repeatable."),
]
NewHistory = Annotated[
    bool, typer.Option("--new-history", help="MEMBER's position cannot be proved: its data begin a history.")
]
Settle = Annotated[
    bool, typer.Option("--settle", help="Say that what the cluster went on without was looked at.")
]
GapId = Annotated[
    str | None, typer.Option("--gap", metavar="ID", help="Which, with --settle. Default: the only open one.")
]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who you are. Default: the kubeconfig's user.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. What is given up must be named then.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and end.")]
Seconds = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to follow it.")]

recover_app = typer.Typer(add_completion=False)


@recover_app.command()
def recover(
    *,
    cluster: options.ClusterName = None,
    member: MemberName = None,
    without: Without = None,
    give_up: GiveUp = None,
    new_history: NewHistory = False,
    settle: Settle = False,
    gap: GapId = None,
    by: By = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    timeout: Seconds = WAIT_SECONDS,
    namespace: options.Namespace = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Go on where the members wait for a person: say who is to bootstrap.

    It shows what is known of every member, what it would do, and what may be
    lost; and asks. Nothing is deleted: what is given up is moved aside on its
    volume. Refused: while a Primary lives or an election goes on by itself, a
    member that does not answer, and a directory that is empty or half-copied.

    The agent is asked through the API server, signed with the token of the
    cluster's Secret: you need the rights to get that Secret and to create
    pods/proxy, beside those of `trireme status`.

    Exit status: 0 the cluster takes SQL (with --settle: it is settled; with
    --dry-run: shown); 2 refused, not confirmed, failed, or not done in time.
    """
    access = options.access_for(namespace, context, kubeconfig)
    who = by or access.who or getpass.getuser()
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asking = Asking(by=who, at=at, yes=yes, dry_run=dry_run, seconds=timeout)
    gone, histories = _ordinals(without), tuple(give_up) if give_up else None
    if settle:
        asyncio.run(_settle(access, cluster, gap, asking))
    else:
        choice = Choice(without=gone, give_up=histories, new_history=new_history)
        asyncio.run(_recover(access, (cluster, member), choice, asking))


async def _recover(
    access: Access, named: tuple[str | None, str | None], choice: Choice, asking: Asking
) -> None:
    async with ClusterApi(access) as api:
        await give_word(
            api, await options.the_cluster(api, access.namespace, named[0]), named[1], choice, asking
        )


async def _settle(access: Access, cluster: str | None, gap: str | None, asking: Asking) -> None:
    async with ClusterApi(access) as api:
        await settle_gap(api, await options.the_cluster(api, access.namespace, cluster), gap, asking)


def _ordinals(text: str | None) -> tuple[int, ...] | None:
    """``1,2``. Raises PermanentError."""
    if text is None:
        return None
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise PermanentError(f"--without {text}: expected ordinals, such as 1,2")
    return tuple(sorted({int(each) for each in text.split(",")}))
