"""Fixtures for tests that run real servers as their own children."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mariadb_members import ordinary_user
from tests.servers.sandboxed import Kubernetes, kubernetes_for_tests
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


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Kubernetes]:
    """One for all tests of the manifests: each of them has a namespace of its own."""
    with kubernetes_for_tests() as made:
        yield made
