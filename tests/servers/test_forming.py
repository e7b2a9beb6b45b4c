"""A new cluster forms itself, once, in whatever order its members start and whatever DNS says meanwhile."""

from collections.abc import Iterator

import pytest

from tests.servers.plain import IN_TURN, PlainCluster, wait_until
from trireme.sandbox.dns.faults import Fault, Mode

pytestmark = pytest.mark.servers


@pytest.fixture
def three() -> Iterator[PlainCluster]:
    with PlainCluster(3) as cluster:
        yield cluster


@pytest.mark.parametrize("members", [1, 2, 3, 5])
def test_a_cluster_of(members: int) -> None:
    with PlainCluster(members) as cluster:
        cluster.start().wait_synced()
        writer = cluster.writer()
        assert writer.ordinal == 0
        wait_until(lambda: cluster.views() == {tuple(range(members))}, "all remember the same last view", 10)
        writer.sql("CREATE TABLE app.t (id INT PRIMARY KEY)", "INSERT INTO app.t VALUES (1), (2)")
        for member in cluster.members:
            assert member.sql("SELECT COUNT(*) FROM app.t") == [(2,)]


@pytest.mark.parametrize("order", IN_TURN, ids=str)
def test_members_start_one_by_one_in_the_order(three: PlainCluster, order: tuple[int, ...]) -> None:
    """Nobody bootstraps before all declared members answered fresh."""
    first, second, last = order
    three[first].start().wait_phase("Waiting", seconds=20)
    three[second].start().wait_phase("Waiting", seconds=20)
    three[first].wait_why(f"member {last} silent")
    three[last].start()
    three.wait_synced()


def test_dns_answers_late_and_not_at_all_and_denies_the_name(three: PlainCluster) -> None:
    for fault in (Fault(Mode.NXDOMAIN), Fault(Mode.SERVFAIL), Fault(Mode.DROP), Fault(Mode.EMPTY)):
        three.fault(fault)
        if three[0].process is None:
            three.start()
        for member in three.members:
            member.wait_phase("Waiting", seconds=20)
        assert not any(m.status()["running"] for m in three.members)
    three.fault(Fault(Mode.DELAY, seconds=1.0))
    three.wait_synced()


def test_dns_answers_with_addresses_of_others(three: PlainCluster) -> None:
    three.fault(Fault(Mode.WRONG, addresses=(three[0].address, f"127.{three.net}.9.9")))
    three.start()
    for member in three.members:
        member.wait_phase("Waiting", seconds=20)
    wait_until(lambda: three[0].status()["silent"], "it says who is silent", 20)
    assert not any(m.status()["running"] for m in three.members)
    three.fault()
    three.wait_synced()


def test_a_member_with_another_token_is_not_heard(three: PlainCluster) -> None:
    three[1].secrets(token="another-token-of-sufficient-length")
    three.start()
    three[0].wait_why("different tokens")
    assert not any(m.status()["running"] for m in three.members)


def test_any_uid_will_do(three: PlainCluster) -> None:
    for member in three.members:
        member.start(uid=1000660000)
    three.wait_synced()


def test_first_start_leaves_no_anonymous_user_no_test_database_and_loads_time_zones() -> None:
    with PlainCluster(1) as cluster:
        cluster.start().wait_synced()
        member = cluster[0]
        users = {(user, host) for user, host in member.sql("SELECT user, host FROM mysql.global_priv")}
        assert not [user for user, _ in users if not user]
        assert member.sql("SHOW DATABASES LIKE 'test'") == []
        assert member.sql("SELECT COUNT(*) > 400 FROM mysql.time_zone_name") == [(1,)]
        assert member.sql("SELECT 1", user="app", password="application-password") == [(1,)]
        log = member.log.read_text()
        assert "application-password" not in log
        assert "pässword" not in log
