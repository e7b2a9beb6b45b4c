"""The writer's role handed over on request, with real servers and clients that stay connected."""

import sys
import threading
import time
import urllib.error
from collections.abc import Iterator

import pymysql
import pymysql.cursors
import pytest

from tests.servers.commanding import command
from tests.servers.plain import Agent, PlainCluster, wait_until
from trireme.api.commands import Switchover

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def three() -> Iterator[PlainCluster]:
    with PlainCluster(3) as cluster:
        cluster.start().wait_synced()
        cluster[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
        yield cluster


def others(cluster: PlainCluster, writer: Agent) -> list[Agent]:
    return [member for member in cluster.members if member is not writer]


def is_closed(connection: "pymysql.Connection[pymysql.cursors.Cursor]") -> bool:
    try:
        connection.ping(reconnect=False)
    except pymysql.MySQLError:
        return True
    return False


def test_idle_clients_are_asked_to_connect_anew_and_open_transactions_finish(three: PlainCluster) -> None:
    old = three.writer()
    new = others(three, old)[-1]
    with old.connect() as idle, old.connect() as busy, busy.cursor() as work:
        work.execute("BEGIN")
        work.execute("INSERT INTO app.t VALUES (1)")
        reply = command(old, Switchover(to=new.ordinal))
        assert reply.accepted, reply
        wait_until(lambda: new.get("/primary")[0] == 200, "the heir is the writer", 5)
        wait_until(lambda: is_closed(idle), "the idle client is closed", 5)
        work.execute("COMMIT")
        wait_until(lambda: is_closed(busy), "the other is, too, when it is done", 5)
    assert new.sql("SELECT COUNT(*) FROM app.t") == [(1,)]
    assert three.writer() is new
    assert old.status()["phase"] == "Synced"


def test_asked_again_it_is_done_once_and_what_cannot_be_is_refused_in_words(three: PlainCluster) -> None:
    old = three.writer()
    new = others(three, old)[0]
    assert "is the writer already" in command(old, Switchover(to=old.ordinal)).why
    assert "does not answer" in command(old, Switchover(to=9)).why
    assert "is not the writer" in command(new, Switchover(to=new.ordinal)).why
    with pytest.raises(urllib.error.HTTPError, match="401"):
        command(old, Switchover(to=new.ordinal), token="another-token-of-more-than-16-bytes")
    first, second = (command(old, Switchover(to=new.ordinal)) for _ in range(2))
    assert first.accepted
    assert second.accepted or "is not the writer" in second.why
    wait_until(lambda: three.writer() is new, "the heir is the writer", 5)
    terms = [member.status()["writer"]["term"] for member in three.members]
    assert len(set(terms)) == 1


def test_a_client_that_retries_once_fails_nothing(three: PlainCluster) -> None:
    """It holds one connection to the writer, as a pool does, and connects anew when that one is closed."""
    old = three.writer()
    failed: list[str] = []
    slowest, stop = [0.0], threading.Event()
    count = [1000]

    def write() -> None:
        writer, connection = old, None
        while not stop.is_set():
            count[0] += 1
            began = time.monotonic()
            for attempt in (1, 2):
                try:
                    if connection is None:
                        writer = next(m for m in three.members if m.get("/primary")[0] == 200)
                        connection = pymysql.connect(
                            host=writer.address, user="app", password="application-password", autocommit=True
                        )
                    with connection.cursor() as cursor:
                        cursor.execute(f"INSERT IGNORE INTO app.t VALUES ({count[0]})")
                    break
                except (OSError, pymysql.MySQLError, StopIteration) as error:
                    connection = None
                    if attempt == 2:
                        failed.append(repr(error))
            slowest[0] = max(slowest[0], time.monotonic() - began)

    client = threading.Thread(target=write)
    client.start()
    try:
        for target in (*others(three, old), old):
            before = count[0]
            wait_until(lambda before=before: count[0] > before + 20, "the client writes")  # type: ignore[misc]
            assert command(three.writer(), Switchover(to=target.ordinal)).accepted
            wait_until(lambda target=target: three.writer() is target, "the role moves", 10)  # type: ignore[misc]
    finally:
        stop.set()
        client.join(30)
    assert failed == []
    assert old.sql("SELECT COUNT(*) FROM app.t WHERE id > 1000") == [(count[0] - 1000,)]
    sys.stdout.write(f"{count[0] - 1000} writes, the slowest took {slowest[0]:.3f} s\n")
    assert slowest[0] < 1.0


def test_an_heir_that_dies_is_given_up_and_a_writer_that_dies_is_succeeded(three: PlainCluster) -> None:
    old = three.writer()
    heir = others(three, old)[-1]
    command(old, Switchover(to=heir.ordinal))
    heir.crash()
    living = [member for member in three.members if member is not heir]
    wait_until(
        lambda: sum(m.get("/primary")[0] == 200 for m in living) == 1, "one writer among the living", 30
    )
    heir.start()
    three.wait_synced()
    old = three.writer()
    heir = others(three, old)[-1]
    command(old, Switchover(to=heir.ordinal))
    old.crash()
    living = [member for member in three.members if member is not old]
    wait_until(
        lambda: sum(m.get("/primary")[0] == 200 for m in living) == 1, "one writer among the living", 30
    )
    old.start()
    three.wait_synced()
    assert three.writer() is not old
