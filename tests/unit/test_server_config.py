"""The rendered my.cnf: golden files that a person can read, and what of the user's text is refused."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trireme.base.errors import PermanentError
from trireme.manifests.server_config import ServerConfig, check_user_text, render

GOLDEN = Path(__file__).parent / "server_config"

JOINER = ServerConfig(
    cluster="demo",
    node_name="demo-2",
    address="10.244.1.17",
    peers=("10.244.1.15", "10.244.2.9"),
    data_dir=PurePosixPath("/var/lib/mysql/data"),
    run_dir=PurePosixPath("/run/mysqld"),
    tmp_dir=PurePosixPath("/tmp"),
    provider=PurePosixPath("/usr/lib/galera/libgalera_smm.so"),
    notify_command="/bin/sh /opt/trireme/notify.sh /run/mysqld/notify.sock",
    sst_user="trireme_sst",
    sst_password="5f4dcc3b",
    version=(10, 11, 19),
    votes=False,
    donors=("demo-1",),
    cpus=4,
    memory_bytes=4 * 1024**3,
)
SANDBOX = replace(JOINER, address="127.77.0.5", peers=(), donors=(), votes=True, memory_bytes=None, cpus=1)
WITH_USER_TEXT = """\
max_connections = 500          # before any section: for the server
[mariadb]
innodb_flush_log_at_trx_commit = 2
loose-wsrep-provider-options = "gcache.size=2G; evs.suspect_timeout=PT5S"
[mysqldump]
quick
"""


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("joins_three", JOINER),
        ("bootstraps_on_a_loopback_address", SANDBOX),
        ("user_text_wins", replace(JOINER, user_text=WITH_USER_TEXT)),
        (
            "ipv6",
            replace(
                JOINER, address="fd00::5", peers=("fd00::3",), version=(10, 6, 17), memory_bytes=512 * 1024**2
            ),
        ),
        ("mariadb_11", replace(JOINER, version=(11, 8, 9))),
    ],
)
def test_golden(name: str, config: ServerConfig) -> None:
    expected = (GOLDEN / f"{name}.cnf").read_text()
    assert render(config) == expected


def test_warnings_name_the_line() -> None:
    warnings = check_user_text(WITH_USER_TEXT + "[mariadbd]\ninnodb_force_recovery=1\n")
    assert [warning.partition(":")[0] for warning in warnings] == ["my.cnf line 3", "my.cnf line 8"]
    assert "MDEV-38974" in warnings[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("datadir = /elsewhere", "supervises"),
        ("wsrep_on = OFF", "does not replicate"),
        ("skip-wsrep-on", "does not replicate"),
        ("loose_disable_wsrep_on", "does not replicate"),
        ("wsrep_cluster_address = gcomm://", "two members could start two clusters"),
        ("wsrep-clu = gcomm://", "would be taken for wsrep_cluster_address: spell the setting out"),
        ("wsrep_new_cluster", "two clusters"),
        ("wsrep_provider = none", "finds the provider"),
        ("wsrep_sst_method = rsync", "rsync blocks it"),
        ("wsrep_sst_method = mysqldump", "mysqldump"),
        ("wsrep_sst_auth = root:root", "keeps them secret"),
        ("socket = /tmp/x.sock", "supervises"),
        ("port = 3307", "expect 3306"),
        ("log-error = /tmp/log", "container's log"),
        ("wsrep_provider_options = 'pc.ignore_sb=true'", "pc.ignore_sb is refused: both halves"),
        ('wsrep_provider_options = "gcache.size=1G ; PC.Recovery = yes"', "would elect beside"),
        ("wsrep_provider_options = evs.auto_evict=3", "shut out"),
        ("plugin_wsrep_provider = ON", "give no vote"),
        ("plugin-wsrep = ON", "would be taken for plugin_wsrep_provider"),
        ("loose-wsrep-provider-pc-ignore-sb = ON", "write it as an option in wsrep_provider_options"),
        ("wsrep_provider_opt = gcache.size=1G", "would be taken for wsrep_provider_options"),
        ("!include /etc/my.cnf", "cannot be checked"),
        ("  !includedir /etc/my.cnf.d", "cannot be checked"),
        ("x = " + "y" * 5000 + "\\nwsrep_on=OFF", "longer than"),
    ],
)
def test_what_would_break_an_invariant_is_refused(line: str, reason: str) -> None:
    with pytest.raises(PermanentError, match=r"my\.cnf line 3: ") as caught:
        check_user_text(f"[mysqld]\n# a comment\n{line}\n")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "wsrep_on = ON",
        "wsrep_on",
        "plugin-wsrep-provider = off",
        "wsrep_sst_method = mariabackup",
        "port=3306",
        "wsrep_sst_donor = demo-0,",
        "skip-name-resolve",
        "skip-slave-start",
        "; datadir = /elsewhere",
        "#datadir = /elsewhere",
        "[client]\nport = 3307\nsocket = /x",
        "[sst]\ncompressor = 'gzip'",
    ],
)
def test_what_breaks_nothing_is_left_alone(line: str) -> None:
    text = f"[mysqld]\n{line}"
    check_user_text(text)
    assert render(replace(JOINER, user_text=text)).endswith(f"{text}\n")


SPELLINGS = st.tuples(
    st.sampled_from(["", " ", "\t", "\r "]),
    st.sampled_from(["", "loose-", "loose_"]),
    st.sampled_from(["datadir", "wsrep_cluster_address", "wsrep_notify_cmd", "pid_file", "wsrep_provider"]),
    st.sampled_from(["=", " = ", "\t=", "= '", "=#"]),
    st.text(st.characters(exclude_characters="\n\0", max_codepoint=0x2FF), max_size=20),
    st.sampled_from(
        ["mysqld", "mariadb", "mariadbd", "server", "galera", "mariadb-10.11", "MySQLd", "client-server"]
    ),
    st.data(),
)


@given(SPELLINGS)
def test_no_spelling_of_a_guarded_setting_passes(
    parts: tuple[str, str, str, str, str, str, st.DataObject],
) -> None:
    blank, prefix, name, equals, value, section, data = parts
    spelled = "".join(data.draw(st.sampled_from("-_")) if letter == "_" else letter for letter in name)
    with pytest.raises(PermanentError):
        check_user_text(f"[{section}]\n{blank}{prefix}{spelled}{equals}{value}\n")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        render(replace(JOINER, user_text=text))
    except PermanentError as error:
        assert "my.cnf line" in str(error)
