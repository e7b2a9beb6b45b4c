"""A cluster goes on without somebody, or without a restart; what that leaves behind is told, and never merged."""

import shutil
import time
from collections.abc import Iterator

import pytest

from tests.servers.commanding import command
from tests.servers.faults import crash_all, cut, frozen
from tests.servers.plain import PlainCluster, wait_until
from trireme.api.commands import Recover
from trireme.api.report import Override

pytestmark = pytest.mark.servers


@pytest.fixture
def patient(machine: None) -> Iterator[PlainCluster]:
    """Three members whose policy goes on with a majority after five seconds."""
    with PlainCluster(3) as cluster:
        for member in cluster.members:
            member.env["TRIREME_MISSING_MEMBERS"] = "MajorityAfter=5"
        cluster.start().wait_synced()
        yield cluster


@pytest.mark.parametrize("survivor", [0, 2])
def test_18_the_survivor_of_three_becomes_primary_again_without_a_restart(
    three: PlainCluster, survivor: int
) -> None:
    """FIELD FAILURE 18: running, and not Primary. Fails where it waits for ever, or restarts to be elected."""
    pid, history = three[survivor].server_pid(), three.histories()
    others = [member for member in three.members if member is not three[survivor]]
    crash_all(others)
    three[survivor].wait_phase("NonPrimary", seconds=20)
    for member in others:
        member.start()
    three.wait_synced(seconds=40)
    assert three[survivor].server_pid() == pid
    assert three.histories() == history
    assert "made its group a Primary in place" in three[survivor].log.read_text()


def test_17_a_majority_goes_on_and_the_late_member_sets_aside_what_only_it_has(patient: PlainCluster) -> None:
    """FIELD FAILURE 17. The late member confirmed commits that no other disk has: they are not merged, not lost, and
    everybody says so. Fails where the two wait for ever, and where the third joins with what it has."""
    late, others = patient[0], patient.members[1:]
    crash_all(others)
    for member in others:
        shutil.copytree(member.volume, member.home / "unflushed", symlinks=True)
        member.start()
    patient.wait_synced()
    late.sql("CREATE TABLE app.late (id INT PRIMARY KEY)", "INSERT INTO app.late VALUES (1)")
    crash_all(patient.members)
    for member in others:  # disks that lied: what was confirmed after that moment never reached them
        member.forget_volume()
        member.volume.rmdir()
        (member.home / "unflushed").rename(member.volume)
        member.start()
    others[0].wait_why("a majority of that view may go on without")
    patient.wait_synced(1, 2)
    others[0].sql("CREATE TABLE app.after (id INT PRIMARY KEY)")
    late.start()
    patient.wait_synced()
    assert late.sql("SHOW TABLES FROM app") == [("after",)]
    assert "from where the cluster went on without it" in late.log.read_text()
    assert list((late.volume / "aside").iterdir())
    for member in patient.members:
        (gap,) = member.status()["gaps"]
        assert (gap["missing"], gap["settled"]) == ([0], "")


def test_17_a_person_chooses_the_one_that_was_left_behind(patient: PlainCluster) -> None:
    """What came since is moved aside on each that has it, and merged with nothing. Fails where those who went on wait for
    ever, or offer their data at a seqno that both branches have."""
    chosen, others = patient[0], patient.members[1:]
    crash_all(patient.members)
    for member in others:
        member.start()
    patient.wait_synced(1, 2)
    others[0].sql("CREATE TABLE app.after (id INT PRIMARY KEY)")
    wait_until(lambda: others[1].sql("SHOW TABLES FROM app"), "both have the table")
    crash_all(others)
    chosen.start()
    others[0].start().wait_why("member 2 of the latest view may hold newer data and did not answer")
    wait_until(lambda: not chosen.status()["unsettled"], "its storage engine has told its position", 20)
    volume, shown = chosen.status()["volume"], (others[0].ordinal, others[0].status()["position"]["seqno"])
    word = Override(candidate=0, volume=volume, without=(2,), shown=(shown,), by="alice")
    assert command(chosen, Recover(override=word)).accepted
    patient.wait_synced(0, 1)
    others[1].start()
    patient.wait_synced()
    for member in patient.members:
        assert member.sql("SHOW TABLES FROM app") == []
    for member in others:
        (kept,) = (member.volume / "aside").iterdir()
        assert list(kept.rglob("after.frm"))


