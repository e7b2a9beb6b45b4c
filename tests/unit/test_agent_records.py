"""What a member writes down, on a volume that it cannot write to."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trireme.agent.member import Member
from trireme.agent.records import Records
from trireme.agent.settings import read_settings
from trireme.api.position import View
from trireme.base.errors import PermanentError


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


def test_a_view_that_a_full_disk_does_not_take_counts_and_is_written_down_later(tmp_path: Path) -> None:
    """Member 0 was alone, its disk full, as member 1 came and went on without it: member 0 is not the last to leave.

    Fails where it goes on saying so: it would bootstrap without asking member 1.
    """
    folder = tmp_path / "trireme"
    records = Records.open(folder, "test/demo")
    environment = {
        "TRIREME_POD_NAME": "demo-0",
        "TRIREME_CLUSTER": "demo",
        "TRIREME_NAMESPACE": "test",
        "TRIREME_SERVICE": "demo-internal",
        "TRIREME_POD_IP": "127.0.0.1",
        "TRIREME_MEMBERS": "2",
    }
    member = Member(settings=read_settings(environment), binaries=None, records=records)
    alone, together = View("history", 5, (0,)), View("history", 9, (0, 1))
    member.note_view(alone)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError):
        member.note_view(together)
    member.keep_view()
    assert member.report().last_view == together
    folder.mkdir()
    member.keep_view()
    assert Records.open(folder, "test/demo").record.last_view == together
    assert member.unwritten is None
