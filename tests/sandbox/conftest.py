"""Fixtures of the API server's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.api_support import KUBECTLS, Kubectl, Laboratory, laboratory


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Laboratory]:
    async with laboratory(tmp_path) as running:
        yield running


@pytest.fixture(params=KUBECTLS or [Path("kubectl")], ids=lambda path: str(path).strip("/").replace("/", "-"))
def kubectl(request: pytest.FixtureRequest, lab: Laboratory) -> Kubectl:
    assert KUBECTLS, "kubectl is not installed: `apt install kubernetes-client`"
    return lab.kubectl(request.param)
