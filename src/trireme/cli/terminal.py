"""This side of a remote command: the person's terminal, files and pipes."""

import asyncio
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from trireme.adapters.remote_command import Size

CHUNK_BYTES = 32 * 1024
CHUNKS_AHEAD = 4
"""A dump is read no faster than the server takes it."""


@contextmanager
def raw_terminal(stream: TextIO) -> Iterator[None]:
    """Every key goes to the other side as it is, Ctrl-C included. As it was before, afterwards."""
    before = termios.tcgetattr(stream)
    try:
        tty.setraw(stream)
        yield
    finally:
        termios.tcsetattr(stream, termios.TCSADRAIN, before)


async def terminal_sizes(stream: TextIO) -> AsyncIterator[Size]:
    """The size now, and after each change."""
    changed = asyncio.Event()
    changed.set()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        while True:
            await changed.wait()
            changed.clear()
            columns, rows = os.get_terminal_size(stream.fileno())
            yield Size(columns=columns, rows=rows)
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


async def standard_input() -> AsyncIterator[bytes]:
    """Chunks until the end. Files, pipes and terminals alike, which asyncio cannot wait for alike.

    A thread reads, and does not hold the process back when it ends: it may then wait for a key.
    """
    chunks: asyncio.Queue[bytes] = asyncio.Queue(CHUNKS_AHEAD)
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError, OSError):
            while True:
                chunk = os.read(sys.stdin.fileno(), CHUNK_BYTES)
                asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
                if not chunk:
                    return

    threading.Thread(target=read, daemon=True).start()
    while chunk := await chunks.get():
        yield chunk


async def chunks_of(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def write_to(stream: TextIO) -> Callable[[bytes], None]:
    """Bytes as they are, at once. Raises BrokenPipeError when nobody reads any more."""

    def write(data: bytes) -> None:
        stream.buffer.write(data)
        stream.buffer.flush()

    return write
