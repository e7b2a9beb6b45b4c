"""Nobody's position can be proved, though the data are whole: only a person may begin a history of its own from them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.servers.commanding import command
from tests.servers.plain import Agent, PlainCluster
from trireme.api.commands import Recover
from trireme.api.report import Override

pytestmark = pytest.mark.servers

PAGE = 16384
MARK = b"WSREPX"
"""How the storage engine's record of Galera's position begins: magic, version, history, seqno."""


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = [_entry(value) for value in range(256)]


def forget_position(directory: Path) -> int:
    """Of a directory whose server stopped in order: no file names a position any more. How many pages named one."""
    (directory / "grastate.dat").unlink()
    files = [directory / "ibdata1", *directory.glob("undo*")]
    return sum(_forget_in(file) for file in files)


def _forget_in(file: Path) -> int:
    content, found = bytearray(file.read_bytes()), 0
    for start in range(0, len(content), PAGE):
        page = bytes(content[start : start + PAGE])
        at = page.find(MARK)
        if at < 0:
            continue
        page = page[:at] + bytes(len(MARK)) + page[at + len(MARK) : -4]
        content[start : start + PAGE] = page + crc32c(page).to_bytes(4, "big")
        found += 1
    file.write_bytes(content)
    return found


def word(member: Agent, *, new_history: bool) -> Recover:
    return Recover(
        override=Override(
            candidate=member.ordinal,
            volume=member.status()["volume"],
            new_history=new_history,
            by="alice",
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
    )


def test_a_person_begins_a_history_from_a_position_that_cannot_be_proved(machine: None) -> None:
    """Fails where a member makes a position up, where a person cannot go on, or where the old history stays in force."""
    with PlainCluster(2) as cluster:
        cluster.start().wait_synced()
        cluster[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)", "INSERT INTO app.t VALUES (1)")
        (old,) = cluster.histories()
        for member in reversed(cluster.members):
            member.stop()
        for member in cluster.members:
            assert forget_position(member.volume / "data") > 0
        cluster.start()
        for member in cluster.members:
            member.wait_phase("Blocked", seconds=60)
            assert "no member of the latest view has data that may be bootstrapped" in member.status()["why"]
        refused = command(cluster[0], word(cluster[0], new_history=False))
        assert not refused.accepted
        assert "--new-history" in refused.why
        told = command(cluster[0], word(cluster[0], new_history=True))
        assert told.accepted, told.why
        cluster.wait_synced()
        (new,) = cluster.histories()
        assert new != old
        assert cluster[1].sql("SELECT id FROM app.t") == [(1,)]
        (gap,) = cluster[1].status()["gaps"]
        assert (gap["abandoned"], gap["by"]) == ([old], "alice")
        assert list((cluster[1].volume / "aside").iterdir())
