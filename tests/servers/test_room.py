"""A volume that runs full: the member leaves before it stalls the others, and comes back with room (30)."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.faults import full_disk, read_only, small_volume
from tests.servers.plain import Agent, PlainCluster, wait_until
from tests.servers.private_machine import private_machine, run
from trireme.agent.records import Records
from trireme.api.position import View

pytestmark = pytest.mark.servers

SMALL = "innodb_log_file_size = 8M\nwsrep_provider_options = gcache.size=8M\n"
MEGABYTES = 200
"""Of which 10 are kept in reserve."""


@contextmanager
def filled_up_to(member: Agent, free_megabytes: int) -> Iterator[None]:
    """Somebody else's file takes the rest of the volume until exit."""
    ballast = member.volume / "trireme" / "ballast"
    free = member.status()["disk"]["free_bytes"] if member.process is not None else _free(member.volume)
    with ballast.open("wb") as file:
        file.write(b"\1" * max(free - free_megabytes * 2**20, 0))
    try:
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _free(volume: Path) -> int:
    found = os.statvfs(volume)
    return found.f_bavail * found.f_frsize


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path))
    try:
        yield tmp_path
    finally:
        run("umount", "-l", str(tmp_path))


def test_what_must_be_written_down_has_room_on_a_full_volume(tiny: Path) -> None:
    """Fails without the spare: a pod that ends in that minute forgets a view, and may take itself for the last."""
    folder, view = tiny / "trireme", View("history", 9, (0, 1))
    records = Records.open(folder, "demo", alone=True)
    with full_disk(tiny):
        records.change(last_view=view)
        assert Records.open(folder, "demo").record.last_view == view
        with full_disk(folder), pytest.raises(OSError, match="No space left"):
            records.change(last_view=None)
        assert Records.open(folder, "demo").record.last_view == records.record.last_view == view
    records.keep_spare()
    with full_disk(tiny):
        records.change(withdrawn=7)
    assert Records.open(folder, "demo").record.withdrawn == 7


@pytest.fixture
def cluster() -> Iterator[PlainCluster]:
    with private_machine(), PlainCluster(3) as three:
        for member in three.members:
            member.my_cnf(SMALL)
        with small_volume(three[0], MEGABYTES):
            three.start().wait_synced()
            yield three


def test_the_writer_leaves_before_its_volume_is_full_and_comes_back(cluster: PlainCluster) -> None:
    full, others = cluster[0], cluster.members[1:]
    assert cluster.writer() is full
    full.sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    with filled_up_to(full, 5):
        wait_until(lambda: any(m.get("/primary")[0] == 200 for m in others), "another member writes", 30)
        full.wait_phase("Waiting", seconds=60)
        full.wait_why("make room or make the volume larger")
        assert full.get("/readyz")[0] == 503
        assert full.get("/livez")[0] == 200
        assert full.status()["disk"]["room"] == "low"
        writer = next(m for m in others if m.get("/primary")[0] == 200)
        for number in range(50):
            writer.sql(f"INSERT INTO app.t VALUES ({number})")
        full.stop()
        full.start()
        full.wait_phase("Waiting", seconds=60)
        full.wait_why("MiB free of 200 MiB, and needs 10 MiB")
    cluster.wait_synced()
    assert full.sql("SELECT COUNT(*) FROM app.t") == [(50,)]
    assert cluster.writer() is writer


def test_where_nobody_else_has_room_the_data_is_served_all_the_same(cluster: PlainCluster) -> None:
    full = cluster[0]
    for member in cluster.members[1:]:
        member.stop()
    with filled_up_to(full, 5):
        wait_until(lambda: full.status()["disk"]["room"] == "low", "it sees that it is short of room", 20)
        full.crash()
        full.start()
        wait_until(lambda: full.get("/primary")[0] == 200, "it takes the writes", 60)
        assert full.sql("SELECT 1") == [(1,)]


def test_a_volume_that_takes_no_writes_is_said_and_the_member_comes_back_when_it_is_mended(
    cluster: PlainCluster,
) -> None:
    """The writer's disk died. It was Recovering for ever, each time for five minutes, and nothing named the disk."""
    ill, others = cluster[0], cluster.members[1:]
    ill.sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    with read_only(ill.volume):
        ill.signal_server(signal.SIGKILL)
        ill.wait_phase("Blocked", seconds=60)
        ill.wait_why("the data volume takes no writes (Read-only file system): mend it")
        wait_until(lambda: any(m.get("/primary")[0] == 200 for m in others), "another member writes", 30)
        next(m for m in others if m.get("/primary")[0] == 200).sql("INSERT INTO app.t VALUES (1)")
    cluster.wait_synced()
    assert ill.sql("SELECT id FROM app.t") == [(1,)]
