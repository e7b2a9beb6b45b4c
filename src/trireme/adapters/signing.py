"""Messages that only holders of the cluster's token can make. The token itself never travels.

Request and answer are both signed; the answer's signature covers the request's nonce, so an answer cannot be
replayed for another question. Reading may be replayed, and so may grants, which are numbered. A command may not:
its nonce tells when it was made and for which member, and that one takes it once (:class:`Once`).
"""

import hashlib
import hmac
import secrets
import time
from pathlib import Path

from trireme.base.text import is_number

NONCE_HEADER = "X-Trireme-Nonce"
SIGNATURE_HEADER = "X-Trireme-Signature"


FRESH_SECONDS = 300.0
"""How old a command may be, and how far two clocks may differ."""


def new_nonce(target: str = "") -> str:
    """When it was made, in milliseconds since 1970, 16 random bytes, and for a command whom it is for."""
    made = f"{time.time_ns() // 1_000_000}-{secrets.token_hex(16)}"
    return f"{made}@{target}" if target else made


def target(namespace: str, pod: str) -> str:
    """One member, as commands name it in what is signed: all members of a cluster have the same token."""
    return f"{namespace}/{pod}"


class Once:
    """Takes each command to ``me`` once. ``started``: when this process did, as the time of day in seconds.

    Nothing is remembered beyond a process, so what was made before it started is refused too.
    """

    def __init__(self, started: float, me: str) -> None:
        self._started = started
        self._me = me
        self._taken: dict[str, float] = {}

    def refusal(self, nonce: str, now: float) -> str | None:
        """Why a command whose signature is good is not taken; None when it is, and from now on is no more."""
        self._started = min(self._started, now)  # a clock that was set back
        self._taken = {each: made for each, made in self._taken.items() if now - made <= FRESH_SECONDS}
        whom = nonce.partition("@")[2]
        if whom != self._me:
            said = f"is for {whom}" if whom else "names no member: who sent it is older than this agent"
            return f"this is {self._me}, and the command {said}; nothing is done"
        stamp = nonce.partition("-")[0]
        if not (is_number(stamp) and len(stamp) <= 15):
            return "the command does not tell when it was made: who sent it is older than this agent"
        made = int(stamp) / 1000
        if abs(now - made) > FRESH_SECONDS:
            return (
                f"the command was made {abs(now - made):.0f} s {'ago' if made < now else 'ahead'} by this member's "
                f"clock, at most {FRESH_SECONDS:.0f} are allowed: set the clocks, and ask again"
            )
        if made < self._started:
            return "the command was made before this agent started: ask again"
        if nonce in self._taken:
            return "this very command was taken before: ask again if you mean it"
        self._taken[nonce] = made
        return None


def sign(token: bytes, *parts: bytes | str) -> str:
    """HMAC-SHA256 over the parts, each preceded by its length: no two part lists share a message."""
    digest = hmac.new(token, digestmod=hashlib.sha256)
    for part in parts:
        raw = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def verify(token: bytes, signature: str, *parts: bytes | str) -> bool:
    """In constant time. Whatever a stranger puts into a header is no signature, and no error."""
    given = signature.encode(errors="surrogateescape")
    return hmac.compare_digest(sign(token, *parts).encode(), given)


def derive_password(token: bytes, purpose: str) -> str:
    """A password for the cluster's own use (state transfers, monitoring): the same on every member, seen by nobody."""
    return sign(token, "password", purpose)[:40]


def read_token(path: Path) -> bytes:
    """The cluster's token, stripped. Raises OSError, or ValueError if it is shorter than 16 bytes."""
    token = path.read_bytes().strip()
    if len(token) < 16:
        raise ValueError(f"{path}: the cluster's token has {len(token)} bytes, at least 16 are needed")
    return token
