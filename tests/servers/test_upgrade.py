"""A server newer than its data, and one that is older (29). There is one MariaDB here: the data's mark is changed.
With two it is tests/servers/test_other_mariadb.py."""

from collections.abc import Iterator

import pytest

from tests.servers.plain import Agent, PlainCluster, wait_until

pytestmark = pytest.mark.servers


def mark(member: Agent, version: str) -> None:
    """What mariadb-install-db or mariadb-upgrade of that version would have left."""
    for name in ("mysql_upgrade_info", "mariadb_upgrade_info"):
        (member.volume / "data" / name).unlink(missing_ok=True)
    (member.volume / "data" / "mysql_upgrade_info").write_text(version)


@pytest.fixture
def two() -> Iterator[PlainCluster]:
    with PlainCluster(2) as cluster:
        cluster.start().wait_synced()
        yield cluster


def state(member: Agent) -> str:
    return str((member.status()["upgrade"] or {}).get("state"))


def test_system_tables_are_brought_up_one_member_after_the_other_and_replicate_nothing(
    two: PlainCluster,
) -> None:
    for member in two.members:
        wait_until(lambda m=member: state(m) == "current", "a new cluster is current", 40)  # type: ignore[misc]
        member.stop()
        mark(member, "10.4.1-MariaDB")
    two.start().wait_synced()
    before = two[0].status()["server"]["last_committed"]
    for member in two.members:
        wait_until(lambda m=member: state(m) == "current", "the tables are brought up", 90)  # type: ignore[misc]
        assert "mariadb-upgrade runs" in member.log.read_text()
        status = member.status()
        assert status["upgrade"]["data"].startswith(status["server"]["version"].partition("-")[0])
        assert not (member.home / "run" / "upgrade.cnf").exists()
    assert {member.status()["server"]["last_committed"] for member in two.members} == {before}
    assert len(two.histories()) == 1


def test_an_older_server_does_not_touch_newer_data(two: PlainCluster) -> None:
    member = two[1]
    own = member.status()["server"]["version"].partition("-")[0]
    member.stop()
    mark(member, "99.4.3-MariaDB")
    mtime = (member.volume / "data" / "ibdata1").stat().st_mtime_ns
    member.start()
    member.wait_phase("Blocked", seconds=30)
    member.wait_why(f"written by MariaDB 99.4.3, and this image has {own}")
    assert (member.volume / "data" / "ibdata1").stat().st_mtime_ns == mtime
    mark(member, f"{own}-MariaDB")
    two.wait_synced(seconds=90)
