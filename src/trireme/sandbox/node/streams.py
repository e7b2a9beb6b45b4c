"""Pipes and terminals read and written without threads."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

CHUNK_BYTES = 64 * 1024


class Descriptor:
    """An open file of this process: closed when asked, at the latest when nobody refers to it any more."""

    def __init__(self, number: int, *, blocking: bool = True) -> None:
        os.set_blocking(number, blocking)
        self.number = number
        self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.number)

    def __del__(self) -> None:
        self.close()


def pipe() -> tuple[Descriptor, Descriptor]:
    """Reading end, writing end; neither is inherited unless asked for."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    return Descriptor(reading), Descriptor(writing)


async def chunks(descriptor: Descriptor) -> AsyncIterator[bytes]:
    """What can be read, until the other side is closed. The descriptor must not block; it is left open."""
    while True:
        try:
            data = os.read(descriptor.number, CHUNK_BYTES)
        except BlockingIOError:
            await readable(descriptor.number)
            continue
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return  # a terminal whose other side was closed
        if not data:
            return
        yield data


async def write_all(descriptor: Descriptor, data: bytes) -> None:
    """Raises OSError when nobody reads any more. The descriptor must not block."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor.number, rest) :]
        except BlockingIOError:
            loop = asyncio.get_running_loop()
            await _settled(descriptor.number, loop.add_writer, loop.remove_writer)


async def readable(descriptor: int) -> None:
    """Wait until a read would not block."""
    loop = asyncio.get_running_loop()
    await _settled(descriptor, loop.add_reader, loop.remove_reader)


def memory_file(name: str, content: bytes) -> Descriptor:
    """A file that only this descriptor names: for what must not be seen in an argument list."""
    descriptor = Descriptor(os.memfd_create(name))
    os.write(descriptor.number, content)
    os.lseek(descriptor.number, 0, os.SEEK_SET)
    return descriptor


async def _settled(descriptor: int, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    add(descriptor, _settle, ready)
    try:
        await ready
    finally:
        remove(descriptor)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
