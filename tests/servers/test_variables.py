"""Variables set while the server runs: what is taken, what is refused and why, and how long it lasts."""

import pytest

from tests.servers.commanding import command
from tests.servers.plain import PlainCluster, wait_until
from trireme.api.commands import Variables

pytestmark = pytest.mark.servers


def test_variables_are_set_live_or_refused_each_for_itself() -> None:
    with PlainCluster(1) as cluster:
        member = cluster.start()[0]
        cluster.wait_synced()
        wishes = {
            "max_connections": "333",
            "innodb-buffer-pool-size": "64M",
            "slow_query_log": "ON",
            "long_query_time": "0.5",
            "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
            "init_connect": "SET @a = '\\\\'",
            "sync_binlog": "1",
            "wsrep_provider_options": "gcs.fc_limit=64",
        }
        no = {
            "innodb_page_size": "takes a restart",
            "no_such": "no such variable",
            "max_user_connections": "out of range",
            "wsrep_on": "loses what is written",
            "sort_buffer_size; DROP DATABASE app": "not the name of a variable",
            "character_set_server": "is none of",
        }
        values = {**wishes, **dict.fromkeys(no, "OFF"), "max_user_connections": str(2**40)}
        reply = command(member, Variables(values=values))
        assert not reply.accepted
        assert reply.refused.keys() == no.keys(), reply
        assert all(words in reply.refused[name] for name, words in no.items()), reply
        assert member.status()["variables"] == {
            name.replace("-", "_"): value for name, value in wishes.items()
        }
        query = "SELECT @@GLOBAL.max_connections, @@GLOBAL.innodb_buffer_pool_size, @@GLOBAL.init_connect"
        assert member.sql(query) == [(333, 64 * 2**20, wishes["init_connect"])]
        assert command(member, Variables(values=wishes)).accepted
        member.signal_server(9)
        wait_until(lambda: member.status()["variables"] == {}, "what was set ended with its server", 30)
        cluster.wait_synced()
        assert member.sql("SELECT @@GLOBAL.max_connections") != [(333,)]
