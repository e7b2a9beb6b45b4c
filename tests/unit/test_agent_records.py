"""What a member writes down, on a volume that it cannot write to."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trireme.agent.records import Records
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
