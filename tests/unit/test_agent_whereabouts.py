"""Addresses by the Kubernetes API: who asks, what for, and what a refusal means."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from trireme.adapters.in_cluster import Answer
from trireme.adapters.pod_addresses import addresses
from trireme.agent.member import Member
from trireme.agent.records import Records
from trireme.agent.settings import read_settings
from trireme.agent.whereabouts import Whereabouts
from trireme.base.errors import PermanentError, TemporaryError

PODS: dict[str, tuple[int, Answer]] = {
    "demo-0": (200, {"status": {"podIP": "10.0.0.8"}}),
    "demo-1": (200, {"status": {}}),
    "demo-2": (
        404,
        {"kind": "Status", "status": "Failure", "message": 'pods "demo-2" not found', "code": 404},
    ),
}


def test_pods_without_an_address_are_left_out() -> None:
    asked = lambda path: PODS[path.removeprefix("/api/v1/namespaces/test/pods/")]  # noqa: E731
    assert addresses("test", list(PODS), asked) == {"demo-0": "10.0.0.8"}


def test_a_missing_right_is_named() -> None:
    with pytest.raises(PermanentError, match="needs get on pods"):
        addresses("test", ["demo-0"], lambda path: (403, {"message": f"no {path}"}))
    with pytest.raises(TemporaryError, match="answers 500"):
        addresses("test", ["demo-0"], lambda path: (500, {"message": f"no {path}"}))


class Pods:
    """The API: ``found``, or its failure."""

    available = True

    def __init__(self, found: dict[str, str] | None) -> None:
        self.found, self.asked = found, list[list[str]]()

    async def find(self, pods: Sequence[str]) -> dict[str, str]:
        self.asked.append(list(pods))
        if self.found is None:
            raise TemporaryError("no answer")
        return self.found


def looking(tmp_path: Path, pods: Pods) -> tuple[Member, Whereabouts]:
    environment = {**ENVIRONMENT, "TRIREME_MEMBERS": "3", "TRIREME_DATA_ROOT": str(tmp_path)}
    settings = read_settings(environment)
    member = Member(
        settings=settings, binaries=None, records=Records.open(tmp_path / "trireme", settings.full_name)
    )
    return member, Whereabouts(member, cast(Any, pods))


async def _follow_after(looks: Whereabouts, seconds: float) -> None:
    looks.follow()
    looks._since -= seconds
    looks.follow()
    if looks._task is not None:
        await looks._task


def test_silent_members_are_looked_for_after_a_while_and_asked(tmp_path: Path) -> None:
    pods = Pods({"demo-1": "10.0.0.9"})
    member, looks = looking(tmp_path, pods)
    member.addresses = frozenset({"10.0.0.1"})
    asyncio.run(_follow_after(looks, 1.0))
    assert pods.asked == []
    asyncio.run(_follow_after(looks, 3.0))
    assert pods.asked == [["demo-1", "demo-2"]]
    assert member.found_addresses == {"10.0.0.9"}
    assert member.wake.is_set()


def test_an_api_that_is_away_changes_nothing(tmp_path: Path) -> None:
    member, looks = looking(tmp_path, Pods(None))
    asyncio.run(_follow_after(looks, 3.0))
    assert member.found_addresses == frozenset()
    assert not member.wake.is_set()
