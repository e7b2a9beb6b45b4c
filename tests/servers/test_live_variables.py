"""What is said to be set live is: every variable of the table, on a real server, and again as its my.cnf."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest

from tests.servers.mariadb_members import TestMember, members
from trireme.adapters.mariadb.binaries import Binaries
from trireme.manifests.cluster.live_variables import BOOLEANS, CHOICES, FRACTIONS, NUMBERS, SETS, SWITCHES
from trireme.manifests.cluster.variables import Split, live_value, split

pytestmark = pytest.mark.servers

EVERY = sorted({*BOOLEANS, *NUMBERS, *FRACTIONS, *CHOICES, *SETS, *SWITCHES})
KINDS = {
    "BOOLEAN": BOOLEANS,
    "BIGINT UNSIGNED": NUMBERS,
    "INT UNSIGNED": NUMBERS,
    "INT": NUMBERS,
    "DOUBLE": FRACTIONS,
    "ENUM": CHOICES,
    "SET": SETS,
    "FLAGSET": SWITCHES,
}
DESCRIBE = (
    "SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, READ_ONLY, VARIABLE_SCOPE, ENUM_VALUE_LIST, GLOBAL_VALUE, "
    "NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE FROM information_schema.SYSTEM_VARIABLES"
)
CHOSEN = {
    "sync_binlog": "10",
    "innodb_flush_log_at_trx_commit": "2",
    "innodb_io_capacity": "300",
    "innodb_io_capacity_max": "4000",
    "innodb_max_dirty_pages_pct": "80",
    "innodb_max_dirty_pages_pct_lwm": "10",
    "innodb_compression_level": "5",
    "max_allowed_packet": "33554432",
    "max_session_mem_used": "1073741824",
    "wsrep_ignore_apply_errors": "3",
    "optimizer_switch": "mrr=on",
    "sql_mode": "ANSI_QUOTES",
}
"""Where half or twice of what is set now is not allowed, or means nothing."""


async def test_every_variable_of_the_table_changes_while_the_server_runs(
    folder: Path, binaries: Binaries
) -> None:
    async with members(1, folder, binaries) as (member,):
        await member.initialize()
        await member.start(new_cluster=True)
        await member.synced()
        rows = {str(row[0]): row[1:] for row in member.sql(DESCRIBE)}
        wanted = {name: another(name, rows[name]) for name in EVERY}
        problems = [
            said for name, value in wanted.items() for said in set_live(member, name, value, rows[name])
        ]
        assert problems == [], "\n".join(member.lines[-40:])
        after = {str(row[0]): row[5] for row in member.sql(DESCRIBE)}
        assert [name for name in EVERY if after[name] == rows[name][4]] == [], "set, and without effect"
        await restarted_with(member, Split("", wanted), after)


def set_live(member: TestMember, name: str, value: str, row: tuple[object, ...]) -> Iterator[str]:
    """What does not fit: the table's kind, the server's rights to change it, the value, the server's answer."""
    kind, read_only, scope = row[:3]
    if name not in KINDS[str(kind)]:
        yield f"{name} is a {kind}"
    if read_only != "NO" or scope == "SESSION ONLY":
        yield f"{name} cannot be set while the server runs"
    if live_value(name, f"'{value}'") != value:
        yield f"{name}={value} is not taken for a valid value"
    try:
        member.sql(f"SET GLOBAL {name} = {literal(name, value)}")
    except pymysql.err.MySQLError as error:
        yield f"{name}={value}: {error}"


async def restarted_with(member: TestMember, found: Split, values: dict[str, object]) -> None:
    """A server that starts with the same as its my.cnf has the same values."""
    assert split(found.live_text).variables == found.variables
    assert member.server is not None
    await member.server.stop(30)
    await member.start(new_cluster=True, user_text=found.live_text)
    await member.synced()
    now = {str(row[0]): row[5] for row in member.sql(DESCRIBE)}
    different = {name: (values[name], now[name]) for name in EVERY if now[name] != values[name]}
    assert different == {}


def another(name: str, row: tuple[object, ...]) -> str:
    """A valid value that is not the present one."""
    now, least, most = str(row[4]), str(row[5] or 0), str(row[6] or 0)
    if name in CHOSEN:
        return CHOSEN[name]
    if name in BOOLEANS:
        return "OFF" if now == "ON" else "ON"
    if name in CHOICES:
        return next(each for each in CHOICES[name] if each.lower() != now.lower())
    if name in SETS:
        return next(each for each in SETS[name] if each.lower() not in now.lower().split(","))
    number, top = Decimal(now), Decimal(most)
    doubled = number * 2 if number else max(Decimal(1), Decimal(least))
    value = doubled if doubled <= top else number / 2
    return str(int(value)) if name in NUMBERS else f"{value:.2f}"


def literal(name: str, value: str) -> str:
    return value if name in NUMBERS or name in FRACTIONS else f"'{value}'"
