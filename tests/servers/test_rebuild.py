"""One member takes a new copy of the data on request: in order, and whatever dies meanwhile."""

from collections.abc import Iterator

import pytest

from tests.servers.commanding import command
from tests.servers.plain import PlainCluster, wait_until
from trireme.api.commands import Rebuild

pytestmark = pytest.mark.servers


@pytest.fixture
def two() -> Iterator[PlainCluster]:
    with PlainCluster(2) as cluster:
        cluster.start().wait_synced()
        cluster[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)", "INSERT INTO app.t VALUES (1), (2)")
        yield cluster


def test_the_writer_is_rebuilt_and_its_old_data_set_aside(two: PlainCluster) -> None:
    old = two.writer()
    other = next(member for member in two.members if member is not old)
    assert not command(old, Rebuild(ordinal=other.ordinal)).accepted
    asked = Rebuild(ordinal=old.ordinal, id="monday")
    assert command(old, asked).accepted
    assert command(old, asked).accepted
    wait_until(lambda: other.get("/primary")[0] == 200, "the other takes the writes", 20)
    other.sql("INSERT INTO app.t VALUES (3)")
    wait_until(lambda: not old.status()["rebuilding"], "it is rebuilt", 60)
    two.wait_synced()
    assert old.sql("SELECT COUNT(*) FROM app.t") == [(3,)]
    assert [each.name.endswith("-rebuild") for each in (old.volume / "aside").iterdir()] == [True]
    assert "SST completed (joiner)" in old.log.read_text()
    assert command(old, asked).why.endswith("took this request on already"), "the asker died and asks again"
    assert (old.status()["rebuilding"], old.status()["rebuild_id"]) == (False, "monday")


def test_it_survives_crashes_and_never_gives_the_last_copy_up(two: PlainCluster) -> None:
    rebuilt, other = two[1], two[0]
    assert command(rebuilt, Rebuild(ordinal=1, why="test")).accepted
    rebuilt.crash()
    other.crash()
    rebuilt.start()
    rebuilt.wait_why("member 0 of the latest view may hold newer data", seconds=60)
    assert rebuilt.status()["rebuilding"]
    assert (rebuilt.volume / "data" / "ibdata1").exists()
    other.start()
    wait_until(lambda: not rebuilt.status()["rebuilding"], "it is rebuilt", 90)
    two.wait_synced()
    assert rebuilt.sql("SELECT COUNT(*) FROM app.t") == [(2,)]
