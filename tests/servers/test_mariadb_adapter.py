"""The MariaDB adapter against real servers: first start, joining, leaving, crashes, and what is seen of them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest

from tests.servers.mariadb_members import ACCOUNTS, TestMember, cluster, members
from trireme.adapters.mariadb import datadir, reaper
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.grastate import write_position
from trireme.adapters.mariadb.recover import recover_position
from trireme.adapters.mariadb.transfer import transfer_progress
from trireme.manifests.server_config import GIVE_VOTE

pytestmark = pytest.mark.servers


async def _until(true: Callable[[], bool], member: TestMember, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "\n".join(member.lines[-60:])
        await asyncio.sleep(0.02)


def _received(joiner: TestMember, pid: int) -> int:
    seen = transfer_progress(joiner.root, pid)
    assert seen is None or seen.role == "joiner"
    return seen.transferred_bytes if seen is not None and seen.stage == "streaming" else 0


async def test_a_first_start_makes_the_accounts_and_nothing_else(folder: Path, binaries: Binaries) -> None:
    async with members(1, folder, binaries) as (member,):
        began = time.monotonic()
        await member.initialize()
        took = time.monotonic() - began
        await member.start(new_cluster=True)
        status = await member.synced()
        assert status.cluster_size == 1 and not status.read_only
        accounts = set(member.sql("SELECT User, Host FROM mysql.global_priv"))
        assert accounts == {
            ("root", "localhost"),
            ("root", "%"),
            ("app", "%"),
            ("trireme_sst", "localhost"),
            ("trireme_agent", "localhost"),
            ("trireme_upgrade", "localhost"),
            ("mariadb.sys", "localhost"),
        }
        assert ("test",) not in member.sql("SHOW DATABASES")
        assert member.sql(
            "SELECT CONVERT_TZ('2026-07-01 12:00', 'UTC', 'Europe/Vienna') = '2026-07-01 14:00'"
        ) == [(1,)]
        assert took < 20, f"{took:.1f} s: 1.5 s was usual on two cores"
        with pymysql.connect(
            host=member.address, user="app", password=str(ACCOUNTS.password), database="app_1"
        ):
            pass
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(host=member.address, user="root", password="")


async def test_two_join_together_by_sst(folder: Path, binaries: Binaries) -> None:
    async with members(3, folder, binaries) as (first, second, third):
        await first.initialize()
        await first.start(new_cluster=True)
        await first.synced()
        first.sql("CREATE TABLE app_1.t (i INT PRIMARY KEY)")
        first.sql("INSERT INTO app_1.t VALUES (42)")
        await asyncio.gather(second.start(first), third.start(first))
        await asyncio.gather(second.synced(), third.synced())
        assert third.sql("SELECT i FROM app_1.t") == [(42,)]
        assert ("sst", "joiner", "completed") in second.transfers
        assert set(third.views[-1].members) == {"test-0", "test-1", "test-2"}
        assert third.views[-1].seqno == first.views[-1].seqno


async def test_a_member_that_stopped_in_order_comes_back_by_ist(folder: Path, binaries: Binaries) -> None:
    async with cluster(2, folder, binaries) as (first, second):
        assert second.server is not None
        ended = await second.server.stop(30)
        assert ended.clean and ended.asked and not ended.killed
        facts = datadir.inspect(second.root)
        assert facts.grastate is not None and facts.grastate.position.known
        assert not facts.grastate.safe_to_bootstrap and not facts.transfer_broke_off
        first.sql("CREATE TABLE app_1.t (i INT PRIMARY KEY)")
        second.events.clear()
        await second.start(first)
        await second.synced()
        assert ("ist", "joiner", "completed") in second.transfers
        assert ("sst", "joiner", "completed") not in second.transfers
        assert second.sql("SHOW TABLES FROM app_1") == [("t",)]


async def test_crashed_members_continue_their_history_from_the_recovered_position(
    folder: Path, binaries: Binaries
) -> None:
    async with cluster(2, folder, binaries) as (first, second):
        first.sql("CREATE TABLE app_1.t (i INT PRIMARY KEY)")
        first.sql("INSERT INTO app_1.t VALUES (1)")
        for member in (first, second):
            assert member.server is not None and member.server.pid is not None
            os.kill(member.server.pid, signal.SIGKILL)
            ended = await member.server.wait()
            assert ended.code == -signal.SIGKILL and not ended.asked
        view = second.views[-1]
        positions = {}
        for member in (first, second):
            facts = datadir.inspect(member.root)
            assert facts.grastate is not None and not facts.grastate.position.known
            recovered = await recover_position(binaries, member.config_file, run_dir=member.run_dir)
            assert recovered.position is not None, recovered.detail
            positions[member] = recovered.position
        assert {position.uuid for position in positions.values()} == {view.uuid}
        assert min(position.seqno for position in positions.values()) >= view.seqno
        for member in (first, second):
            member.events.clear()
        # The first was killed a moment before the second: only one that has the last write set may lead.
        behind, ahead = sorted((first, second), key=lambda member: positions[member].seqno)
        write_position(ahead.root / datadir.DATA, positions[ahead], safe_to_bootstrap=True)
        await ahead.start(new_cluster=True)
        await ahead.synced()
        assert ahead.views[-1].uuid == view.uuid and ahead.views[-1].seqno > view.seqno
        write_position(behind.root / datadir.DATA, positions[behind], safe_to_bootstrap=False)
        await behind.start(ahead)
        await behind.synced()
        assert ("sst", "joiner", "completed") not in behind.transfers
        assert behind.sql("SELECT i FROM app_1.t") == [(1,)]


async def test_a_joiner_killed_in_its_transfer_leaves_marks_but_no_processes(
    folder: Path, binaries: Binaries
) -> None:
    async with members(2, folder, binaries) as (first, joiner):
        await first.initialize()
        await first.start(new_cluster=True, user_text="[sst]\nrlimit = 20m")
        await first.synced()
        first.sql(
            "CREATE TABLE app_1.big (b LONGBLOB) AS SELECT REPEAT(UUID(), 400000) AS b FROM app_1.seq_1_to_3"
        )
        await joiner.start(first, votes=False)
        assert joiner.server is not None and joiner.server.pid is not None
        pid = joiner.server.pid
        await _until(lambda: _received(joiner, pid) > 1_000_000, joiner)
        os.kill(pid, signal.SIGKILL)
        await joiner.server.wait()
        assert [item for item in reaper.processes() if item.session == pid] == []
        facts = datadir.inspect(joiner.root)
        assert facts.transfer_broke_off and "sst_in_progress" in facts.transfer_marks
        assert facts.grastate is None and facts.grastate_error is not None
        assert set(datadir.clean_transfer_leftovers(joiner.root)) == set(facts.transfer_marks)
        alone = await first.status_where(lambda status: status.cluster_size == 1)
        assert alone.primary, "a joiner without a vote cost the donor its quorum"
        await joiner.start(first, votes=False)
        await joiner.synced()
        await joiner.monitor.execute(GIVE_VOTE)
        await first.status_where(lambda status: status.raw["wsrep_cluster_weight"] == "2")
