"""A volume is asked to take a write before a server is started on it."""

from pathlib import Path

import pytest

from trireme.adapters.volume_writes import VolumeProbe
from trireme.base.errors import PermanentError


async def test_a_volume_that_takes_writes_keeps_nothing_of_it(tmp_path: Path) -> None:
    await VolumeProbe(tmp_path).check()
    assert not list(tmp_path.iterdir())


async def test_one_that_does_not_is_said_with_what_to_do() -> None:
    """/proc takes no files, whoever asks."""
    with pytest.raises(PermanentError, match=r"the data volume takes no writes .*: mend it"):
        await VolumeProbe(Path("/proc")).check()
