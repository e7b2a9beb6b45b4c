"""Settings that may change while the agent runs: files named as the variables, which Kubernetes keeps current.

A ConfigMap volume at ``/etc/trireme/live``. What is there wins over the environment; what is not, or cannot be read,
leaves the environment's value. Read in each round: a few small files.
"""

from dataclasses import dataclass
from pathlib import Path

from trireme.base.errors import PermanentError
from trireme.base.text import is_number, read_text
from trireme.core.terms import Founder

MAX_MEMBERS = 15
"""Galera has no hard bound, but certification and flow control make more than this senseless."""
LONGEST_PATIENCE_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """``None``: not said here."""

    members: int | None = None
    patience: float | None = None
    """Seconds that missing members of the latest view are waited for; None: for ever."""
    founder: Founder | None = None


def read_live(directory: Path, default: Live) -> Live:
    """Raises PermanentError naming the file, its value and what was expected."""

    def text(name: str) -> str:
        try:
            return read_text(directory / name).strip()
        except OSError:
            return ""

    members, missing, word = (
        text(n) for n in ("TRIREME_MEMBERS", "TRIREME_MISSING_MEMBERS", "TRIREME_NEW_CLUSTER")
    )
    return Live(
        members=parse_members(members) if members else default.members,
        patience=parse_missing_members(missing) if missing else default.patience,
        founder=parse_founder(word) if word else default.founder,
    )


def parse_members(text: str) -> int:
    if not is_number(text) or not 1 <= int(text) <= MAX_MEMBERS:
        raise PermanentError(f"TRIREME_MEMBERS={text!r}: expected a whole number from 1 to {MAX_MEMBERS}")
    return int(text)


def parse_missing_members(text: str) -> float | None:
    """``Wait``, or ``MajorityAfter=SECONDS``."""
    word, _, seconds = text.partition("=")
    if text == "Wait":
        return None
    if word == "MajorityAfter" and is_number(seconds) and 1 <= int(seconds) <= LONGEST_PATIENCE_SECONDS:
        return float(seconds)
    raise PermanentError(
        f"TRIREME_MISSING_MEMBERS={text!r}: expected 'Wait', or 'MajorityAfter=SECONDS' with 1 to "
        f"{LONGEST_PATIENCE_SECONDS} seconds"
    )


def parse_founder(text: str) -> Founder:
    """``ORDINAL:VOLUME``, the volume as the member's own report names it."""
    ordinal, _, volume = text.partition(":")
    if not is_number(ordinal) or not volume:
        raise PermanentError(
            f"TRIREME_NEW_CLUSTER={text!r}: expected 'ORDINAL:VOLUME', such as '0:4f1c09aa3b7d2e61'"
        )
    return Founder(ordinal=int(ordinal), volume=volume)
