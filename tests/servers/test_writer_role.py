"""One writer: handed over before it stops, taken over when it dies, not taken back."""

import os
import signal
import threading
from collections.abc import Iterator

import pymysql
import pytest

from tests.servers.plain import PlainCluster, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def three() -> Iterator[PlainCluster]:
    with PlainCluster(3) as cluster:
        cluster.start().wait_synced()
        yield cluster


def test_exactly_one_member_is_primary_and_the_rest_are_secondary(three: PlainCluster) -> None:
    assert three.writer().ordinal == 0
    assert [m.get("/primary")[0] for m in three.members] == [200, 503, 503]
    assert [m.get("/secondary")[0] for m in three.members] == [503, 200, 200]


def test_the_role_is_handed_over_before_the_writer_stops_and_is_not_taken_back(three: PlainCluster) -> None:
    three[0].terminate()
    wait_until(lambda: three[1].get("/primary")[0] == 200, "member 1 took the role")
    assert three[0].join() == 0
    three[0].start()
    three.wait_synced()
    assert three.writer().ordinal == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_writer_that_dies_or_freezes_is_succeeded(three: PlainCluster, number: signal.Signals) -> None:
    three[0].signal_server(number)
    wait_until(lambda: three[1].get("/primary")[0] == 200, "member 1 took the role", 30)
    if number is signal.SIGSTOP:
        three[0].signal_server(signal.SIGCONT)
    three.wait_synced()
    assert three.writer().ordinal == 1


def test_a_writer_that_freezes_with_its_agent_is_succeeded(three: PlainCluster) -> None:
    frozen = three[0].agent_pid(), three[0].server_pid()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: three[1].get("/primary")[0] == 200, "member 1 took the role", 30)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    three.wait_synced()
    assert three.writer().ordinal == 1


def test_a_transaction_under_way_may_finish_before_the_server_stops(three: PlainCluster) -> None:
    three[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    with three[0].connect() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO app.t VALUES (1)")
        three[0].terminate()
        three[0].wait_why("open transactions")
        cursor.execute("COMMIT")
    assert three[0].join() == 0
    assert three[1].sql("SELECT COUNT(*) FROM app.t") == [(1,)]


def test_a_client_that_writes_to_the_writer_loses_nothing_when_it_is_stopped(three: PlainCluster) -> None:
    three[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for member in three.members:
                try:
                    if member.get("/primary")[0] == 200:
                        member.sql(f"INSERT IGNORE INTO app.t VALUES ({number})")
                        acknowledged.append(number)
                        break
                except (OSError, pymysql.MySQLError):
                    continue

    client = threading.Thread(target=write)
    client.start()
    try:
        wait_until(lambda: len(acknowledged) > 20, "the client writes")
        assert three[0].stop() == 0
        reached = len(acknowledged)
        wait_until(lambda: len(acknowledged) > reached + 20, "the client writes elsewhere")
    finally:
        stop.set()
        client.join(30)
    (rows,) = three[1].sql("SELECT COUNT(*) FROM app.t")
    assert rows[0] >= len(set(acknowledged))
