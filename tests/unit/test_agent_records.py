"""What a member writes down, on a volume that it cannot write to."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from tests.unit.core.builders import gap
from tests.unit.core.builders import member as candidate
from trireme.adapters.mariadb import datadir
from trireme.adapters.peers import Silence
from trireme.adapters.volume_owner import must_be_writable, owned_by
from trireme.agent.act import Actor, give_grant
from trireme.agent.member import Member
from trireme.agent.records import Record, Records, hold, unexpired_word
from trireme.agent.settings import read_settings
from trireme.api.position import View
from trireme.api.report import Candidacy, GrantRequest, Override
from trireme.base.errors import PermanentError
from trireme.core.situation import Action, Join, Retire, SetAside


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A volume that another uid owns, as without fsGroup; this process is not root while it lasts."""
    path = Path(tempfile.mkdtemp(prefix="tri-"))
    path.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield path
    finally:
        os.seteuid(os.getuid())
        path.chmod(stat.S_IRWXU)
        shutil.rmtree(path)


def test_a_volume_of_another_uid_is_refused_in_words_that_say_what_to_do(foreign: Path) -> None:
    with pytest.raises(PermanentError, match=r"Permission denied; uid \d+ must .* set the pod's fsGroup"):
        Records.open(foreign / "trireme", "demo")


def test_a_volume_says_whose_it_is(foreign: Path) -> None:
    """Somebody changed runAsUser under data that is there."""
    assert ", which is uid 0's: set the pod's fsGroup" in must_be_writable(Path("/etc/not-there/data"))
    assert ", which is uid 999's: run as uid 999 as before, or set" in owned_by(999, 1000)
    assert "fsGroup, or mend the owner and mode" in owned_by(999, 999)


def test_a_cache_of_another_uid_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    """Galera opens it with O_NOATIME, which its owner may do only: the server failed to start for ever."""
    data = tmp_path / "data"
    assert datadir.drop_foreign_cache(tmp_path, os.geteuid()) == ()
    data.mkdir()
    for name in ("galera.cache", "gcache.page.000001", "grastate.dat", "ibdata1"):
        (data / name).touch()
    assert datadir.drop_foreign_cache(tmp_path, os.geteuid()) == ()
    assert datadir.drop_foreign_cache(tmp_path, os.geteuid() + 1) == ("galera.cache", "gcache.page.000001")
    assert {path.name for path in data.iterdir()} == {"grastate.dat", "ibdata1"}


@pytest.fixture
def alone(tmp_path: Path) -> Member:
    """Member 0 of two; its records are in ``tmp_path / "trireme"``."""
    environment = {
        **ENVIRONMENT,
        "TRIREME_NAMESPACE": "test",
        "TRIREME_POD_IP": "127.0.0.1",
        "TRIREME_MEMBERS": "2",
        "TRIREME_DATA_ROOT": str(tmp_path),
    }
    records = Records.open(tmp_path / "trireme", "test/demo")
    return Member(settings=read_settings(environment), binaries=None, records=records)


def test_a_view_that_a_full_disk_does_not_take_counts_and_is_written_down_later(
    tmp_path: Path, alone: Member
) -> None:
    """Member 0 was alone, its disk full, as member 1 came and went on without it: member 0 is not the last to leave.

    Fails where it goes on saying so: it would bootstrap without asking member 1.
    """
    before, together = View("history", 5, (0,)), View("history", 9, (0, 1))
    alone.note_view(before)
    shutil.rmtree(tmp_path / "trireme")
    with pytest.raises(FileNotFoundError):
        alone.note_view(together)
    alone.keep_view()
    assert alone.report().last_view == together
    (tmp_path / "trireme").mkdir()
    alone.keep_view()
    assert Records.open(tmp_path / "trireme", "test/demo").record.last_view == together
    assert alone.unwritten is None


def test_what_a_joiner_received_is_not_said_to_be_the_primarys_before_its_view_is_on_disk(
    tmp_path: Path, alone: Member
) -> None:
    """Fails where the mark that it joins is gone first: after a crash its data would be taken for another branch's."""
    alone.note_view(View("history", 5, (0, 1)))
    alone.records.change(joining=True, whole=False)
    shutil.rmtree(tmp_path / "trireme")
    with pytest.raises(FileNotFoundError):
        alone.note_view(View("history", 9, (0, 1)))
    (tmp_path / "trireme").mkdir()
    alone.note_synced()
    assert alone.records.record.joining
    alone.keep_view()
    alone.note_synced()
    assert not Records.open(tmp_path / "trireme", "test/demo").record.joining


def test_a_gap_is_kept_though_the_view_of_its_maker_alone_did_not_come_to_its_disk(
    tmp_path: Path, alone: Member
) -> None:
    """The one that was missing joins, and knows the gap. Fails where its maker drops it then: after a crash the one that
    was missing would take what its maker has for another branch's."""
    alone.records.change(pending_gap=gap(4, 1))
    shutil.rmtree(tmp_path / "trireme")
    with pytest.raises(FileNotFoundError):
        alone.note_view(View("history", 5, (0,)))
    (tmp_path / "trireme").mkdir()
    alone.note_view(View("history", 6, (0, 1)))
    assert alone.report().gaps == (gap(4, 1),)
    assert Records.open(tmp_path / "trireme", "test/demo").record.pending_gap is None


