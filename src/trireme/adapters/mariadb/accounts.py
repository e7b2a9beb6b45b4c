"""Passwords of accounts, as hashes: what is valid now, and how it is changed. No password is in any statement."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from trireme.adapters.mariadb.status import Monitor
from trireme.core.accounts import Account

NATIVE = "mysql_native_password"
_SELECT = (
    "SELECT User, Host, Priv, UNIX_TIMESTAMP() FROM mysql.global_priv"
    " WHERE User IN ({}) AND (Host = '%' OR (User = 'root' AND Host = 'localhost'))"
)


def native_hash(password: str) -> str:
    """As mysql_native_password stores it."""
    stage = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(stage, usedforsecurity=False).hexdigest().upper()


def quoted(text: str) -> str:
    """A string literal for the agent's own session, whose sql_mode is empty."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


async def read_accounts(monitor: Monitor, users: Sequence[str]) -> tuple[list[Account], float]:
    """The accounts that Trireme made for ``users``, and the server's time. Raises as ``Monitor.read``."""
    rows = await monitor.rows(_SELECT.format(", ".join(quoted(user) for user in users)))
    now = float(rows[0][3]) if rows else 0.0
    return [_account(str(user), str(host), json.loads(priv)) for user, host, priv, _ in rows], now


async def set_passwords(monitor: Monitor, account: Account, hashes: Sequence[str]) -> None:
    """Make ``hashes`` the account's only valid ones. Idempotent; replicated to all members as one change."""
    methods = " OR ".join(f"{NATIVE} USING {quoted(hash_)}" for hash_ in hashes)
    await monitor.execute(
        f"ALTER USER {quoted(account.user)}@{quoted(account.host)} IDENTIFIED VIA {methods}"
    )


def _account(user: str, host: str, priv: dict[str, Any]) -> Account:
    """``auth_or`` lists all methods; the first is in the fields themselves, and empty there."""
    methods = [method or priv for method in priv.get("auth_or") or [{}]]
    strange = sorted({str(each.get("plugin", "")) for each in methods} - {NATIVE})
    hashes = tuple(str(each.get("authentication_string", "")) for each in methods)
    return Account(user, host, hashes, int(priv.get("password_last_changed", 0)), ", ".join(strange))
