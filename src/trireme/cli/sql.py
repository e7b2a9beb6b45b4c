"""``trireme sql``: the mariadb client on the writer, or on another member, inside its pod."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.adapters.pod_state import SERVER_CONTAINER
from trireme.adapters.remote_command import Container, Streams, run
from trireme.api.names import PRIMARY, SECONDARY
from trireme.base.errors import PermanentError
from trireme.cli import options
from trireme.cli.terminal import chunks_of, raw_terminal, standard_input, terminal_sizes, write_to
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.cluster_summary import summarize

CLIENT = r"""
user=$1 prompt=$2 bytes=$3
export TERM="$4" MARIADB_HISTFILE=/dev/null MYSQL_HISTFILE=/dev/null
shift 4
secret=${TRIREME_SECRET_DIR:-/etc/trireme/secret}
case $user in
    root) password=$(cat "$secret/root-password") || exit 2 ;;
    "${TRIREME_USER:-root}") password=$(cat "$secret/password") || exit 2 ;;
    *) password= ;;
esac
if [ "$password" ]; then
    password="password=\"$(printf %s "$password" | sed 's/[\\"]/\\&/g')\""
fi
exec 3<<END
[client]
user="$user"
socket="${TRIREME_RUN_DIR:-/run/mysqld}/mysqld.sock"
$password
END
set -- --defaults-file=/dev/fd/3 --prompt="$prompt" "$@"
if [ "$bytes" ]; then
    head -c "$bytes" | mariadb "$@"
else
    exec mariadb "$@"
fi
"""
"""What runs in the container. The client reads the password from a pipe: it is in no argument, environment or
file. Statements come by standard input, so they are in no argument list and in no audit log either; where their
length is known (``bytes``), the client sees their end even on a Kubernetes whose protocol cannot tell it.
"""


class Role(StrEnum):
    PRIMARY = PRIMARY
    SECONDARY = SECONDARY


class WithClientArguments(TyperCommand):
    """Leaves what stands after ``--`` to the mariadb client."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[CLIENT_ARGUMENTS] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


CLIENT_ARGUMENTS = "trireme.client_arguments"

sql_app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. ``member`` None means by role."""

    cluster: str | None
    member: int | None
    role: Role
    user: str
    statement: str | None
    client: Sequence[str]


@sql_app.command(cls=WithClientArguments)
def sql(
    ctx: typer.Context,
    *,
    cluster: options.ClusterName = None,
    statement: Annotated[
        str | None,
        typer.Option("--execute", "-e", metavar="STATEMENT", help="Run this instead of opening a shell."),
    ] = None,
    member: Annotated[
        int | None, typer.Option("--member", "-m", min=0, metavar="N", help="This member, whatever its role.")
    ] = None,
    role: Annotated[
        Role, typer.Option("--role", help="Which member, if --member does not say.")
    ] = Role.PRIMARY,
    user: Annotated[
        str,
        typer.Option(
            "--user", "-u", metavar="NAME", help="root and the application's user need no password."
        ),
    ] = "root",
    namespace: options.Namespace = None,
    context: options.Context = None,
    kubeconfig: options.Kubeconfig = None,
) -> None:
    """Open an SQL shell on the writer, or run statements from -e or from standard input.

    The mariadb client runs in the member's pod, on the server's socket:
    nothing has to be installed or reachable here. What stands after -- goes
    to it, for instance the name of a database:

        trireme sql -e 'SHOW TABLES' -- app
        trireme sql demo < dump.sql

    The password is read in the pod, from the Secret's file. You need the
    rights to get and create pods/exec, beside those of `trireme status`.

    Exit status: the client's; 2 if it could not be run.
    """
    access = options.access_for(namespace, context, kubeconfig)
    request = Request(
        cluster=cluster,
        member=member,
        role=role,
        user=user,
        statement=statement,
        client=ctx.meta[CLIENT_ARGUMENTS],
    )
    raise typer.Exit(asyncio.run(_sql(access, request)))


async def _sql(access: Access, request: Request) -> int:
    async with ClusterApi(access) as api:
        cluster = await options.the_cluster(api, access.namespace, request.cluster)
        chosen = choose_member(cluster, request)
        where = Container(namespace=cluster.namespace, pod=chosen.name, container=SERVER_CONTAINER)
        if request.statement is None and sys.stdin.isatty() and sys.stdout.isatty():
            return await _shell(api, where, request)
        return await _statements(api, where, request)


async def _shell(api: ClusterApi, where: Container, request: Request) -> int:
    streams = Streams(
        stdin=standard_input(),
        stdout=write_to(sys.stdout),
        stderr=write_to(sys.stderr),
        sizes=terminal_sizes(sys.stdout),
        ends=False,
    )
    with raw_terminal(sys.stdin):
        return await run(api, where, _command(where, request, length=None), streams)


async def _statements(api: ClusterApi, where: Container, request: Request) -> int:
    given = request.statement.encode() if request.statement is not None else None
    streams = Streams(
        stdin=standard_input() if given is None else chunks_of(given),
        stdout=write_to(sys.stdout),
        stderr=write_to(sys.stderr),
        ends=given is None,
    )
    return await run(
        api, where, _command(where, request, length=None if given is None else len(given)), streams
    )


def _command(where: Container, request: Request, *, length: int | None) -> list[str]:
    # The client prints tables where its input and output are terminals, which they are not for a statement.
    table = ["--table"] if length is not None and sys.stdout.isatty() else []
    prompt = f"{where.pod} [\\d]> "
    given = [request.user, prompt, "" if length is None else str(length), os.environ.get("TERM", "dumb")]
    return ["sh", "-c", CLIENT, "trireme-sql", *given, *table, *request.client]


def choose_member(cluster: Cluster, request: Request) -> Member:
    """Whom to connect to. PermanentError says why there is nobody, and what else is possible."""
    if request.member is not None:
        found = next((each for each in cluster.members if each.ordinal == request.member), None)
        if found is None or found.pod is None:
            raise PermanentError(
                f"{cluster.name} has no pod of member {request.member}: `trireme status` shows all"
            )
        return found
    if request.role is Role.PRIMARY:
        candidates = [cluster.writer] if cluster.writer is not None else []
    else:
        candidates = [each for each in cluster.members if each.ready and each.role == SECONDARY]
    if not candidates:
        wanted = "writer" if request.role is Role.PRIMARY else "ready secondary"
        raise PermanentError(
            f"{cluster.name} has no {wanted} now ({summarize(cluster).sentence}): "
            f"`trireme status` says why; --member N connects to one member all the same"
        )
    return candidates[0]
