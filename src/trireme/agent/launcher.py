"""Starts and stops the one server process, and keeps what is known of the member in step with it."""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import PurePosixPath

from trireme.adapters.cgroup import memory_kills, memory_limit
from trireme.adapters.dns import ordinal_of
from trireme.adapters.mariadb import datadir
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.first_start import SST_USER
from trireme.adapters.mariadb.log import ConnectionSeen, FatalSeen, LogEvent, TransferSeen, ViewSeen
from trireme.adapters.mariadb.notify import Notification, notify_command
from trireme.adapters.mariadb.process import Exit, Server
from trireme.adapters.signing import derive_password
from trireme.agent.member import Member
from trireme.agent.view_blocks import ViewBlocks
from trireme.api.position import View
from trireme.base.durable import write_durably
from trireme.core.situation import Launch
from trireme.core.upgrading import parse
from trireme.manifests.server_config import ServerConfig, render

log = logging.getLogger("trireme.agent")

FAILED_STOP_SECONDS = 15.0
"""For a server that left the group after a failed IST: seen to hang in "Shutdown replication" for minutes."""
KILL_RESERVE_SECONDS = 5.0
"""Before the pod's own deadline: time to reap, and to leave in words."""


class Launcher:
    def __init__(self, member: Member, binaries: Binaries, token: bytes) -> None:
        self.binaries = binaries
        self._member = member
        self._token = token
        self._advice = ""
        self._setting = False
        """A setting of the server that runs, or ran last, is one that it does not take."""
        self._blocks = ViewBlocks()
        self._lost: tuple[str, int] | None = None
        """Where the running server was as it last lost the Primary."""
        self._memory_kills = 0
        """As the running server was started."""
        self._stopping: asyncio.Task[Exit] | None = None
        self._watching: asyncio.Task[None] | None = None

    def config_text(
        self, peers: tuple[str, ...], donors: tuple[str, ...], *, votes: bool = True, group_name: str = ""
    ) -> str:
        """The configuration for one start. Raises PermanentError naming what of the user's text is refused.

        ``votes``: False for a member that joins without data. Its death in the state transfer would otherwise
        take the Primary from a donor that is alone with it.
        """
        settings = self._member.settings
        return render(
            ServerConfig(
                cluster=group_name or settings.cluster,
                node_name=settings.pod,
                address=settings.address,
                peers=peers,
                donors=donors,
                data_dir=PurePosixPath(settings.data_dir),
                run_dir=PurePosixPath(settings.run_dir),
                tmp_dir=PurePosixPath(settings.tmp_dir),
                provider=PurePosixPath(self.binaries.provider),
                notify_command=notify_command(settings.notify_socket),
                sst_user=SST_USER,
                sst_password=derive_password(self._token, "sst"),
                version=self.binaries.version,
                votes=votes,
                cpus=len(os.sched_getaffinity(0)),
                memory_bytes=memory_limit(),
                user_text=settings.user_config,
            )
        )

    def write_config(
        self, peers: tuple[str, ...], donors: tuple[str, ...], *, votes: bool = True, group_name: str = ""
    ) -> None:
        """``group_name``: of the group to join or to found; '' for a cluster that never left anybody behind."""
        text = self.config_text(peers, donors, votes=votes, group_name=group_name)
        self._member.group_name = group_name or self._member.settings.cluster
        write_durably(self._member.settings.config_file, text.encode(), mode=0o600)

    async def start(self, launch: Launch, *, unbroken: bool = False) -> None:
        """Start a server with the configuration written before, unless asked to stop meanwhile. ``unbroken``: its
        first Primary view follows the last one that this member was told of.

        Raises PermanentError, such as for a port in use.
        """
        member, settings = self._member, self._member.settings
        if member.stop_since is not None:
            return
        member.launch, member.status, member.was_connected = launch, None, False
        member.unbroken = unbroken
        member.first_view = member.drain = member.heir = member.non_primary_since = None
        member.variables, member.copied = {}, False
        member.progress, member.progress_at = None, time.monotonic()
        self._blocks, self._lost = ViewBlocks(), None
        self._advice, self._setting = "", False
        self._note_version()
        for name in datadir.drop_foreign_cache(settings.data_root, os.geteuid()):
            log.warning(
                "removed %s, which another uid wrote: Galera cannot open it, and makes a new one", name
            )
        server = Server(
            self.binaries,
            settings.config_file,
            address=settings.address,
            run_dir=settings.run_dir,
            tmp_dir=settings.tmp_dir,
            on_line=_forward,
            on_event=self._on_event,
        )
        member.server = server
        member.forget_directory()
        self._memory_kills = memory_kills()
        try:
            await server.start(new_cluster=launch is Launch.BOOTSTRAP)
        except BaseException:
            member.server = None
            raise
        log.info("started mariadbd (pid %s) to %s", server.pid, launch)
        self._stopping = None
        self._watching = asyncio.create_task(self._watch(server))

    def _note_version(self) -> None:
        """Durably, before the server may change what only its like can read."""
        records, own = self._member.records, ".".join(map(str, self.binaries.version))
        ran, empty = parse(records.record.server), not any(self._member.settings.data_dir.iterdir())
        if (empty or ran is None or ran < self.binaries.version) and records.record.server != own:
            records.change(server=own)

    def begin_stop(self, failed: str | None = None) -> None:
        """Stop the server in order; at the pod's deadline it is killed. Asked twice, it stops once.

        A server that ``failed`` (it left the group for good) may hang in its shutdown: it is killed soon, which
        its storage engine survives, and the next start waits as after any failure.
        """
        member = self._member
        if member.server is None or (self._stopping is not None and not self._stopping.done()):
            return
        log.info("stops mariadbd in order")
        deadline = self._seconds_left()
        if failed is not None:
            member.failed(failed)
            deadline = min(deadline, FAILED_STOP_SECONDS)
        self._stopping = asyncio.create_task(member.server.stop(deadline))

    async def close(self) -> None:
        if self._member.server is not None:
            await self._member.server.stop(self._seconds_left())
        if self._watching is not None:
            await self._watching

    async def on_notify(self, notification: Notification) -> None:
        """Called synchronously by the server as it installs a view: the view is on disk when this returns.

        A joiner is told views of the past too, with index -1: it was not in them.
        """
        member = self._member
        inside = notification.index is not None and notification.index >= 0
        if inside and notification.uuid is not None:
            found = (ordinal_of(item.name) for item in notification.members)
            member.group = tuple(sorted({ordinal for ordinal in found if ordinal is not None}))
            hosts = {item.host for item in notification.members if ordinal_of(item.name) is not None}
            member.group_addresses = frozenset(hosts - {""})
        if notification.primary and inside and notification.uuid and notification.members:
            names = frozenset(item.name for item in notification.members)
            number = await self._blocks.seqno(notification.uuid, names)
            if number is None:
                log.warning("the log did not tell the number of the view of %s", ", ".join(sorted(names)))
            seqno = number if number is not None else self._guess(notification.uuid)
            goes_on = member.unbroken or self._follows(notification.uuid, seqno)
            member.unbroken = goes_on and not self._blocks.take_missed()
            if member.first_view is None:
                member.first_view = seqno
            ordinals = sorted(o for o in map(ordinal_of, names) if o is not None)
            founded = member.launch is Launch.BOOTSTRAP and seqno == member.first_view
            view = View(notification.uuid, seqno, tuple(ordinals), founded)
            member.note_view(view, certain=number is not None)
        elif not notification.primary:
            member.note_loss()
        member.wake.set()

    def _follows(self, uuid: str, seqno: int) -> bool:
        """A Primary is there again, and nothing came in between: its view is next to what the server had as it lost it.

        What it has now says nothing of that: an increment, of all that it missed, may just have been applied.
        """
        joins = self._member.launch is Launch.JOIN and self._member.first_view is None
        return not joins and self._lost == (uuid, seqno - 1)

    def _guess(self, uuid: str) -> int:
        known = self._member.last_view
        return known.seqno + 1 if known is not None and known.uuid == uuid else 1

    def _on_event(self, event: LogEvent) -> None:
        member = self._member
        match event:
            case ViewSeen(primary=True):
                if event.own_index >= 0:
                    self._blocks.seen(event)
                    return  # the server's own notification wakes the agent, once the view is on disk
            case ViewSeen():
                self._lost = (event.uuid, event.seqno)
            case ConnectionSeen():
                pass
            case TransferSeen():
                member.copied |= (event.kind, event.role, event.step) == ("sst", "joiner", "completed")
                words = f"{event.kind.upper()} {event.step} ({event.role}{f', {event.peer}' if event.peer else ''})"
                log.info("state transfer: %s %s", words, event.detail)
            case FatalSeen():
                self._advice, self._setting = event.advice, event.setting
                if "Inconsistency detected" in event.line:
                    member.records.change(differs=True)
                log.error("%s", event.advice)
        member.wake.set()

    async def _watch(self, server: Server) -> None:
        ended = await server.wait()
        member = self._member
        member.server, member.status, member.launch, member.received_bytes = None, None, None, None
        member.retire_since = None
        member.forget_directory()
        if not ended.asked:
            member.restarts += 1
            said = ended.last_errors[-1] if ended.last_errors else "it said nothing"
            if ended.code == -signal.SIGKILL and memory_kills() > self._memory_kills:
                said = member.out_of_memory(memory_limit())
            ending = f"mariadbd ended with {ended.code}: {self._advice or said}"
            (member.needs_person if self._setting else member.failed)(ending)
            log.error("mariadbd ended with %d: %s", ended.code, said)
        else:
            log.info("mariadbd %s", "was killed" if ended.killed else f"stopped ({ended.code})")
        member.wake.set()

    def _seconds_left(self) -> float:
        settings, since = self._member.settings, self._member.stop_since
        used = time.monotonic() - since if since is not None else 0.0
        return max(settings.grace_seconds - used - KILL_RESERVE_SECONDS, 1.0)


def _forward(line: str) -> None:
    sys.stdout.write(line if line.endswith("\n") else line + "\n")
    sys.stdout.flush()
