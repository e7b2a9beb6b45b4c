"""``trireme recover`` against a Kubernetes API on a real socket: shown, confirmed, signed, followed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.unit.cli_kubernetes import AGENTS_TOKEN, FakeKubernetes, status_of
from tests.unit.core.builders import OTHER_HISTORY, gap, member
from tests.unit.core.seen import answering, silent, synced
from tests.unit.test_cli_status import TRIREME, Ran, environment
from trireme.api.commands import RECOVER_PATH, SETTLE_PATH, CommandReply, Recover, Settle
from trireme.api.report import Override, Phase
from trireme.core.cluster_seen import Member

LAST = answering(member(0).crashed(1234).in_view(17, 0, 1, 2), Phase.WAITING, "waits", hears=())
LOST = gap(1234, 1, 2, by="alice", at="2026-11-25T03:00:00Z")


class Cluster:
    """Its members, and the one whose agent is told."""

    def __init__(self, *members: Member, refuses: str = "") -> None:
        self.kubernetes = FakeKubernetes()
        self.kubernetes.add_cluster("demo", *members)
        self.kubernetes.secrets["default", "demo"] = {"token": AGENTS_TOKEN.decode()}
        for each in members:
            self.kubernetes.agents["default", each.name] = self._command
        self.refuses = refuses
        self.words: list[Override] = []
        self.settled: list[Settle] = []

    def _command(self, path: str, body: bytes) -> CommandReply:
        if self.refuses:
            return CommandReply(accepted=False, why=self.refuses)
        if path == RECOVER_PATH:
            self.words.append(msgspec.json.decode(body, type=Recover).override)
            alone = synced(self.words[-1].candidate, writer=self.words[-1].candidate, size=1)
            self._becomes(alone)
        else:
            assert path == SETTLE_PATH
            self.settled.append(msgspec.json.decode(body, type=Settle))
            self._becomes(after_the_gap(settled=self.settled[-1].by))
        return CommandReply(accepted=True, why="as you wish")

    def _becomes(self, found: Member) -> None:
        self.kubernetes.statuses["default", found.name] = status_of(found)


def after_the_gap(settled: str = "") -> Member:
    found = synced(0, size=1)
    assert found.answer is not None
    report = replace(found.answer.report, gaps=(replace(LOST, settled=settled),))
    return replace(found, answer=replace(found.answer, report=report))


async def run(cluster: Cluster, folder: Path, *arguments: str, types: str = "") -> Ran:
    async with cluster.kubernetes.serving() as kubernetes:
        process = await asyncio.create_subprocess_exec(
            TRIREME,
            "recover",
            *arguments,
            env=environment(kubernetes.kubeconfig(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(types.encode()), 30)
    assert b"Traceback" not in err
    assert AGENTS_TOKEN not in out + err
    return Ran(process.returncode or 0, out.decode(), err.decode())


async def test_it_shows_asks_tells_the_best_member_and_follows(tmp_path: Path) -> None:
    cluster = Cluster(LAST, silent(1), silent(2))
    ran = await run(cluster, tmp_path, types="demo\n")
    assert ran.status == 0, ran.err
    assert ran.out.startswith("demo takes SQL: 1 of 3 Synced, writer demo-0")
    for said in (
        "member 0 bootstraps, crashed, at 11111111-1111-1111-1111-111111111111:1234: only it answers",
        "it goes on without members 1, 2: by your word gone for good",
        "member 2 (its pod: Running, silent for at least 5 min) was in the latest view known (from 17 on)",
        "transactions after 1234 that only it has are missing",
        "told demo-0: as you wish",
    ):
        assert said in ran.err
    (word,) = cluster.words
    assert (word.candidate, word.volume, word.without, word.shown) == (0, "volume-0", (1, 2), ((0, 1234),))
    assert word.by == "eve"
    assert word.at.endswith("Z")


@pytest.mark.parametrize("typed", ["", "yes\n", "dem\n"])
async def test_without_the_clusters_name_nothing_is_done(typed: str, tmp_path: Path) -> None:
    cluster = Cluster(LAST, silent(1), silent(2))
    ran = await run(cluster, tmp_path, types=typed)
    assert ran.status == 2
    assert "demo is not recovered: not confirmed, nothing was done" in ran.err
    assert cluster.words == []


async def test_with_yes_all_that_is_given_up_must_be_named(tmp_path: Path) -> None:
    cluster = Cluster(LAST, silent(1), silent(2))
    ran = await run(cluster, tmp_path, "--yes")
    assert ran.status == 2
    named = "trireme recover demo --member 0 --without 1,2 --yes"
    assert f"with --yes all of it must be named, as shown now: `{named}`" in ran.err
    assert cluster.words == []
    ran = await run(cluster, tmp_path, *named.split()[2:], "--by", "alice")
    assert ran.status == 0
    assert cluster.words[0].by == "alice"


async def test_a_dry_run_shows_and_does_nothing(tmp_path: Path) -> None:
    cluster = Cluster(LAST, silent(1), silent(2))
    ran = await run(cluster, tmp_path, "--dry-run", "--yes")
    assert (ran.status, ran.out) == (0, "demo: nothing was done (--dry-run)\n")
    assert "What may be lost" in ran.err
    assert cluster.words == []


async def test_between_two_histories_a_person_chooses(tmp_path: Path) -> None:
    other = member(1).crashed(900, OTHER_HISTORY).in_view(8, 1, history=OTHER_HISTORY)
    cluster = Cluster(
        answering(member(0).crashed(1234).in_view(17, 0, 1, 2), Phase.BLOCKED, "split history", hears=(1,)),
        answering(other, Phase.BLOCKED, "split history", hears=(0,)),
        silent(2),
    )
    ran = await run(cluster, tmp_path, types="demo\n")
    assert ran.status == 2
    assert "two histories, which no seqno compares" in ran.err.splitlines()[-1]
    ran = await run(cluster, tmp_path, "--member", "demo-0", types="demo\n")
    assert ran.status == 0
    assert f"all that history {OTHER_HISTORY} has is moved aside" in ran.err
    assert cluster.words[0].give_up == (OTHER_HISTORY,)


async def test_failures_are_one_line_and_status_two(tmp_path: Path) -> None:
    async def fails(cluster: Cluster, said: str, *arguments: str) -> None:
        ran = await run(cluster, tmp_path, *arguments, types="demo\n")
        assert ran.status == 2
        assert said in ran.err.splitlines()[-1]

    healthy = Cluster(synced(0), synced(1), synced(2))
    await fails(healthy, "a Primary lives (members 0, 1, 2): there is nothing to recover")
    await fails(Cluster(LAST, silent(1), silent(2)), "expected ordinals, such as 1,2", "--without", "one")
    await fails(Cluster(LAST, silent(1), silent(2)), "member 1 does not answer", "--member", "1")
    await fails(Cluster(LAST, silent(1), silent(2)), "has no member 7", "--member", "7")
    await fails(Cluster(LAST, silent(1), silent(2), refuses="not so"), "trireme: demo-0 refuses: not so")
    idle = Cluster(LAST, silent(1), silent(2))
    idle.kubernetes.agents["default", "demo-0"] = lambda *_: CommandReply(accepted=True, why="")
    await fails(idle, "not done within 1 s: demo-0 Waiting: waits. It goes on by itself", "--timeout", "1")
    unknown = Cluster(LAST, silent(1), silent(2))
    unknown.kubernetes.secrets["default", "demo"] = {"token": "another-token-of-32-characters.."}
    await fails(unknown, "demo-0 knows another token than Secret demo")


async def test_a_gap_is_settled_once_somebody_looked(tmp_path: Path) -> None:
    cluster = Cluster(after_the_gap())
    ran = await run(cluster, tmp_path, "--settle", types="demo\n")
    assert (ran.status, ran.out) == (0, f"demo: gap {LOST.id} is settled by eve\n")
    assert "the cluster went on without members 1, 2 at position" in ran.err
    assert cluster.settled == [Settle(gap=LOST.id, by="eve")]
    ran = await run(cluster, tmp_path, "--settle", types="demo\n")
    assert (ran.status, cluster.settled[1:]) == (2, [])
    assert "nothing to settle" in ran.err


async def test_what_is_not_confirmed_or_not_there_is_not_settled(tmp_path: Path) -> None:
    cluster = Cluster(after_the_gap())
    assert "not confirmed" in (await run(cluster, tmp_path, "--settle")).err
    assert f"--settle --gap {LOST.id} --yes" in (await run(cluster, tmp_path, "--settle", "--yes")).err
    assert "has no open gap x. It has: " in (await run(cluster, tmp_path, "--settle", "--gap", "x")).err
    assert (await run(cluster, tmp_path, "--settle", "--dry-run")).status == 0
    assert cluster.settled == []
    done = await run(cluster, tmp_path, "--settle", "--gap", LOST.id, "--yes", "--by", "alice")
    assert done.status == 0
    assert cluster.settled == [Settle(gap=LOST.id, by="alice")]
