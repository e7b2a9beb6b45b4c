"""Fixtures for tests that run real servers as their own children."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.ordinary import ordinary_user
from tests.servers.plain import PlainCluster
from tests.servers.private_machine import private_machine
from tests.servers.sandboxed import Kubernetes, kubernetes_for_tests
from trireme.adapters.mariadb.binaries import Binaries, find_binaries

collect_ignore = [] if os.environ.get("TRIREME_TEST_SEEDS") else ["test_operator_in_flight.py"]
"""Minutes for each seed: `make soak-operator`."""


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


@pytest.fixture(scope="module")
def machine() -> Iterator[None]:
    """A network and mounts of its own for this module's clusters."""
    with private_machine():
        yield


class Shared:
    """One cluster of three for the tests of a module: each gets it whole, or a new one where it does not heal."""

    def __init__(self) -> None:
        self._cluster: PlainCluster | None = None

    def whole(self) -> PlainCluster:
        if self._cluster is None or not self._heals(self._cluster):
            self.close()
            self._cluster = PlainCluster(3)
            self._cluster.start().wait_synced()
        return self._cluster

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
        self._cluster = None

    @staticmethod
    def _heals(cluster: PlainCluster) -> bool:
        try:
            for member in cluster.members:
                if member.process is None:
                    member.start()
            cluster.wait_synced(seconds=20)
        except AssertionError:
            return False
        return True


def _shared() -> Iterator[Shared]:
    made = Shared()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared(machine: None) -> Iterator[Shared]:
    yield from _shared()


@pytest.fixture(scope="module")
def shared_outside() -> Iterator[Shared]:
    """For modules that cut no links and fill no disks: it needs no root. They name it ``shared``."""
    yield from _shared()


@pytest.fixture
def three(shared: Shared) -> PlainCluster:
    """Three members, Synced; what earlier tests of the module wrote is in them."""
    return shared.whole()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its members said."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for cluster in item.funcargs.values():
            if isinstance(cluster, PlainCluster):
                for member in cluster.members:
                    report.sections.append((member.name, member.tail(80) if member.log.exists() else ""))
    return report