def test_06_a_server_that_was_cut_off_meanwhile_does_not_merge_by_itself(patient: PlainCluster) -> None:
    """It runs on, and knows commits that no other disk has. When the link heals Galera would let it in, and nobody
    would compare. Fails where the group keeps its name."""
    cut_off, others = patient[0], patient.members[1:]
    pid = cut_off.server_pid()
    with cut(cut_off, others):
        crash_all(others)
        cut_off.wait_phase("NonPrimary", seconds=20)
        for member in others:
            member.start()
        patient.wait_synced(1, 2)
    wait_until(lambda: cut_off.server_pid() != pid, "another server, in the group of the others", 30)
    patient.wait_synced()
    assert "the cluster went on without this member" in cut_off.tail(400)
    assert cut_off.status()["gaps"][0]["missing"] == [0]
    names = {member.status()["group_name"] for member in patient.members}
    assert len(names) == 1
    assert names != {"demo"}


def test_17_one_of_three_is_no_majority(patient: PlainCluster) -> None:
    crash_all(patient.members)
    patient[1].start()
    patient[1].wait_why("members 0, 2 of the latest view may hold newer data", seconds=30)
    time.sleep(8)
    assert patient[1].phase() == "Waiting"
    patient[0].start()
    patient[2].start()
    patient.wait_synced()
    assert patient[0].status()["gaps"] == []


def test_06_a_cluster_of_one_that_was_scaled_is_not_founded_anew_by_its_first_member(machine: None) -> None:
    """Member 0 lost its volume, and is declared alone; the others are silent. Fails where that makes a new cluster."""
    with PlainCluster(3, declared=1) as cluster:
        cluster[0].start()
        cluster[0].wait_phase("Synced")
        cluster[1].start()
        cluster[2].start()
        cluster.wait_synced()
        history = cluster.histories()
        crash_all(cluster.members)
        cluster[0].forget_volume()
        cluster[1].start()
        cluster[2].start()
        with frozen(cluster[1].agent_pid(), cluster[2].agent_pid()):
            cluster[0].start()
            cluster[0].wait_why("a new cluster needs all 3 declared members to answer fresh", seconds=30)
            time.sleep(5)
            assert cluster[0].phase() == "Waiting"
        cluster.wait_synced()
        assert cluster.histories() == history


def test_07_two_primaries_by_hand_and_clients_are_led_to_one(three: PlainCluster) -> None:
    """FIELD FAILURE 7. A person bootstraps the smaller side. Fails where both sides are ready for clients."""
    writer = three.writer()
    alone = three[2] if writer is not three[2] else three[1]
    others = [member for member in three.members if member is not alone]
    with cut(alone, others):
        alone.wait_phase("NonPrimary", seconds=20)
        alone.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")
        wait_until(lambda: (alone.status()["server"] or {}).get("primary"), "a second Primary", 20)
    alone.wait_phase("Blocked", seconds=30)
    assert "two Primaries live" in alone.status()["why"]
    assert alone.get("/readyz")[0] == 503
    assert alone.get("/primary")[0] == 503
    for member in others:
        assert member.get("/readyz")[0] == 200
    serving = next(member for member in others if member.takes_writes())
    assert "in another Primary" in serving.status()["why"]
    alone.crash()
    alone.forget_volume()
    alone.start()
    three.wait_synced()


def test_18_two_of_three_restart_before_the_third_knows_that_it_lost_the_primary(three: PlainCluster) -> None:
    """They join a Primary that is gone a moment later, and that Galera never makes again: processes of it ended.
    Fails where a time-out of 20 s, and not that fact, ends the joining."""
    crash_all(three.members[:2])
    for member in three.members[:2]:
        member.start()
    three.wait_synced()
    assert not any("is gone, and nothing arrives" in member.tail(400) for member in three.members[:2])


def test_an_old_copy_of_a_volume_is_told_from_what_came_after_it(three: PlainCluster) -> None:
    """Member 0 was alone as its volume was copied; all are down as the copy is put back, and it is the first to start.

    Fails where the others join what it made of it: Galera ends their servers until it has passed them, and then mixes
    two branches of one history.
    """
    old, others = three[0], three.members[1:]
    for member in (*others, old):
        assert member.stop() == 0
    shutil.copytree(old.volume, old.home / "copy", symlinks=True)
    three.start().wait_synced()
    others[0].sql("CREATE TABLE app.newer (id INT PRIMARY KEY)")
    crash_all(three.members)
    old.forget_volume()
    old.volume.rmdir()
    (old.home / "copy").rename(old.volume)
    old.start().wait_why("hears members 1, 2 first")
    old.wait_phase("Synced")
    for member in others:
        member.start().wait_why("of which the Primary was not told")
    old.sql("CREATE TABLE app.other (id INT PRIMARY KEY)")
    old.sql(*(f"INSERT INTO app.other VALUES ({number})" for number in range(30)))
    for member in others:
        member.wait_phase("Blocked")
        assert member.status()["server"] is None
    old.crash()
    old.start()
    others[0].wait_why("two branches of one history, never compared by seqno")
    assert "newer" in {path.stem for path in (others[0].volume / "data" / "app").iterdir()}
