"""Executes decisions. Each action is idempotent; long ones run beside the loop, one at a time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

from trireme.adapters.mariadb import datadir
from trireme.adapters.mariadb.first_start import Accounts, initialize
from trireme.adapters.mariadb.grastate import forget_position, write_position
from trireme.adapters.mariadb.recover import recover_position
from trireme.adapters.mariadb.status import Monitor
from trireme.adapters.peers import Peers, Silence
from trireme.adapters.signing import derive_password
from trireme.adapters.volume_owner import must_be_writable
from trireme.adapters.volume_writes import VolumeProbe
from trireme.agent.launcher import Launcher
from trireme.agent.member import Member
from trireme.api.report import Gap, GrantReply, GrantRequest, Phase, Report
from trireme.base.errors import PermanentError, TemporaryError, TriremeError
from trireme.core import branches, grants, situation
from trireme.core.cluster_conditions import describe_gap
from trireme.core.gaps import group_name, inherited, merged
from trireme.core.situation import (
    Action,
    AskGrants,
    Bootstrap,
    Campaign,
    Claim,
    Dismiss,
    DropHeir,
    Join,
    Launch,
)
from trireme.core.upgrading import downgrade
from trireme.manifests.server_config import GIVE_VOTE, MAKE_PRIMARY

log = logging.getLogger("trireme.agent")


class Actor:
    def __init__(
        self, member: Member, peers: Peers, launcher: Launcher, monitor: Monitor, token: bytes
    ) -> None:
        self._member = member
        self._monitor = monitor
        self._peers = peers
        self._launcher = launcher
        self._token = token
        self._volume = VolumeProbe(member.settings.record_dir)
        self._work: asyncio.Task[None] | None = None
        self.done = False

    async def act(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            try:
                await self._execute(action)
            except PermanentError as error:
                self._member.needs_person(str(error))
                log.error("%s", error)
            except (TriremeError, OSError) as error:
                self._member.failed(str(error))
                log.warning("%s", error)

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _execute(self, action: Action) -> None:  # noqa: PLR0912 - a closed union
        member = self._member
        match action:
            case situation.Inspect():
                await self._inspect()
            case situation.AskEngine():
                self._begin(Phase.RECOVERING, "asks the storage engine for its position", self._ask_engine)
            case AskGrants():
                await self._ask_grants(action)
            case situation.Withdraw(epoch=epoch):
                member.records.change(withdrawn=epoch)
                member.campaign = None
                log.info("withdrew its candidacy of epoch %d", epoch)
            case situation.Initialize():
                self._begin(Phase.INITIALIZING, "makes the first data directory", self._initialize)
            case Bootstrap():
                await self._bootstrap(action)
            case situation.Reform():
                self._write_gap(None)
                await self._monitor.execute(MAKE_PRIMARY)
                log.warning("made its group a Primary in place")
            case Join():
                self._begin(Phase.JOINING, "makes ready to join", partial(self._join, action))
            case situation.Learn() | situation.MarkStrayed():
                self._learn(action)
            case situation.StopServer(failed=failed):
                outside = member.status is not None and not member.status.primary
                if outside != member.records.record.outside:
                    member.records.change(outside=outside)
                self._launcher.begin_stop(failed)
            case situation.MarkSynced():
                await self._monitor.execute(GIVE_VOTE)
                copied = member.records.record.rebuild == "emptied"
                member.note_synced()
                if copied and not member.records.record.rebuild:
                    log.info("has a new copy of the data")
            case situation.Retire(why=why):
                if member.running:
                    log.warning("%s", why)
                    member.retire_since = time.monotonic()
            case situation.SetAside():
                self._begin(Phase.JOINING, "sets its data aside", partial(self._set_aside, action))
            case Claim() | DropHeir() | Dismiss():
                await self._move_role(action)
                return
            case situation.Exit():
                self.done = True
            case _:
                assert_never(action)
        member.wake.set()

    async def _move_role(self, action: Claim | DropHeir | Dismiss) -> None:
        """A drain goes on in memory even where the server does not answer just now."""
        member = self._member
        match action:
            case Claim(claim=claim):
                member.writer = claim
                if claim.ordinal != member.settings.ordinal:
                    member.heir = None
                log.info("the writer is member %d (term %d)", claim.ordinal, claim.term)
                member.wake.set()
            case DropHeir(why=why):
                log.warning("stays the writer: %s", why)
                member.heir, member.handover = None, why
                member.wake.set()
            case Dismiss(drain=drain, close=close, overdue=overdue):
                member.drain = drain
                if close:
                    log.info("asks %d clients to connect anew", len(close))
                    await self._monitor.close_clients(close, busy=overdue)
            case _:
                assert_never(action)

    async def _inspect(self) -> None:
        member = self._member
        await self._volume.check()
        facts = await asyncio.to_thread(datadir.inspect, member.settings.data_root)
        if facts.problem is not None or not facts.writable:
            found = facts.problem or f"{facts.root} is not writable"
            raise PermanentError(f"{found}; {must_be_writable(facts.root / datadir.DATA)}")
        if facts.foreign and facts.empty:
            raise PermanentError(
                f"{facts.root} holds {', '.join(facts.foreign)}, which Trireme did not put there; "
                f"if it is a data directory, move it to {facts.root / 'data'}, else choose an empty volume"
            )
        refusal = self._downgrade(facts)
        if refusal is not None:
            raise PermanentError(refusal)
        member.facts = facts
        verdict = member.verdict()
        log.info("data directory: %s", verdict.why if verdict else "not known")

    def _downgrade(self, facts: datadir.DirectoryFacts) -> str | None:
        """Asked before any server, even one that only looks, touches the directory."""
        if facts.empty:
            return None
        server = ".".join(map(str, self._launcher.binaries.version))
        return downgrade(facts.server_version or "", self._member.records.record.server, server)

    async def _ask_engine(self) -> None:
        member = self._member
        self._launcher.write_config(peers=(), donors=())
        recovered = await recover_position(
            self._launcher.binaries, member.settings.config_file, run_dir=member.settings.run_dir
        )
        member.recovered = recovered
        log.info("storage engine: %s", recovered.detail)
        if not recovered.engine_sound:
            member.last_failure = recovered.detail

    async def _initialize(self) -> None:
        member, settings = self._member, self._member.settings
        member.records.change(first_start="began")
        if member.facts is not None and not member.facts.empty:
            datadir.set_aside_alone(settings.data_root, "first start broke off", _stamp())
        accounts = Accounts(
            root_password=settings.secret("root-password"),
            database=settings.database or None,
            user=settings.user or None,
            password=settings.secret("password") if settings.user else None,
            sst_password=derive_password(self._token, "sst"),
            agent_password=derive_password(self._token, "agent"),
            upgrade_password=derive_password(self._token, "upgrade"),
        )
        self._launcher.write_config(peers=(), donors=())
        await initialize(
            self._launcher.binaries,
            settings.data_root,
            accounts,
            tmp_dir=settings.tmp_dir,
            config_file=settings.config_file,
        )
        member.records.change(first_start="done")
        member.forget_directory()

    def _learn(self, action: situation.Learn | situation.MarkStrayed) -> None:
        """What goes back further counts only as long as it ends with the view that this member was told of last."""
        member = self._member
        if isinstance(action, situation.MarkStrayed):
            member.records.change(strayed=action.view)
            return
        gaps, views, own = action.gaps, action.views, member.records.record.views
        further = views if views[-1:] == own[-1:] else own
        member.records.change(gaps=merged(member.records.record.gaps, gaps), views=further)
        for gap in gaps:
            log.warning("%s: data may be missing", describe_gap(gap))

    def _write_gap(self, gap: Gap | None) -> None:
        """What may be missing is on disk before the Primary is; it counts from that Primary's first view on."""
        records = self._member.records
        dated = replace(gap, at=_now()) if gap is not None else None
        if dated != records.record.pending_gap:
            records.change(pending_gap=dated)

    async def _bootstrap(self, action: Bootstrap) -> None:
        member = self._member
        self._write_gap(action.gap)
        if action.position is not None and action.position.known:
            write_position(member.settings.data_dir, action.position, safe_to_bootstrap=True)
        else:
            forget_position(member.settings.data_dir)
        record = member.records.record
        made = (record.pending_gap,) if record.pending_gap is not None else ()
        name = group_name(member.settings.cluster, (*record.gaps, *made))
        self._launcher.write_config(peers=(), donors=(), group_name=name)
        await self._launcher.start(
            Launch.BOOTSTRAP, unbroken=branches.goes_on(member.report(), action.succeeds)
        )

    async def _join(self, action: Join) -> None:
        member, root = self._member, self._member.settings.data_root
        if action.discard is not None and member.facts is not None and not member.facts.empty:
            if not member.facts.transfer_broke_off:
                await self._confirm_primary(action.addresses)
            await asyncio.to_thread(self._discard, action.discard)
        else:
            datadir.clean_transfer_leftovers(root)
            if action.position is not None:
                write_position(member.settings.data_dir, action.position, safe_to_bootstrap=False)
        member.settings.data_dir.mkdir(exist_ok=True)
        gaps = inherited(member.records.record.gaps, action.gaps)
        views = member.records.record.views if action.discard is None else ()
        last_view = None if action.forget_view else member.last_view
        member.records.change(
            joining=True, first_start=None, gaps=gaps, pending_gap=None, override=None,
            views=views if last_view is not None else (), whole=False, strayed=None, last_view=last_view,
        )  # fmt: skip
        member.unwritten = None
        self._launcher.write_config(
            peers=action.addresses,
            donors=action.donors,
            votes=action.votes,
            group_name=action.group_name,
        )
        await self._launcher.start(Launch.JOIN)

    async def _set_aside(self, action: situation.SetAside) -> None:
        """Crash-safe: until the record says that it is emptied, what is there is what was asked to be set aside."""
        member, root = self._member, self._member.settings.data_root
        await self._confirm_primary([each.address for each in member.answers.values() if each.primary])
        await asyncio.to_thread(datadir.give_up, root, action.reason, _stamp())
        last_view = None if action.forget_view else member.last_view
        member.records.change(
            rebuild="emptied", joining=True, first_start=None, views=(), strayed=None, last_view=last_view
        )
        member.unwritten = None
        member.forget_directory()
        log.warning("%s: the data directory is set aside", action.reason)

    async def _confirm_primary(self, addresses: Iterable[str]) -> None:
        """What is about to be moved aside would be the last copy if the Primary had gone meanwhile: one of these says
        that it lives, now (invariant 10). Raises TemporaryError."""
        said = await asyncio.gather(*(self._peers.report(address) for address in addresses))
        if not any(isinstance(answer, Report) and answer.primary for answer in said):
            raise TemporaryError("the Primary answers no more: nothing is moved aside before one does")

    def _discard(self, reason: str) -> None:
        """Move what may be worth a look aside (one copy is kept); a half-copied transfer is worth none.

        It goes as a whole: files without their marks would be taken for data.
        """
        member, root = self._member, self._member.settings.data_root
        if member.facts is not None and member.facts.transfer_broke_off:
            datadir.remove(root)
            return
        where = datadir.set_aside_alone(root, reason, _stamp())
        log.warning("%s: moved the old data directory to %s", reason, where)

    async def _ask_grants(self, action: AskGrants) -> None:
        """The candidacy is on disk before anyone is asked; the candidate's own grant is one of those it needs."""
        member, candidacy = self._member, action.candidacy
        if member.records.record.candidacy != candidacy:
            member.records.change(candidacy=candidacy)
        request = GrantRequest(candidacy=candidacy, candidate=member.report(), majority=action.majority)
        own = give_grant(member, request)
        others = [ordinal for ordinal in action.electorate if ordinal != member.settings.ordinal]
        asked = [self._peers.ask_grant(member.answers[ordinal].address, request) for ordinal in others]
        replies = dict(zip(others, await asyncio.gather(*asked), strict=True))
        granted = {o for o, reply in replies.items() if isinstance(reply, GrantReply) and reply.granted}
        refused = {o: _words(reply) for o, reply in replies.items() if o not in granted}
        (granted.add if own.granted else lambda o: refused.update({o: own.why}))(member.settings.ordinal)
        member.campaign = Campaign(candidacy=candidacy, granted=frozenset(granted), refused=refused)
        log.info(
            "epoch %d: granted by %s%s", candidacy.epoch, sorted(granted), f", {refused}" if refused else ""
        )

    def _begin(self, phase: Phase, why: str, work: Callable[[], Awaitable[None]]) -> None:
        if self._work is not None and not self._work.done():
            return
        self._member.busy = (phase, why)
        self._work = asyncio.create_task(self._run(work))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        member = self._member
        try:
            await work()
        except PermanentError as error:
            member.needs_person(str(error))
            log.error("%s", error)
        except (TriremeError, OSError) as error:
            member.forget_directory()
            member.failed(str(error))
            log.warning("%s", error)
        finally:
            member.busy = None
            member.wake.set()


def give_grant(member: Member, request: GrantRequest) -> GrantReply:
    """Judge a request by what this member is at this moment; a grant is on disk before it is given."""
    if member.busy is not None and request.candidate.ordinal != member.settings.ordinal:
        return GrantReply(granted=False, why=f"busy: {member.busy[1]}", voter=member.report())
    outcome = grants.judge_request(request, member.report(), member.answers, member.terms())
    if isinstance(outcome, grants.Refused):
        return GrantReply(granted=False, why=outcome.why, voter=member.report())
    if outcome.grant != member.records.record.grant:
        try:
            member.records.change(grant=outcome.grant)
            member.granted_at = time.monotonic()
        except OSError as error:
            why = f"its grant cannot be written down: {error.strerror}"
            return GrantReply(granted=False, why=why, voter=member.report())
        log.info("%s", outcome.why)
    return GrantReply(granted=True, why=outcome.why, voter=member.report())


def _words(reply: GrantReply | Silence) -> str:
    return reply.why


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
