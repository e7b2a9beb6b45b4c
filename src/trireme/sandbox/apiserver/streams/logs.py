"""pods/log."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.node import NodeError
from trireme.sandbox.apiserver.streams.container import chosen_container
from trireme.sandbox.apiserver.target import is_true


async def read_log(call: Call) -> web.StreamResponse:
    """Plain text, until the end of the log, or of the container when following. Raises ApiError (400)."""
    query = call.query
    pod = call.existing()
    container = chosen_container(pod, query.get("container"))
    lines = call.cluster.node.logs(
        pod,
        container,
        follow=is_true(query.get("follow", "false")),
        tail=_count(query.get("tailLines"), "tailLines"),
        since=_since(call),
        previous=is_true(query.get("previous", "false")),
        timestamps=is_true(query.get("timestamps", "false")),
    )
    limit = _count(query.get("limitBytes"), "limitBytes")
    try:
        first = await anext(lines, b"")
    except NodeError as error:
        raise bad_request(str(error)) from error
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(call.request)
    async for chunk in _limited(first, lines, limit):
        await response.write(chunk)
    await response.write_eof()
    return response


async def _limited(first: bytes, lines: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """At most ``limit`` bytes."""
    left = limit
    chunk: bytes | None = first
    while chunk is not None:
        part = chunk if left is None else chunk[:left]
        if part:
            yield part
        if left is not None:
            left -= len(part)
            if left == 0:
                return
        chunk = await anext(lines, None)


def _count(text: str | None, name: str) -> int | None:
    if text in (None, ""):
        return None
    if not str(text).isdigit():
        raise bad_request(f'invalid {name}: "{text}" must be a whole number of at least 0')
    return int(str(text))


def _since(call: Call) -> datetime | None:
    seconds = _count(call.query.get("sinceSeconds"), "sinceSeconds")
    moment = call.query.get("sinceTime")
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    try:
        return datetime.fromisoformat(moment) if moment else None
    except ValueError:
        raise bad_request(f'invalid sinceTime: "{moment}"') from None
