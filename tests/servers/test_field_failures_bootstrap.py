"""FIELD FAILURES 1, 2, 4-6, 12, 13, 15, 17: who bootstraps after a crash, and who must not.

5 and 12 in the first start ever, 11 and 16 are in test_resuming.py; 10 is in test_field_failures_damage.py.
"""

import shutil
import time
from functools import partial

import pytest

from tests.servers.faults import crash_all, cut, dns_says
from tests.servers.filler import filled
from tests.servers.ledger import writing
from tests.servers.plain import Agent, PlainCluster, wait_until
from trireme.sandbox.dns.faults import Fault, Mode

pytestmark = pytest.mark.servers

ZERO_AND_SAFE = """# GALERA saved state
version: 2.1
uuid:    00000000-0000-0000-0000-000000000000
seqno:   -1
safe_to_bootstrap: 1
"""


def fill(cluster: PlainCluster, table: str, rows: int = 10) -> None:
    writer = cluster.writer()
    writer.sql(f"CREATE OR REPLACE TABLE app.{table} (id INT PRIMARY KEY AUTO_INCREMENT)")
    add(writer, table, rows)


def add(member: Agent, table: str, rows: int) -> None:
    member.sql(f"INSERT INTO app.{table} VALUES {', '.join(['()'] * rows)}")


def count(member: Agent, table: str) -> int:
    ((rows,),) = member.sql("SET wsrep_sync_wait = 1", f"SELECT COUNT(*) FROM app.{table}")
    return int(rows)


def anyone_is(cluster: PlainCluster, *phases: str) -> bool:
    return any(member.phase() in phases for member in cluster.members)


def bootstraps(member: Agent) -> int:
    """How often its server was started as the first of a Primary."""
    return member.log.read_text().count("to bootstrap")


def test_01_and_13_an_empty_member_that_is_safe_to_bootstrap_is_not(three: PlainCluster) -> None:
    """Fails when safe_to_bootstrap counts for anything, or when who answers is enough: the cluster would be empty."""
    fill(three, "case_1")
    history = three.histories()
    crash_all(three.members)
    before = bootstraps(three[2])
    three[2].forget_volume()
    (three[2].volume / "data").mkdir()
    (three[2].volume / "data" / "grastate.dat").write_text(ZERO_AND_SAFE)
    three.start([2, 1])
    three[1].wait_why("member 0 of the latest view may hold newer data and did not answer")
    three[2].wait_phase("Waiting", "Blocked")
    assert not three[1].status()["running"] and not three[2].status()["running"]
    three[0].start()
    three.wait_synced()
    assert three.histories() == history
    assert bootstraps(three[2]) == before
    assert [count(member, "case_1") for member in three.members] == [10, 10, 10]


def test_02_members_emptied_by_a_broken_transfer_never_bootstrap(three: PlainCluster) -> None:
    """Fails when a directory without its marks, or with a part of the data, counts as data."""
    filled(three)
    history = three.histories()
    three[2].crash()
    three[2].forget_volume()
    three[2].start()
    wait_until(lambda: (three[2].status()["received_bytes"] or 0) > 2**20, "a part has arrived")
    crash_all(three.members)
    before = bootstraps(three[2])
    three[2].start().wait_phase("Waiting")
    three[1].start().wait_why("member 0 of the latest view may hold newer data and did not answer")
    three.start([0]).wait_synced()
    assert three.histories() == history
    assert bootstraps(three[2]) == before
    assert three[2].sql("SELECT COUNT(*) FROM app.filler") == [(300,)]


def test_04_and_17_killed_one_after_the_other_the_last_one_bootstraps(three: PlainCluster) -> None:
    """Seqnos differ, the lowest ordinal's is the lowest. Fails when the first who answers, or ordinal 0, bootstraps."""
    fill(three, "case_4", 1)
    three[0].crash()
    three[1].wait_phase("Synced")
    wait_until(lambda: three[1].status()["server"]["size"] == 2, "the others go on", 20)
    add(three.writer(), "case_4", 1)
    assert three[1].stop() == 0
    wait_until(lambda: three.writer() is three[2], "member 2 is alone")
    add(three[2], "case_4", 1)
    three[2].crash()
    three.start([0, 1])
    for waiting in (three[0], three[1]):
        waiting.wait_why("member 2 of the latest view may hold newer data and did not answer")
    before = bootstraps(three[2])
    three.start([2]).wait_synced()
    assert bootstraps(three[2]) == before + 1
    assert [count(member, "case_4") for member in three.members] == [3, 3, 3]


