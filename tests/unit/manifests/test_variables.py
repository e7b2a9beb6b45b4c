"""Which settings of a my.cnf are set live, and what of the text is left for the next start."""

import pytest

from trireme.manifests.cluster.variables import live_value, split
from trireme.manifests.user_config import read_user_config

SPLITS: list[tuple[str, str, dict[str, str], str]] = [
    ("nothing", "", {}, ""),
    ("only live", "[mariadbd]\nmax_connections = 200\n", {"max_connections": "200"}, ""),
    ("no section", "max-connections=1K", {"max_connections": "1024"}, ""),
    ("the last wins", "max_connections=1\nmax_connections=2\n", {"max_connections": "2"}, ""),
    ("comments go", "# why\n[mysqld]\nwait_timeout = 60 # seconds\n", {"wait_timeout": "60"}, ""),
    (
        "both",
        "[mariadbd]\nlong_query_time = 0.5\ninnodb_buffer_pool_size=1G\n",
        {"long_query_time": "0.5"},
        "[mariadbd]\ninnodb_buffer_pool_size=1G\n",
    ),
    (
        "quoted",
        'sql_mode = "ansi_quotes,strict_all_tables"',
        {"sql_mode": "ANSI_QUOTES,STRICT_ALL_TABLES"},
        "",
    ),
    ("a flag", "slow_query_log\n", {"slow_query_log": "ON"}, ""),
    ("switches", "optimizer_switch='mrr=ON'", {"optimizer_switch": "mrr=on"}, ""),
    ("not a number", "max_connections = many", {}, "[mariadbd]\nmax_connections = many\n"),
    ("another version", "[mariadbd-12.3]\nmax_connections=5", {}, "[mariadbd-12.3]\nmax_connections=5\n"),
    (
        "a version's section may win",
        "[mariadbd]\nmax_connections=5\n[mariadbd-10.11]\nmax_connections=6\n",
        {},
        "[mariadbd]\nmax_connections=5\n[mariadbd-10.11]\nmax_connections=6\n",
    ),
    (
        "a prefix may win",
        "max_connections=5\nloose-max-connections=6\n",
        {},
        "[mariadbd]\nmax_connections=5\nloose-max-connections=6\n",
    ),
    (
        "abbreviated",
        "max_connections=5\nmax-connection=6",
        {},
        "[mariadbd]\nmax_connections=5\nmax-connection=6\n",
    ),
    ("a client's", "[client]\nport=3306\n", {}, "[client]\nport=3306\n"),
]


@pytest.mark.parametrize(("name", "text", "variables", "static"), SPLITS, ids=[row[0] for row in SPLITS])
def test_what_is_live_and_what_is_left(name: str, text: str, variables: dict[str, str], static: str) -> None:
    found = split(text)
    assert (found.variables, found.static) == (variables, static), name


def test_both_parts_are_what_the_server_reads() -> None:
    found = split("[mariadbd]\nsql_mode = ANSI\nmax_connections = 200\nskip_name_resolve\n")
    assert found.live_text == "[mariadbd]\nmax_connections = 200\nsql_mode = ANSI\n"
    assert "skip_name_resolve" in found.static
    read_user_config(found.static + found.live_text)


def test_the_parts_are_stable() -> None:
    text = "[mariadbd]\nmax_connections = 200\ninnodb_buffer_pool_size = 1G\n"
    once = split(text)
    assert split(once.static) == split(once.static + once.live_text).__class__(once.static, {})


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("max_connections", "0x10", None),
        ("max_connections", "-1", None),
        ("general_log", "maybe", None),
        ("general_log", "false", "OFF"),
        ("use_stat_tables", "never", "NEVER"),
        ("use_stat_tables", "sometimes", None),
        ("log_output", "FILE, TABLE", "FILE,TABLE"),
        ("optimizer_switch", "mrr=perhaps", None),
        ("sql_mode", "''", ""),
        ("sql_mode", "'it\\'s'", None),
        ("long_query_time", "1.25", "1.25"),
        ("innodb_buffer_pool_size", "1G", None),
        ("wsrep_provider_options", "gcache.size=1G", None),
        ("query_cache_type", "ON", None),
    ],
)
def test_values(name: str, written: str, value: str | None) -> None:
    assert live_value(name, written) == value
