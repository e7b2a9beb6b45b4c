"""Keeping the accounts' passwords those of the Secret, so that nobody is ever locked out. Pure; hashes only.

A changed password becomes the account's first, and the one before stays valid beside it for a grace time: clients,
probes and people learn of the new one at different moments. The server itself remembers when it was changed, so
nothing needs to be kept here, and any writer's agent can go on where another one died.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """As the server has it. ``hashes``: of the passwords that are valid, the first one first."""

    user: str
    host: str
    hashes: tuple[str, ...]
    changed_at: int
    """Seconds since 1970, by the server's clock."""
    foreign: str = ""
    """A method of logging in that Trireme did not choose; the account is then left alone."""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}"


@dataclass(frozen=True, slots=True)
class Given:
    """What the Secret says, and since when this member shows it (seconds since 1970)."""

    hashes: Mapping[str, str]
    """By user."""
    since: float


@dataclass(frozen=True, slots=True)
class Change:
    """Make ``hashes`` the account's, in this order."""

    account: Account
    hashes: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``in_step``: the Secret's passwords are valid, and first, on every account. ``settled``: no old one is, too."""

    changes: tuple[Change, ...]
    in_step: bool
    why: str
    settled: bool = False


def plan(found: Sequence[Account], given: Given, *, now: float, grace: float) -> Plan:
    """What the writer's agent is to change. ``now``: by the server's clock."""
    changes: list[Change] = []
    troubles = [f"there is no account {user}" for user in given.hashes if user not in {a.user for a in found}]
    later: list[str] = []
    for account in found:
        wanted = given.hashes[account.user]
        if account.foreign:
            troubles.append(f"{account} logs in by {account.foreign}, which Trireme does not change")
        elif account.hashes[:1] == (wanted,):
            if len(account.hashes) > 1 and now - account.changed_at >= grace:
                changes.append(Change(account, (wanted,), "the old password's time is over"))
            elif len(account.hashes) > 1:
                left = max(account.changed_at + grace - now, 0.0)
                later.append(f"{account} takes the old password for {left:.0f} s more")
        elif given.since <= account.changed_at:
            troubles.append(
                f"the password of {account} was changed after the Secret that this member was shown: "
                "it may be shown a newer one soon; else put that password into the Secret"
            )
        else:
            changes.append(Change(account, _beside(wanted, account, grace), "the Secret's password is new"))
    if troubles:
        return Plan(tuple(changes), False, "; ".join(troubles))
    due = [change for change in changes if change.account.hashes[:1] != change.hashes[:1]]
    if due:
        names = ", ".join(str(change.account) for change in due)
        return Plan(tuple(changes), False, f"the Secret's password is new for {names}")
    settled = not later and not changes
    return Plan(tuple(changes), True, "; ".join(later) or "the passwords are the Secret's", settled)


def _beside(wanted: str, account: Account, grace: float) -> tuple[str, ...]:
    """The new one first; of the old ones the first, which clients use now."""
    old = account.hashes[:1] if grace > 0 else ()
    return (wanted, *old)


def shown(found: Sequence[Account], user: str, hash_: str) -> bool:
    """Whether a password with this hash is valid on every account of ``user``."""
    own = [account for account in found if account.user == user]
    return bool(own) and all(hash_ in account.hashes for account in own)