@pytest.mark.parametrize("then", ["is cut off", "dies"])
def test_05_a_candidate_with_grants_and_no_connection_stays_the_only_one(
    three: PlainCluster, then: str
) -> None:
    """Fails when grants lapse, or are forgotten with the agent: the others would elect one of their own beside it."""
    fill(three, "case_5")
    crash_all(three.members)
    begun = {member: len(member.log.read_text()) for member in three.members}
    three.start()

    def elected() -> Agent | None:
        said = {member: member.log.read_text()[begun[member] :] for member in three.members}
        return next((member for member, text in said.items() if "granted by [0, 1, 2]" in text), None)

    candidate = wait_until(elected, "one has all grants", 30)
    others = [member for member in three.members if member is not candidate]
    with cut(candidate, others):
        if then == "dies":
            candidate.crash()
        for other in others:
            other.wait_why(f"member {candidate.ordinal}")
        time.sleep(5)
        running = [member for member in others if member.status()["running"]]
        assert not [member for member in running if (member.status()["server"] or {}).get("primary")]
        if then == "dies":
            candidate.start()
            candidate.wait_phase("Waiting", "Electing")
    three.wait_synced()
    assert [count(member, "case_5") for member in three.members] == [10, 10, 10]


def test_06_a_name_service_that_fails_makes_no_second_primary(three: PlainCluster) -> None:
    """After a crash of all, each hears only itself. Fails when a member that is not found counts as gone."""
    fill(three, "case_6")
    history = three.histories()
    crash_all(three.members)
    for fault in (Fault(Mode.DROP), Fault(Mode.NXDOMAIN)):
        with dns_says(three, fault):
            for member in three.members:
                if member.process is None:
                    member.start()
            for member in three.members:
                member.wait_why("did not answer")
            assert not [member for member in three.members if member.status()["running"]]
            crash_all(three.members)
    with dns_says(three, Fault(Mode.DELAY, seconds=1.0)):
        three.start().wait_synced()
    assert three.histories() == history
    assert [count(member, "case_6") for member in three.members] == [10, 10, 10]


def test_11_and_12_all_die_again_while_they_recover_again_and_again(three: PlainCluster) -> None:
    """A crash during the bootstrap. Fails when a start leaves marks that make the next one give up."""
    with writing(three, "case_12") as ledger:
        crash_all(three.members)
        for phases in (
            ("Recovering",),
            ("Electing", "Bootstrapping"),
            ("Bootstrapping", "Joining"),
            ("Synced",),
        ):
            three.start()
            wait_until(partial(anyone_is, three, *phases), " or ".join(phases))
            crash_all(three.members)
        three.start().wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()


def test_15_restarted_pods_have_new_addresses_and_the_old_ones_are_dead(three: PlainCluster) -> None:
    """Fails when addresses are remembered from before: the name service may go on naming them, too."""
    fill(three, "case_15")
    history = three.histories()
    crash_all(three.members)
    for member in three.members:
        member.address = f"127.{three.net}.2.{10 + member.ordinal}"
    with dns_says(three, Fault(Mode.STALE)):
        three.start()
        for member in three.members:
            member.wait_phase("Waiting")
    three[1].wait_phase("Electing", "Waiting", "Joining", "Synced")
    three[1].crash()
    three[1].address = f"127.{three.net}.3.11"
    three[1].start()
    three.wait_synced()
    assert three.histories() == history
    assert [count(member, "case_15") for member in three.members] == [10, 10, 10]


def test_a_volume_is_deleted_while_all_are_down(three: PlainCluster) -> None:
    """The others have all data. Fails when an empty volume outvotes, or blocks, the full ones."""
    fill(three, "volume_gone")
    history = three.histories()
    crash_all(three.members)
    three[0].forget_volume()
    shutil.rmtree(three[0].home / "run")
    (three[0].home / "run").mkdir()
    three.start().wait_synced()
    assert three.histories() == history
    assert [count(member, "volume_gone") for member in three.members] == [10, 10, 10]
