"""Members that die in the middle of something take it up again; clusters that were stopped come back by themselves."""

import json
import signal
import time
from collections.abc import Iterator

import pytest

from tests.servers.conftest import Shared
from tests.servers.faults import frozen
from tests.servers.filler import SOME_DATA, filled
from tests.servers.plain import IN_TURN, PlainCluster, wait_until

pytestmark = pytest.mark.servers


def came_by_ist(log: str) -> bool:
    """The transfer script itself says which it was: it is started for both."""
    return "Running IST" in log and "Cleaning the existing datadir" not in log


@pytest.fixture
def new() -> Iterator[PlainCluster]:
    with PlainCluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def shared(shared_outside: Shared) -> Shared:
    """For all tests here that begin with a whole cluster. Those that fill it come last."""
    return shared_outside


@pytest.mark.parametrize("phase", ["Electing", "Initializing", "Bootstrapping"])
def test_the_first_member_dies_in_the_middle_of_the_first_bootstrap(new: PlainCluster, phase: str) -> None:
    new.start()
    wait_until(lambda: new[0].phase() == phase or new[0].status()["running"], f"member 0 is {phase}")
    new[0].crash()
    for other in (1, 2):
        assert not new[other].status()["running"]
    new[0].start()
    new.wait_synced()
    assert new[0].log.read_text().count("to bootstrap") <= 2


def test_a_restarted_member_comes_back_by_an_incremental_transfer(three: PlainCluster) -> None:
    three[0].sql("CREATE TABLE app.incremental (id INT PRIMARY KEY)")
    assert three[2].stop() == 0
    three[0].sql("INSERT INTO app.incremental VALUES (1), (2), (3)")
    three[2].start()
    three.wait_synced()
    assert three[2].sql("SELECT COUNT(*) FROM app.incremental") == [(3,)]
    assert came_by_ist(three[2].log.read_text().rsplit("agent of default/demo", 1)[1])


def test_a_crashed_server_comes_back_without_a_full_transfer(three: PlainCluster) -> None:
    three[0].sql("CREATE TABLE app.killed (id INT PRIMARY KEY)", "INSERT INTO app.killed VALUES (1)")
    wait_until(lambda: three[1].sql("SELECT COUNT(*) FROM app.killed") == [(1,)], "member 1 is past the DDL")
    restarts = three[1].status()["restarts"]
    three[1].signal_server(signal.SIGKILL)
    wait_until(lambda: three[1].status()["restarts"] == restarts + 1, "the agent noticed")
    three.wait_synced()
    assert (
        "Cleaning the existing datadir" not in three[1].log.read_text().rsplit("mariadbd ended with -9", 1)[1]
    )
    assert three[1].sql("SELECT COUNT(*) FROM app.killed") == [(1,)]


