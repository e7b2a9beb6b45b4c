"""Which watches are open, seen from below: kopf says nothing of those that it tries in vain.

Written in kopf's thread and read in the operator's: each value is replaced as a whole.
"""

import time
from types import SimpleNamespace

import aiohttp

from trireme.operator.kinds import WATCHED, Kind

DEAF_SECONDS = 10.0
"""A watch that ends is opened again within a second. One that is closed for so long hears nothing."""
LONGEST_FAILURE = 300


class Watches:
    """One watch for each kind, in each of the ``namespaces``; none of these means one for all of them."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self._paths = {kind: [kind.collection(each) for each in namespaces or (None,)] for kind in WATCHED}
        self._open: dict[str, aiohttp.ClientResponse] = {}
        self._heard = dict.fromkeys(WATCHED, time.monotonic())
        self._failure = ""

    def trace(self) -> aiohttp.TraceConfig:
        """For the session that the watches are opened with."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._broke)
        return config

    def up(self, kind: Kind) -> bool:
        """Every watch of this kind is open now."""
        return all(
            (found := self._open.get(path)) is not None and not found.closed for path in self._paths[kind]
        )

    def failed(self, why: str) -> None:
        """What went wrong last, in words."""
        self._failure = why[:LONGEST_FAILURE]

    def deaf(self) -> str | None:
        """Why news of some kind does not come; None while all does. To be asked every few seconds."""
        now = time.monotonic()
        self._heard = {kind: now if self.up(kind) else since for kind, since in self._heard.items()}
        lost = [kind for kind, since in self._heard.items() if now - since > DEAF_SECONDS]
        if not lost:
            if set(self._heard.values()) == {now}:
                self._failure = ""
            return None
        more = f" and {len(lost) - 1} more kinds" if len(lost) > 1 else ""
        longest = now - min(self._heard.values())
        why = self._failure or "no request to watch is answered"
        return f"nothing is heard of {lost[0].plural}{more} for {longest:.0f} s: {why}"

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestEndParams
    ) -> None:
        if told.response.status >= 400:
            self.failed(f"{told.method} {told.url.path}: {told.response.status} {told.response.reason}")
        elif told.url.query.get("watch") == "true":
            self._open[self._path(told.url.path)] = told.response

    async def _broke(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self.failed(f"{told.method} {told.url.path}: {told.exception or type(told.exception).__name__}")

    def _path(self, asked: str) -> str:
        """Without what stands before it where the API server is behind a proxy."""
        known = (path for paths in self._paths.values() for path in paths)
        return next((path for path in known if asked.endswith(path)), asked)
