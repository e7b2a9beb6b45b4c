"""The MariaDB adapter against real servers: first start, joining, leaving, crashes, and what is seen of them."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymysql
import pytest

from tests.servers.mariadb_members import ACCOUNTS, TestMember, cluster, members, ordinary_user
from trireme.adapters.mariadb import datadir, reaper
from trireme.adapters.mariadb.binaries import Binaries, find_binaries
from trireme.adapters.mariadb.recover import recover_position
from trireme.adapters.mariadb.transfer import transfer_progress

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def as_ordinary_user() -> Iterator[None]:
    with ordinary_user():
        yield


@pytest.fixture
def folder(as_ordinary_user: None) -> Iterator[Path]:
    path = Path(f"/tmp/trireme-adapter-{os.getpid()}")
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
async def binaries() -> Binaries:
    return await find_binaries()


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
            ("mariadb.sys", "localhost"),
        }
        assert ("test",) not in member.sql("SHOW DATABASES")
        assert member.sql("SELECT CONVERT_TZ('2026-07-01 12:00', 'UTC', 'Europe/Vienna') = '2026-07-01 14:00'") == [(1,)]
        assert took < 6, f"{took:.1f} s"
        with pymysql.connect(host=member.address, user="app", password=ACCOUNTS.password, database="app_1"):
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
        began = time.monotonic()
        await asyncio.gather(second.start(first), third.start(first))
        await asyncio.gather(second.synced(), third.synced())
        print(f"both joined after {time.monotonic() - began:.1f} s")
        assert third.sql("SELECT i FROM app_1.t") == [(42,)]
        assert ("sst", "joiner", "completed") in second.transfers
        assert set(third.views[-1].members) == {"test-0", "test-1", "test-2"}
        assert third.views[-1].seqno == first.views[-1].seqno
