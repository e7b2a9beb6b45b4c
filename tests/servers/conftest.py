"""Fixtures for tests that run real servers as their own children."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mariadb_members import ordinary_user
from trireme.adapters.mariadb.binaries import Binaries, find_binaries


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of an ordinary user; the test runs as that user, too."""
    with ordinary_user():
        path = Path(f"/tmp/trireme-members-{os.getpid()}")
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            shutil.rmtree(path)


@pytest.fixture
async def binaries() -> Binaries:
    return await find_binaries()