@pytest.mark.parametrize("order", IN_TURN, ids=str)
def test_all_are_stopped_in_order_and_started_again(new: PlainCluster, order: tuple[int, ...]) -> None:
    """The last to leave bootstraps, whichever ordinal it is; whoever left earlier waits for it."""
    new.start().wait_synced()
    history = new.histories()
    new[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    for step, ordinal in enumerate(order):
        new[order[-1]].sql(f"INSERT INTO app.t VALUES ({step})")
        assert new[ordinal].stop() == 0
    first, second, last = order
    new[first].start().wait_why("did not answer")
    new[second].start()
    new[first].wait_phase("Waiting")
    new[last].start()
    new.wait_synced()
    assert new.histories() == history
    assert new.writer().ordinal == last
    assert new[first].sql("SELECT COUNT(*) FROM app.t") == [(3,)]


def test_all_are_stopped_at_once_and_started_again(three: PlainCluster) -> None:
    history = three.histories()
    for member in three.members:
        member.terminate()
    assert [member.join() for member in three.members] == [0, 0, 0]
    three.start().wait_synced()
    assert three.histories() == history


def test_all_crash_at_once_under_load(three: PlainCluster) -> None:
    """The normal crash: every grastate.dat says -1 and 0. The most advanced bootstraps, nothing is lost."""
    history = three.histories()
    before = three[0].status()["last_view"]["seqno"]
    three[0].sql("CREATE TABLE app.busy (id INT PRIMARY KEY AUTO_INCREMENT)")
    with three[0].connect() as connection, connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("INSERT INTO app.busy VALUES ()")
    for member in three.members:
        member.crash()
    three.start().wait_synced()
    assert three.histories() == history
    for member in three.members:
        assert member.sql("SELECT COUNT(*) FROM app.busy") == [(200,)]
    views = json.loads((three.writer().volume / "trireme" / "member.json").read_text())["views"]
    founded = [view for view in views if view["founded"] and view["seqno"] > before]
    assert [view["members"] for view in founded] == [[three.writer().ordinal]]


def test_a_lost_volume_is_filled_again(three: PlainCluster) -> None:
    history = three.histories()
    three[0].crash()
    three[0].forget_volume()
    three[0].start()
    three.wait_synced()
    assert three.histories() == history


def test_two_of_three_crash_and_the_third_waits_without_a_primary_and_all_come_back(
    three: PlainCluster,
) -> None:
    three[0].sql("CREATE TABLE app.waits (id INT PRIMARY KEY)", "INSERT INTO app.waits VALUES (1)")
    three[1].crash()
    three[2].crash()
    three[0].wait_phase("NonPrimary")
    assert three[0].get("/readyz")[0] == 503
    assert three[0].get("/livez")[0] == 200
    three[1].start()
    three[2].start()
    three.wait_synced()
    assert three[2].sql("SELECT COUNT(*) FROM app.waits") == [(1,)]


def test_the_cluster_grows_and_shrinks(new: PlainCluster) -> None:
    new.start().wait_synced()
    added = [new.grow(), new.grow()]
    for member in added:
        member.start()
    new.wait_synced()
    for member in reversed(added):
        assert member.stop() == 0
    new.publish()
    new.wait_synced(0, 1, 2)


def test_a_member_whose_data_differs_leaves_and_takes_a_new_copy(three: PlainCluster) -> None:
    """Galera votes it out; its server would run on outside the group for ever."""
    before = set((three[2].volume / "aside").glob("*"))
    said = three[2].log.read_text().count("needs a new copy")
    three[0].sql("CREATE TABLE app.differs (id INT PRIMARY KEY)", "INSERT INTO app.differs VALUES (1), (2)")
    three[2].sql("SET SESSION wsrep_on=OFF", "DELETE FROM app.differs")
    three[0].sql("UPDATE app.differs SET id = id + 10")
    wait_until(
        lambda: three[2].log.read_text().count("needs a new copy") > said,
        "member 2 knows that its data differs",
        30,
    )
    three.wait_synced()
    assert three[2].sql("SELECT id FROM app.differs ORDER BY id") == [(11,), (12,)]
    assert set((three[2].volume / "aside").glob("*")) - before


@pytest.mark.parametrize("moment", ["Joining", "Transferring", "half-way"])
def test_a_joiner_dies_in_the_middle_of_its_state_transfer(three: PlainCluster, moment: str) -> None:
    filled(three)
    three[2].crash()
    three[2].forget_volume()
    three[2].start()
    if moment == "half-way":
        wait_until(lambda: (three[2].status()["received_bytes"] or 0) > 2**20, "a part has arrived")
    else:
        three[2].wait_phase(moment)
    three[2].crash()
    three[2].start()
    three.wait_synced()
    assert three[2].sql("SELECT COUNT(*) FROM app.filler") == [(300,)]


def test_the_donor_dies_in_the_middle_of_a_state_transfer(three: PlainCluster) -> None:
    filled(three)
    three[2].crash()
    three[2].forget_volume()
    three[2].start()
    wait_until(lambda: any(three[o].phase() == "Donor" for o in (0, 1)), "somebody is donor")
    donor = next(three[o] for o in (0, 1) if three[o].phase() == "Donor")
    donor.signal_server(signal.SIGKILL)
    three.wait_synced()
    assert three[2].sql("SELECT COUNT(*) FROM app.filler") == [(300,)]


def test_a_joiner_that_dies_in_its_transfer_does_not_take_the_primary_from_a_lone_donor() -> None:
    with PlainCluster(2) as cluster:
        cluster.start().wait_synced()
        cluster[0].sql(*SOME_DATA)
        assert cluster[1].stop() == 0
        cluster[1].forget_volume()
        cluster[1].start().wait_phase("Transferring")
        cluster[1].crash()
        cluster.publish()
        wait_until(lambda: cluster[0].status()["server"]["size"] == 1, "the donor is alone", 30)
        cluster[0].sql("INSERT INTO app.filler (text) VALUES ('still taking writes')")
        cluster[1].start()
        cluster.wait_synced()


def test_a_held_probe_hears_at_once_that_a_member_is_ready() -> None:
    """Asked with ``hold``, a member that is not ready answers when it is; one that was ready says no at once."""
    with PlainCluster(1) as cluster:
        member = cluster[0].start()
        member.wait_phase("Bootstrapping", seconds=60)
        assert member.get("/readyz?hold=2.5")[0] == 200
        with frozen(member.server_pid()):
            wait_until(lambda: member.get("/readyz")[0] == 503, "it is not ready", 20)
            begun = time.monotonic()
            assert [member.get("/readyz?hold=2")[0] for _ in range(3)] == [503] * 3
            assert time.monotonic() - begun < 1.5
            assert member.get("/readyz?hold=1")[0] == 503
            assert time.monotonic() - begun > 1
