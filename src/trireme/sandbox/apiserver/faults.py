"""Faults of the API server, switched by a file in the sandbox's folder: slow, failing, silent, or away.

What the sandbox itself does with its objects goes on: only clients lose the server, as in a real outage.
"""

import asyncio
import fnmatch
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trireme.sandbox.apiserver.errors import ApiError
from trireme.sandbox.switch import FaultFile

if TYPE_CHECKING:
    from aiohttp import web  # 0.1 s of every command, where it is imported

log = logging.getLogger(__name__)

FAULTS_FILE = "api-faults.json"
POLL_SECONDS = 0.1
"""How soon a switched fault counts. Requests that come meanwhile look for themselves."""


class Mode(StrEnum):
    """What happens to the requests, and to the watches and other streams, that a fault matches."""

    PAUSE = "pause"
    """Connections are accepted and nothing is answered; watches stand still. All goes on when the fault ends."""
    SLOW = "slow"
    """Answers begin ``seconds`` late."""
    ERROR = "error"
    """HTTP ``code``, 500 or 503; watches and other streams are cut."""
    REFUSE = "refuse"
    """Connections are refused, those that are there are cut; for some users only: cut when they ask."""


@dataclass(frozen=True, slots=True)
class ApiFault:
    """``users`` is a shell pattern: ``system:serviceaccount:NAMESPACE:NAME``, or ``kubernetes-admin``."""

    mode: Mode
    users: str = "*"
    seconds: float = 5.0
    code: int = 500

    def matches(self, user: str) -> bool:
        return fnmatch.fnmatchcase(user, self.users)


def write_faults(folder: Path, faults: tuple[ApiFault, ...]) -> None:
    """Replace the faults; none restores the server. It follows within ``POLL_SECONDS``."""
    _file(folder).write(faults)


def read_faults(folder: Path) -> tuple[ApiFault, ...]:
    """The faults that are set. Raises msgspec.MsgspecError when the file is not what ``write_faults`` writes."""
    return _file(folder).read()


def _file(folder: Path) -> FaultFile[ApiFault]:
    return FaultFile(folder / FAULTS_FILE, ApiFault)


class CutError(Exception):
    """The connection of this request is gone: nothing is left to answer."""


class Faults:
    """Knows the requests that are being answered, so that a fault can reach those that began before it."""

    def __init__(self, folder: Path) -> None:
        self._file = _file(folder)
        self._changed = asyncio.Event()
        self._requests: dict[int, tuple[web.Request, str]] = {}
        self._unfollowed = False

    @property
    def refuses_all(self) -> bool:
        """Nobody may even connect."""
        return any(fault.mode is Mode.REFUSE and fault.users == "*" for fault in self._file.faults)

    async def follow(self, switched: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled: cut what a new fault cuts, then call ``switched``, which opens or closes the port."""
        while True:
            self._poll()
            if self._unfollowed:
                self._unfollowed = False
                self._cut()
                await switched()
            await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def around(self, request: "web.Request", user: str) -> AsyncIterator[None]:
        """Of each request, once its user is known. Raises ApiError, or CutError."""
        self._poll()
        self._requests[id(request)] = (request, user)
        try:
            await self.wait(request)
            yield
        finally:
            self._requests.pop(id(request), None)

    async def wait(self, request: "web.Request", *, began: bool = False) -> None:
        """Before anything is sent: as long as the fault says. ``began``: an answer is on its way already.

        Raises ApiError, or CutError.
        """
        fault = self._find(request)
        if fault is not None and fault.mode is Mode.SLOW and not began:
            await asyncio.sleep(fault.seconds)
            fault = self._find(request)
        while fault is not None and fault.mode is Mode.PAUSE:
            await self._changed.wait()
            fault = self._find(request)
        if fault is not None and fault.mode is Mode.ERROR and not began:
            raise failure(fault.code)
        if fault is not None and fault.mode in (Mode.ERROR, Mode.REFUSE):
            cut(request)
            raise CutError

    def _find(self, request: "web.Request") -> ApiFault | None:
        _, user = self._requests.get(id(request), (request, ""))
        return next((fault for fault in self._file.faults if fault.matches(user)), None)

    def _poll(self) -> None:
        try:
            changed = self._file.poll()
        except msgspec.MsgspecError as error:
            log.error("%s: %s: the faults stay as they were", FAULTS_FILE, error)
            return
        if changed:
            self._changed.set()
            self._changed = asyncio.Event()
            self._unfollowed = True

    def _cut(self) -> None:
        for request, _ in list(self._requests.values()):
            fault = self._find(request)
            if fault is not None and fault.mode in (Mode.ERROR, Mode.REFUSE):
                cut(request)


def cut(request: "web.Request") -> None:
    """Its connection ends without a word."""
    if request.transport is not None:
        request.transport.abort()


def failure(code: int) -> ApiError:
    """As Kubernetes words it."""
    if code == 503:
        return ApiError(
            503, "ServiceUnavailable", "the server is currently unable to handle the request", details={}
        )
    message = "Internal error occurred: the sandbox was told to fail"
    return ApiError(code, "InternalError", message, details={})
