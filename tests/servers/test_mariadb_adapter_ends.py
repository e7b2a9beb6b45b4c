"""The MariaDB adapter where things end or go wrong: stops, ports, refusals, damaged directories, a dead agent."""

import asyncio
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.servers.mariadb_members import ACCOUNTS, TestMember, cluster, members
from trireme.adapters.mariadb import datadir, reaper
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.first_start import AGENT_USER, initialize
from trireme.adapters.mariadb.grastate import write_position
from trireme.adapters.mariadb.log import FatalSeen
from trireme.adapters.mariadb.recover import recover_position
from trireme.adapters.mariadb.status import Monitor
from trireme.api.position import Position
from trireme.base.errors import PermanentError, TemporaryError, UncertainError

pytestmark = pytest.mark.servers


async def test_the_agents_account_does_what_it_must_and_no_more(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        for statement in (
            "SET GLOBAL read_only = ON",
            "SET GLOBAL read_only = OFF",
            "SET GLOBAL wsrep_desync = ON",
            "SET GLOBAL wsrep_desync = OFF",
            "SET GLOBAL wsrep_provider_options = 'pc.weight=1'",
        ):
            await member.monitor.execute(statement)
        for statement in (
            "SELECT * FROM mysql.db",
            "UPDATE mysql.global_priv SET Host = 'x'",
            "CREATE DATABASE x",
            "DROP DATABASE app_1",
        ):
            with pytest.raises(PermanentError, match="may not do that"):
                await member.monitor.execute(statement)
        assert await member.monitor.clients() == ()
        wrong = Monitor(member.run_dir / "mysqld.sock", AGENT_USER, "wrong")
        with pytest.raises(PermanentError, match="was the token changed"):
            await wrong.read()
        await wrong.close()


async def test_transactions_under_way_are_counted(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        statement = asyncio.create_task(asyncio.to_thread(member.sql, "SELECT SLEEP(2)"))
        counts = []
        while not statement.done():
            counts.append(sum(client.busy for client in await member.monitor.clients()))
            await asyncio.sleep(0.05)
        await statement
        assert max(counts) == 1
        assert not any(client.busy for client in await member.monitor.clients())


async def test_a_frozen_server_is_uncertain_and_a_stopped_one_is_temporary(
    folder: Path, binaries: Binaries
) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None and member.server.pid is not None
        os.kill(member.server.pid, signal.SIGSTOP)
        with pytest.raises(UncertainError, match="did not answer"):
            await member.monitor.read()
        os.kill(member.server.pid, signal.SIGCONT)
        assert (await member.monitor.read()).primary
        await member.server.stop(20)
        with pytest.raises((TemporaryError, UncertainError)):
            await member.monitor.read()
        with pytest.raises(TemporaryError, match=r"mysqld\.sock"):
            await member.monitor.read()


async def test_the_server_waits_for_the_agents_record_and_goes_on_without_it(
    folder: Path, binaries: Binaries
) -> None:
    async with cluster(1, folder, binaries) as (member,):
        async with asyncio.timeout(10), member.notified:
            # Its status says Synced a moment before the agent is told.
            await member.notified.wait_for(lambda: len(member.notifications) >= 2)
        assert [note.status for note in member.notifications] == ["joined", "synced"]
        assert member.notifications[0].uuid == member.views[0].uuid and member.notifications[0].index == 0
        assert [item.name for item in member.notifications[0].members] == ["test-0"]
        await member.listener.close()
        joiner = TestMember(2, folder, binaries)
        await joiner.start(member)
        await joiner.synced()
        await joiner.close()


async def test_a_port_in_use_is_named_before_the_start(folder: Path, binaries: Binaries) -> None:
    async with members(1, folder, binaries) as (member,):
        with socket.socket() as holder:
            holder.bind((member.address, 4444))
            holder.listen()
            with pytest.raises(PermanentError, match=rf"port 4444 \(SST\) of {member.address}.*in use"):
                await member.start()


async def test_a_joiner_that_finds_no_primary_can_be_stopped_at_once(
    folder: Path, binaries: Binaries
) -> None:
    async with members(2, folder, binaries) as (absent, joiner):
        server = await joiner.start(absent)
        await asyncio.sleep(1.0)
        began = time.monotonic()
        ended = await server.stop(20)
        assert time.monotonic() - began < 10, ended


async def test_a_bootstrap_that_galera_refuses_is_explained(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None and member.server.pid is not None
        await member.server.stop(20)
        write_position(member.root / datadir.DATA, Position(member.views[0].uuid, 1), safe_to_bootstrap=False)
        server = await member.start(new_cluster=True)
        ended = await server.wait()
        assert not ended.clean and not ended.asked
        assert any("safe to bootstrap" in line for line in ended.last_errors)
        assert any(isinstance(event, FatalSeen) and "elect" in event.advice for event in member.events)


async def test_at_the_deadline_the_server_is_killed(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None and member.server.pid is not None
        os.kill(member.server.pid, signal.SIGSTOP)
        ended = await member.server.stop(0.5)
        assert ended.killed and ended.code == -signal.SIGKILL
        assert await member.server.stop(0.5) == ended


async def test_recovery_of_a_damaged_engine_says_so(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None
        await member.server.stop(20)
        data = member.root / datadir.DATA
        (data / "ibdata1").write_bytes(b"\xff" * (data / "ibdata1").stat().st_size)
        recovered = await recover_position(binaries, member.config_file, run_dir=member.run_dir)
        assert recovered.position is None and not recovered.engine_sound
        assert "InnoDB" in recovered.detail


async def test_recovery_that_makes_no_progress_is_given_up(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None
        await member.server.stop(20)
        frozen = folder / "frozen-mariadbd"
        frozen.write_text("#!/bin/sh\nkill -STOP $$\n")
        frozen.chmod(0o700)
        with pytest.raises(TemporaryError, match="no progress for 3 s"):
            await recover_position(
                replace(binaries, server=frozen), member.config_file, run_dir=member.run_dir, stall_seconds=3
            )


async def test_a_first_start_never_runs_where_data_may_be(folder: Path, binaries: Binaries) -> None:
    member = TestMember(1, folder, binaries)
    (member.root / datadir.DATA).mkdir()
    (member.root / datadir.DATA / "ibdata1").touch()
    with pytest.raises(PermanentError, match="not empty"):
        await initialize(binaries, member.root, ACCOUNTS, tmp_dir=member.tmp_dir)
    await member.close()


async def test_a_server_does_not_outlive_its_agent(folder: Path, binaries: Binaries) -> None:
    async with cluster(1, folder, binaries) as (member,):
        assert member.server is not None
        await member.server.stop(20)
        script = (
            "import asyncio, sys\n"
            "from pathlib import Path\n"
            "from trireme.adapters.mariadb.process import spawn\n"
            "async def main():\n"
            "    process, log = await spawn(Path(sys.argv[1]), [sys.argv[2]], Path(sys.argv[3]))\n"
            "    print(process.pid, flush=True)\n"
            "    await log.read()\n"
            "asyncio.run(main())\n"
        )
        agent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, binaries.server, f"--defaults-file={member.config_file}"),
            member.tmp_dir,
            stdout=asyncio.subprocess.PIPE,
        )
        assert agent.stdout is not None
        pid = int(await agent.stdout.readline())
        assert reaper.read_process(pid) is not None
        agent.kill()
        await agent.wait()
        deadline = time.monotonic() + 5
        while (left := reaper.read_process(pid)) is not None and left.state != "Z":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_a_first_start_heeds_settings_that_shape_files(folder: Path, binaries: Binaries) -> None:
    async with members(1, folder, binaries) as (member,):
        text = "[mariadbd]\ninnodb_page_size = 8K\nlower_case_table_names = 1\nlog_bin = binlog"
        member.write_config((), text, True)
        config = member.config_file
        await initialize(binaries, member.root, ACCOUNTS, tmp_dir=member.tmp_dir, config_file=config)
        await member.start(new_cluster=True, user_text=text)
        await member.synced()
        assert member.sql("SELECT @@innodb_page_size, @@lower_case_table_names, @@log_bin") == [(8192, 1, 1)]
