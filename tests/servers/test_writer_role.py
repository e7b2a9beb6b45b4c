"""One writer: handed over before it stops, taken over when it dies, not taken back."""

import os
import signal
import threading

import pymysql
import pytest

from tests.servers.conftest import Shared
from tests.servers.plain import Agent, PlainCluster, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def shared(shared_outside: Shared) -> Shared:
    return shared_outside


def writer_and_next(cluster: PlainCluster) -> tuple[Agent, Agent]:
    """The writer, and who succeeds it: of the others the one with the lowest ordinal."""
    writer = cluster.writer()
    return writer, next(member for member in cluster.members if member is not writer)


def test_exactly_one_member_is_primary_and_the_rest_are_secondary(three: PlainCluster) -> None:
    """Of a new cluster: the lowest ordinal."""
    assert three.writer().ordinal == 0
    assert [m.get("/primary")[0] for m in three.members] == [200, 503, 503]
    assert [m.get("/secondary")[0] for m in three.members] == [503, 200, 200]


def test_the_role_is_handed_over_before_the_writer_stops_and_is_not_taken_back(three: PlainCluster) -> None:
    writer, successor = writer_and_next(three)
    writer.terminate()
    wait_until(lambda: successor.get("/primary")[0] == 200, "the next took the role")
    assert writer.join() == 0
    writer.start()
    three.wait_synced()
    assert three.writer() is successor


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_writer_that_dies_or_freezes_is_succeeded(three: PlainCluster, number: signal.Signals) -> None:
    writer, successor = writer_and_next(three)
    writer.signal_server(number)
    wait_until(lambda: successor.get("/primary")[0] == 200, "the next took the role", 30)
    if number is signal.SIGSTOP:
        writer.signal_server(signal.SIGCONT)
    three.wait_synced()
    assert three.writer() is successor


def test_a_writer_that_freezes_with_its_agent_is_succeeded(three: PlainCluster) -> None:
    writer, successor = writer_and_next(three)
    frozen = writer.agent_pid(), writer.server_pid()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: successor.get("/primary")[0] == 200, "the next took the role", 30)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    three.wait_synced()
    assert three.writer() is successor


def test_a_transaction_under_way_may_finish_before_the_server_stops(three: PlainCluster) -> None:
    writer, successor = writer_and_next(three)
    writer.sql("CREATE TABLE app.open (id INT PRIMARY KEY)")
    with writer.connect() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO app.open VALUES (1)")
        writer.terminate()
        writer.wait_why("open transactions")
        cursor.execute("COMMIT")
    assert writer.join() == 0
    assert successor.sql("SELECT COUNT(*) FROM app.open") == [(1,)]


def test_a_client_that_writes_to_the_writer_loses_nothing_when_it_is_stopped(three: PlainCluster) -> None:
    writer, successor = writer_and_next(three)
    writer.sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
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
        assert writer.stop() == 0
        reached = len(acknowledged)
        wait_until(lambda: len(acknowledged) > reached + 20, "the client writes elsewhere")
    finally:
        stop.set()
        client.join(30)
    (rows,) = successor.sql("SELECT COUNT(*) FROM app.t")
    assert rows[0] >= len(set(acknowledged))
