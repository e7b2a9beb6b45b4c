"""FIELD FAILURES 6, 18: members that live and cannot hear each other. Packets are really dropped."""

import itertools
import random
import time

import pytest

from tests.servers.faults import cut, deaf, frozen
from tests.servers.ledger import writing
from tests.servers.plain import Agent, PlainCluster, wait_until

pytestmark = pytest.mark.servers


def primaries(cluster: PlainCluster) -> list[Agent]:
    """The members whose server says that it is in a Primary."""
    found = []
    for member in cluster.members:
        server = member.status()["server"]
        if server is not None and server["primary"]:
            found.append(member)
    return found


def test_06_the_smaller_side_of_a_partition_is_no_primary_and_takes_no_writes(three: PlainCluster) -> None:
    """The writer is alone. Fails when silence is absence, or when a member stays ready without a Primary."""
    writer = three.writer()
    others = [member for member in three.members if member is not writer]
    with writing(three, "minority") as ledger:
        with cut(writer, others):
            writer.wait_phase("NonPrimary", seconds=20)
            ledger.wait_for_more()
            assert writer.get("/readyz")[0] == 503
            assert writer.get("/livez")[0] == 200
            assert writer.get("/primary")[0] == 503
            assert primaries(three) == others
        three.wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()
    assert three.writer() in others


def test_18_all_are_cut_off_from_each_other_and_no_one_is_primary(three: PlainCluster) -> None:
    """Running, and no majority anywhere. Fails when one bootstraps alone, or when they stay apart afterwards."""
    history = three.histories()
    with writing(three, "apart") as ledger:
        with cut(*three.members):
            for member in three.members:
                member.wait_phase("NonPrimary", seconds=20)
            time.sleep(5)
            assert primaries(three) == []
        three.wait_synced()
        ledger.wait_for_more()
    assert three.histories() == history
    ledger.assert_nothing_lost()


@pytest.mark.parametrize("silent", [0, 2])
def test_06_a_link_that_works_one_way_only(three: PlainCluster, silent: int) -> None:
    """One member hears the others, who do not hear it. Fails when two Primaries come of it, or none afterwards."""
    others = [member for member in three.members if member.ordinal != silent]
    with writing(three, f"one_way_{silent}") as ledger:
        with deaf(others[0], three[silent]), deaf(others[1], three[silent]):
            wait_until(lambda: set(primaries(three)) == set(others), "the two go on without it", 40)
            ledger.wait_for_more()
        three.wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()


def test_06_links_that_come_and_go(three: PlainCluster) -> None:
    """One link after the other breaks for a while. Fails when the members do not find together again by themselves."""
    chance = random.Random(6)
    pairs = list(itertools.combinations(three.members, 2))
    with writing(three, "flapping") as ledger:
        for _ in range(6):
            one, other = chance.choice(pairs)
            with cut(one, other):
                time.sleep(chance.uniform(0.5, 4))
            time.sleep(chance.uniform(0, 1))
        three.wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()


def test_18_a_frozen_server_is_not_ready_and_comes_back(three: PlainCluster) -> None:
    """It holds its socket and says nothing. Fails when a server that runs counts as one that serves."""
    member = next(each for each in three.members if each is not three.writer())
    with writing(three, "frozen") as ledger:
        with frozen(member.server_pid()):
            wait_until(lambda: member.get("/readyz")[0] == 503, "it is not ready", 20)
            assert member.get("/livez")[0] == 200
            ledger.wait_for_more()
        three.wait_synced()
    ledger.assert_nothing_lost()
