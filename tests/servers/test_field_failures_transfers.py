"""FIELD FAILURES 3, 20, 21, 22, and full disks: state transfers that are slow, broken off, refused, or cut short.

A joiner that dies at several moments of its transfer, and a donor that dies, are in test_resuming.py.
"""

import os
import signal
import time

import pytest

from tests.servers.faults import frozen, small_volume, starved
from tests.servers.filler import filled
from tests.servers.ledger import writing
from tests.servers.plain import Agent, PlainCluster, wait_until
from trireme.adapters.mariadb import reaper

pytestmark = pytest.mark.servers


def transfer_processes(member: Agent, *names: str) -> list[int]:
    """Of the transfer scripts below the member's server, those with one of these program names; none before it runs."""
    try:
        server = member.server_pid()
    except IndexError:
        return []
    return [each.pid for each in reaper.processes() if each.session == server and each.name in names]


def donor_of(joiner: Agent) -> Agent:
    others = [member for member in joiner.cluster.members if member is not joiner]

    def found() -> Agent | None:
        giving = (member for member in others if transfer_processes(member, "socat", "mariabackup"))
        return next((member for member in giving if member.phase() == "Donor"), None)

    donor = wait_until(found, "somebody is donor", 30)
    assert isinstance(donor, Agent)
    return donor


def rejoin_without_data(member: Agent) -> Agent:
    member.crash()
    member.forget_volume()
    return member.start()


def began(member: Agent) -> int:
    """How many full transfers into it began."""
    return member.log.read_text().count("Proceeding with SST")


def test_03_and_20_a_transfer_that_takes_longer_than_every_timer_is_left_alone(three: PlainCluster) -> None:
    """No SQL socket for half a minute, at a few hundred KB/s. Fails when a probe or a timer ends what makes progress."""
    filled(three)
    joiner = three[2]
    before = began(joiner)
    rejoin_without_data(joiner)
    with starved(lambda: transfer_processes(joiner, "mbstream"), run_seconds=0.002, stop_seconds=2.0):
        joiner.wait_phase("Transferring")
        amounts, begun = set(), time.monotonic()
        while joiner.phase() == "Transferring" and time.monotonic() - begun < 30:
            assert joiner.get("/livez")[0] == 200
            assert joiner.get("/readyz")[0] == 503
            amounts.add(joiner.status()["received_bytes"])
            time.sleep(0.5)
    assert time.monotonic() - begun > 25 and len(amounts) > 5, amounts
    three.wait_synced()
    assert began(joiner) == before + 1
    assert joiner.sql("SELECT COUNT(*) FROM app.filler") == [(300,)]


def test_21_marks_of_a_broken_transfer_do_not_stop_the_next_one(three: PlainCluster) -> None:
    """The pid in them is the agent's own, which lives. Fails when they stay: "previous SST script still running"."""
    joiner = three[2]
    joiner.crash()
    data = joiner.volume / "data"
    (data / "wsrep_sst.pid").write_text("1\n")
    (data / "sst_in_progress").touch()
    (data / ".sst").mkdir()
    (data / ".sst" / "ibdata1").write_bytes(b"\0" * 4096)
    (data / "grastate.dat").write_text("")
    begun = len(joiner.log.read_text())
    joiner.start()
    three.wait_synced()
    assert "previous SST script" not in joiner.log.read_text()[begun:]


@pytest.mark.parametrize("program", ["socat", "mariabackup"])
def test_a_part_of_the_donors_transfer_dies(three: PlainCluster, program: str) -> None:
    """The donor's server lives on. Fails when the joiner is left with a half copy, or the donor stays a donor."""
    filled(three)
    donor = donor_of(rejoin_without_data(three[2]))
    for pid in transfer_processes(donor, program, *(["mariadb-backup"] if program == "mariabackup" else [])):
        os.kill(pid, signal.SIGKILL)
    three.wait_synced()
    assert three[2].sql("SELECT COUNT(*) FROM app.filler") == [(300,)]


def test_22_a_donor_without_the_transfer_account_harms_nobody(three: PlainCluster) -> None:
    """Fails when the joiner hammers the donors, when they suffer, or when it does not go on once the account is back.
    A donor of MariaDB 11 makes an account for each transfer: nothing fails there."""
    writer = three.writer()
    needs_account = writer.status()["server"]["version"].startswith("10.")
    writer.sql("RENAME USER trireme_sst@localhost TO nobody_sst@localhost")
    with writing(three, "refused") as ledger:
        joiner = rejoin_without_data(three[2])
        if needs_account:
            joiner.wait_why("tries again soon (after", seconds=60)
            joiner.wait_why("(after 2 failures)", seconds=60)
        else:
            three.wait_synced()
        ledger.wait_for_more()
        assert [three[ordinal].get("/readyz")[0] for ordinal in (0, 1)] == [200, 200]
        writer.sql("RENAME USER nobody_sst@localhost TO trireme_sst@localhost")
        three.wait_synced()
    ledger.assert_nothing_lost()


def test_a_joiner_whose_disk_is_too_small_harms_nobody(three: PlainCluster) -> None:
    """Fails when it is tried without a pause, or when the members that live suffer from it."""
    filled(three)
    joiner = three[2]
    joiner.crash()
    joiner.forget_volume()
    with small_volume(joiner, 60), writing(three, "small_disk") as ledger:
        joiner.start().wait_why("tries again soon (after 2 failures)", seconds=90)
        assert "volume is full" in joiner.status()["why"]
        ledger.wait_for_more()
        assert [three[ordinal].get("/readyz")[0] for ordinal in (0, 1)] == [200, 200]
    joiner.forget_volume()
    joiner.start()
    three.wait_synced()
    ledger.assert_nothing_lost()


def test_a_donor_that_freezes_is_replaced_by_another(three: PlainCluster) -> None:
    """Fails when a joiner waits for its first donor for ever."""
    filled(three)
    joiner = rejoin_without_data(three[2])
    donor = donor_of(joiner)
    everything = [donor.server_pid(), *transfer_processes(donor, "socat", "mariabackup", "bash", "sh", "pv")]
    with frozen(*everything):
        joiner.wait_phase("Waiting", "Joining", seconds=30)
        joiner.wait_phase("Synced", seconds=60)
        assert joiner.sql("SELECT COUNT(*) FROM app.filler") == [(300,)]
    three.wait_synced()
