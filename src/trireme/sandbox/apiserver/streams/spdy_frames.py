"""SPDY/3.1 frames, as far as Kubernetes' clients use them. Bytes in, values out: no I/O.

Draft: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

HEADER_SIZE = 8
VERSION = 0x8003
SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FLAG_FIN = 1
LARGEST_FRAME = 1 << 20
"""Bytes that a peer may send in one frame; kubectl sends 32 KiB."""

CHUNK = 32 * 1024

DICTIONARY_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age "
    "allow authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
DICTIONARY_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    "Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 "
    "Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr "
    "May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,"
    "image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public"
    "privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(
        struct.pack(">I", len(word)) + word.replace("_", " ").encode() for word in DICTIONARY_WORDS.split()
    )
    + DICTIONARY_TAIL.encode()
)
"""What both sides' header compression starts from (section 2.6.10.1 of the draft)."""


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first eight bytes of a frame. ``kind`` is 0 for data, and ``stream`` then says whose."""

    kind: int
    stream: int
    flags: int
    length: int


def parse_header(raw: bytes) -> Header:
    """Raises SpdyError on another version, or a frame that is too large."""
    first, second = struct.unpack(">II", raw)
    flags, length = second >> 24, second & 0xFFFFFF
    if length > LARGEST_FRAME:
        raise SpdyError(f"a frame of {length} bytes")
    if not first >> 31:
        return Header(0, first, flags, length)
    if first >> 16 != VERSION:
        raise SpdyError(f"version {first >> 16 & 0x7FFF} instead of 3")
    return Header(first & 0xFFFF, 0, flags, length)


def data_frame(stream: int, content: bytes, *, last: bool = False) -> bytes:
    return struct.pack(">II", stream, (FLAG_FIN if last else 0) << 24 | len(content)) + content


def control_frame(kind: int, content: bytes, flags: int = 0) -> bytes:
    return struct.pack(">II", VERSION << 16 | kind, flags << 24 | len(content)) + content


class HeaderCodec:
    """The header compression of one connection: each direction is one stream of its own."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(zdict=DICTIONARY)
        self._decompress = zlib.decompressobj(zdict=DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                block += struct.pack(">I", len(text)) + text
        return self._compress.compress(block) + self._compress.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, block: bytes) -> dict[str, str]:
        """Raises SpdyError."""
        try:
            raw = self._decompress.decompress(block)
            (count,) = struct.unpack_from(">I", raw)
            position, headers = 4, {}
            for _ in range(count):
                name, position = _text(raw, position)
                headers[name], position = _text(raw, position)
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError(f"unreadable headers: {error}") from error
        return headers


def _text(raw: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", raw, position)
    start = position + 4
    return raw[start : start + length].decode(), start + length
