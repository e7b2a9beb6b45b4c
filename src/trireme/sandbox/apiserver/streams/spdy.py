"""A SPDY/3.1 connection on the server's side: the client opens streams, both write into them."""

import asyncio
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trireme.sandbox.apiserver.streams.spdy_frames import (
    CHUNK,
    FLAG_FIN,
    GOAWAY,
    HEADER_SIZE,
    PING,
    RST_STREAM,
    SYN_REPLY,
    SYN_STREAM,
    HeaderCodec,
    control_frame,
    data_frame,
    parse_header,
)

UNREAD_CHUNKS = 64
"""Per stream; then the connection waits until somebody reads. SPDY's own flow control is not used by kubectl."""


@dataclass(eq=False)
class SpdyStream:
    """One stream of a connection."""

    number: int
    headers: Mapping[str, str]
    connection: "SpdyConnection"
    _inbox: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(UNREAD_CHUNKS))
    _ended: bool = False

    async def read(self) -> bytes | None:
        """The next chunk; None when the client will send no more."""
        if self._ended:
            return None
        chunk = await self._inbox.get()
        self._ended = chunk is None
        return chunk

    async def write(self, content: bytes) -> None:
        """Waits while the client does not read. Raises ConnectionError when it is gone."""
        for start in range(0, len(content), CHUNK):
            await self.connection.send(data_frame(self.number, content[start : start + CHUNK]))

    async def end(self) -> None:
        """Nothing more will be written."""
        await self.connection.send(data_frame(self.number, b"", last=True))

    async def put(self, chunk: bytes | None) -> None:
        await self._inbox.put(chunk)


class SpdyConnection:
    """Reads frames until the client goes; ``opened`` is called with each stream that it opens."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opened: Callable[[SpdyStream], None],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._opened = opened
        self._codec = HeaderCodec()
        self._streams: dict[int, SpdyStream] = {}

    async def run(self) -> None:
        """Returns when the client closes the connection; all streams have ended then. Raises SpdyError."""
        try:
            while True:
                await self._read_frame()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            for stream in self._streams.values():
                await stream.put(None)

    async def send(self, frame: bytes) -> None:
        """Raises ConnectionError."""
        self._writer.write(frame)
        await self._writer.drain()

    async def _read_frame(self) -> None:
        header = parse_header(await self._reader.readexactly(HEADER_SIZE))
        content = await self._reader.readexactly(header.length)
        match header.kind:
            case 0:
                await self._data(header.stream, content, last=bool(header.flags & FLAG_FIN))
            case kind if kind == SYN_STREAM:
                await self._open(content, last=bool(header.flags & FLAG_FIN))
            case kind if kind == PING:
                await self.send(control_frame(PING, content))
            case kind if kind == RST_STREAM:
                await self._data(struct.unpack_from(">I", content)[0], b"", last=True)
            case kind if kind == GOAWAY:
                raise ConnectionResetError("the client says goodbye")
            case _:
                """Settings, headers and windows change nothing here."""

    async def _open(self, content: bytes, *, last: bool) -> None:
        (number,) = struct.unpack_from(">I", content)
        stream = SpdyStream(number, self._codec.decode(content[10:]), self)
        self._streams[number] = stream
        await self.send(control_frame(SYN_REPLY, struct.pack(">I", number) + self._codec.encode({})))
        if last:
            await stream.put(None)
        self._opened(stream)

    async def _data(self, number: int, content: bytes, *, last: bool) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        if content:
            await stream.put(content)
        if last:
            await stream.put(None)