def test_views_are_kept_as_far_as_none_may_be_missing(tmp_path: Path, alone: Member) -> None:
    one, two, three, four = (View("history", seqno, (0, 1)) for seqno in (5, 9, 12, 20))
    alone.note_view(one)
    alone.note_view(two)
    assert alone.report().views == (one, two)
    alone.unbroken = False  # it was not Primary in between
    alone.note_view(three)
    assert alone.report().views == (three,)
    alone.note_view(four, certain=False)
    assert alone.report().views == ()
    alone.note_view(five := View("history", 30, (0,)))
    alone.note_view(six := View("history", 31, (0, 1)))
    assert Records.open(tmp_path / "trireme", "test/demo").record.views == (five, six)


def test_a_view_that_was_never_written_down_is_a_break(tmp_path: Path, alone: Member) -> None:
    alone.note_view(View("history", 5, (0,)))
    (tmp_path / "trireme").rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        alone.note_view(View("history", 9, (0, 1)))
    (tmp_path / "away").rename(tmp_path / "trireme")
    alone.note_view(later := View("history", 12, (0,)))
    assert alone.report().views == (later,)


def test_a_grant_that_cannot_be_written_down_is_refused_in_words(tmp_path: Path, alone: Member) -> None:
    alone.facts = datadir.inspect(tmp_path)
    asked = replace(candidate(1).report, cluster="test/demo", declared=2)
    request = GrantRequest(candidacy=Candidacy(epoch=1, succeeds=None), candidate=asked)
    shutil.rmtree(tmp_path / "trireme")
    reply = give_grant(alone, request)
    assert (reply.granted, reply.why) == (
        False,
        "its grant cannot be written down: No such file or directory",
    )
    assert alone.report().grant is None
    assert alone.granted_at is None
    (tmp_path / "trireme").mkdir()
    assert give_grant(alone, request).granted
    assert alone.granted_at is not None


def test_a_server_that_ended_since_does_not_leave_the_group(alone: Member) -> None:
    """Fails where its member is leaving then: it would refuse every candidate, and nobody could bootstrap."""
    actor = Actor(alone, cast(Any, None), cast(Any, None), cast(Any, None), b"")
    asyncio.run(actor.act((Retire("was asked for a new copy of the data"),)))
    assert not alone.report().leaving
    alone.server = cast(Any, object())
    asyncio.run(actor.act((Retire("was asked for a new copy of the data"),)))
    assert alone.report().leaving


def test_nothing_is_moved_aside_for_a_primary_that_went_meanwhile(tmp_path: Path, alone: Member) -> None:
    """Fails where the picture of some seconds ago is enough: what it has may be the last copy."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ibdata1").write_bytes(b"data")
    alone.facts = datadir.inspect(tmp_path)

    class Gone:
        async def report(self, address: str) -> Silence:
            return Silence(f"connection refused by {address}")

    actor = Actor(alone, cast(Any, Gone()), cast(Any, None), cast(Any, None), b"")
    beyond = Join(("10.0.0.2",), (), None, votes=False, discard="its data is beyond", group_name="demo")
    for action in (beyond, SetAside("rebuild")):
        asyncio.run(_to_the_end(actor, action))
        assert "the Primary answers no more" in alone.last_failure
        assert (tmp_path / "data" / "ibdata1").read_bytes() == b"data"
        alone.last_failure = ""


async def _to_the_end(actor: Actor, action: Action) -> None:
    await actor.act((action,))
    assert actor._work is not None
    await actor._work


def test_a_second_agent_on_the_same_volume_is_refused(tmp_path: Path) -> None:
    """A pod that was deleted by force on a node that lives on: two with one record could grant twice."""
    ask = "import sys; from pathlib import Path; from trireme.agent.records import hold; hold(Path(sys.argv[1]))"

    def another() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", ask, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    held = hold(tmp_path)
    refused = another()
    assert refused.returncode != 0
    assert "another agent runs on this volume" in refused.stderr
    os.close(held)
    assert another().returncode == 0


def test_the_record_is_read_by_who_has_the_volume_only(tmp_path: Path) -> None:
    """Fails where it is read before the lock: it may be older than the last grant of the agent that had the volume."""
    held = hold(tmp_path)
    ask = "import sys; from pathlib import Path; from trireme.agent.records import Records as R; "
    ask += "R.open(Path(sys.argv[1]), 'demo', alone=True)"
    command = [sys.executable, "-c", ask, str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert "another agent runs on this volume" in refused.stderr
    assert not (tmp_path / "member.json").exists()
    os.close(held)
    assert subprocess.run(command, timeout=30, check=False).returncode == 0
    assert (tmp_path / "member.json").exists()


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-01-01T11:30:00Z", True),
        ("2026-01-01T10:30:00Z", False),
        ("2026-01-01T14:00:00Z", False),
        ("yesterday", False),
        ("2026-01-01", False),
        ("", True),
    ],
)
def test_a_persons_word_counts_for_an_hour(at: str, counts: bool) -> None:
    """A member that comes back weeks later, cut off from the others, must not bootstrap by it."""
    word = Override(candidate=0, volume="volume-0", without=(1, 2), by="alice", at=at)
    record = Record(cluster="demo", volume="volume-0", override=word)
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (unexpired_word(record, now) is not None) is counts
