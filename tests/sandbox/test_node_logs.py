"""Log files: rotation, partial lines, selection by time, following."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trireme.sandbox.node.logreader import Selection, last_text, read
from trireme.sandbox.node.logs import LogFile, Pump, rotated

EVERYTHING = Selection()


async def text_of(path: Path, selection: Selection = EVERYTHING) -> bytes:
    return b"".join([line async for line in read(path, selection)])


async def test_two_files_are_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    log = LogFile(path, limit=1000)
    for number in range(30):
        log.append("stdout", b"line %d" % number, whole=True)
        log.flush()
    log.close()
    assert rotated(path).exists()
    lines = (await text_of(path)).splitlines()
    assert lines == sorted(lines, key=lambda line: int(line.split()[1]))
    assert lines[-1] == b"line 29"
    assert await text_of(path, Selection(tail=2)) == b"line 28\nline 29\n"


async def test_following_goes_on_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    log = LogFile(path, limit=300)

    async def follow() -> list[bytes]:
        return [line async for line in read(path, EVERYTHING, log)]

    following = asyncio.create_task(follow())
    for number in range(20):
        log.append("stdout", b"line %d" % number, whole=True)
        log.flush()
        await asyncio.sleep(0)
    log.close()
    async with asyncio.timeout(5):
        assert await following == [b"line %d\n" % number for number in range(20)]


async def test_lines_since_a_time(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    log = LogFile(path)
    log.append("stdout", b"now", whole=True)
    log.close()
    hour = timedelta(hours=1)
    assert await text_of(path, Selection(since=datetime.now(UTC) - hour)) == b"now\n"
    assert await text_of(path, Selection(since=datetime.now(UTC) + hour)) == b""


async def test_long_and_unfinished_lines_arrive_whole(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    log = LogFile(path)
    pump = Pump("stdout", log)
    writing = os.dup(pump.writing)
    pump.started()
    long = b"x" * 50_000
    os.write(writing, long + b"\nshort\nno end")
    os.close(writing)
    async with asyncio.timeout(5):
        await pump.finished
    log.close()
    assert await text_of(path) == long + b"\nshort\nno end"
    assert last_text(path).endswith(b"x\nshort\n")
