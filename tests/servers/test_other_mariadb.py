"""An upgrade to another series of MariaDB, member by member, and what may befall it on the way (29).

It needs a second, newer MariaDB: ``$TRIREME_TEST_OTHER_MARIADB`` names the root of an image with it (CONTRIBUTING).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import images
from tests.servers.faults import crash_all
from tests.servers.ledger import writing
from tests.servers.operating import Operated, operated
from tests.servers.plain import Agent, PlainCluster, wait_until
from tests.servers.retrying_client import RetryingClient
from tests.servers.sandboxed import sandbox

OTHER = Path(os.environ.get("TRIREME_TEST_OTHER_MARIADB") or "/nonexistent")
NEXT = "trireme/trireme:next"
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(
        not OTHER.joinpath(str(images.PROGRAM)[1:]).exists(),
        reason="TRIREME_TEST_OTHER_MARIADB names no root of an image with a newer MariaDB and Trireme",
    ),
]


@pytest.fixture
def three() -> Iterator[PlainCluster]:
    with PlainCluster(3) as cluster:
        yield cluster.start()


def version(member: Agent) -> str:
    return str(member.status()["server"]["version"]).partition("-")[0]


def current(member: Agent) -> bool:
    """Its system tables are those of its server."""
    upgrade = member.status()["upgrade"] or {}
    return bool(upgrade.get("state") == "current" and upgrade["data"].startswith(version(member)))


def to_other(member: Agent) -> Agent:
    """Ended in order, and started from the other image."""
    member.stop()
    member.image = OTHER
    return member.start()


def in_order(cluster: PlainCluster) -> list[Agent]:
    """As an update goes: the writer last."""
    writer = cluster.writer()
    return [*(member for member in cluster.members if member is not writer), writer]


def test_member_by_member_under_load_and_no_way_back(three: PlainCluster) -> None:
    three.wait_synced()
    history, before = three.histories(), version(three[0])
    with writing(three) as ledger:
        for done, member in enumerate(in_order(three), 1):
            to_other(member)
            three.wait_synced()
            assert len({version(each) for each in three.members}) == (2 if done < 3 else 1)
            wait_until(lambda m=member: current(m), f"{member.name}'s tables are brought up", 90)  # type: ignore[misc]
            assert "mariadb-upgrade runs" in member.log.read_text()
            ledger.wait_for_more()
        assert ledger.assert_nothing_lost()
    assert three.histories() == history
    assert version(three[0]) != before
    old = three[2]
    old.stop()
    old.image = None
    old.start().wait_phase("Blocked", seconds=30)
    old.wait_why(f"written by MariaDB {version(three[0])}, and this image has {before}")
    to_other(old)
    three.wait_synced()


def test_all_killed_in_the_middle(three: PlainCluster) -> None:
    three.wait_synced()
    history = three.histories()
    first, second, last = in_order(three)
    with writing(three) as ledger:
        to_other(first)
        three.wait_synced()
        wait_until(lambda: current(first), "the first member's tables are brought up", 90)
        to_other(second)
        wait_until(lambda: second.status()["upgrade"]["state"] == "running", "mariadb-upgrade runs", 60)
        crash_all(three.members)
        last.image = OTHER  # its node came back with what the cluster is to run
        three.start().wait_synced()
        for member in three.members:
            wait_until(lambda m=member: current(m), f"{member.name}'s tables are brought up", 120)  # type: ignore[misc]
        ledger.wait_for_more()
        assert ledger.assert_nothing_lost()
    assert three.histories() == history


def test_full_transfers_between_two_series(three: PlainCluster) -> None:
    three.wait_synced()
    newer, second, older = in_order(three)
    with writing(three) as ledger:
        newer.crash()
        newer.forget_volume()
        newer.image = OTHER
        newer.start()
        three.wait_synced()
        wait_until(lambda: current(newer), "the tables of a copy from an older donor are brought up", 90)
        to_other(second)
        three.wait_synced()
        ledger.wait_for_more()
        older.crash()
        older.forget_volume()
        older.start()
        older.wait_why("an older server cannot use it: nothing is asked for; give this member their image")
        assert not (older.volume / "data").exists()
        to_other(older)
        three.wait_synced()
        ledger.wait_for_more()
        assert ledger.assert_nothing_lost()


def test_the_operator_rolls_it_out_and_says_that_there_is_no_way_back(tmp_path: Path) -> None:
    with sandbox(None, "--image", f"{NEXT}={OTHER}") as made, operated(made.kubernetes, tmp_path) as demo:
        demo.declare(replicas=3)
        demo.wait_settled()
        before, history = versions(demo), demo.wait_synced()
        with RetryingClient(demo) as client:
            demo.change({"image": NEXT})
            assert demo.wait_settled(seconds=240) == history
            assert len(versions(demo)) == 1 and versions(demo) != before
            wait_until(lambda: tables(demo) == versions(demo), "all tables are brought up", 90)
            client.wait_for_more()
            demo.change({"image": "trireme/trireme:0.1.0"})
            ((now,), (was,)) = versions(demo), before
            words = f"the data was written by MariaDB {now}, and this image has {was}"
            wait_until(lambda: words in demo.condition("Progressing")["message"], f"it says {words!r}", 120)
            demo.change({"image": NEXT})
            demo.wait_settled()
            client.wait_for_more()
        assert client.failed == []
        assert client.lost() == {}


def versions(demo: Operated) -> set[str]:
    return {demo.status(member)["server"]["version"].partition("-")[0] for member in range(3)}


def tables(demo: Operated) -> set[str]:
    """Which servers the members' system tables are made for; Trireme says so once they are current."""
    said = [demo.status(member)["upgrade"] for member in range(3)]
    return {each["data"].partition("-")[0] if each["state"] == "current" else "" for each in said}
