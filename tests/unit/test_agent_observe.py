"""Whom an agent asks: those that the name service tells, and those that its server is together with."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from tests.unit.core.builders import member as another
from trireme.adapters.mariadb.notify import NotifiedMember
from trireme.adapters.peers import Silence
from trireme.agent.member import Member
from trireme.agent.observe import Observer
from trireme.agent.records import Records
from trireme.agent.settings import read_settings
from trireme.api.report import Phase, Report
from trireme.core.draining import Drain


class Names:
    """A name service that still tells the address that member 1 had before its restart."""

    async def members(self, name: str) -> dict[str, tuple[str, ...]]:
        assert name
        return {"demo-0.demo-internal.": ("10.0.0.1",), "demo-1.demo-internal.": ("10.0.0.2",)}


class Peers:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.prompt = False
        self.began: dict[str, float] = {}
        self.slow = False
        self.said: dict[str, Report] = {}

    async def reports(
        self, addresses: Sequence[str], news: asyncio.Event, *, prompt: bool
    ) -> list[Report | Silence]:
        assert not news.is_set()
        self.asked, self.prompt = list(addresses), prompt
        if not self.slow:
            self.began = dict.fromkeys(addresses, time.monotonic())
        return [self.said.get(address, Silence("no answer")) for address in addresses]


def observer(tmp_path: Path, peers: Peers) -> tuple[Member, Observer]:
    environment = {
        **ENVIRONMENT,
        "TRIREME_NAMESPACE": "test",
        "TRIREME_POD_IP": "10.0.0.1",
        "TRIREME_MEMBERS": "2",
        "TRIREME_DATA_ROOT": str(tmp_path),
    }
    records = Records.open(tmp_path / "trireme", "test/demo")
    member = Member(settings=read_settings(environment), binaries=None, records=records)
    return member, Observer(member, cast(Any, Names()), cast(Any, peers), cast(Any, None))


@pytest.mark.parametrize(
    ("running", "asked"),
    [(True, ["10.0.0.2", "10.0.0.9"]), (False, ["10.0.0.2"])],
    ids=["running", "stopped"],
)
def test_a_member_of_the_same_view_is_asked_before_the_name_service_knows_its_address(
    tmp_path: Path, running: bool, asked: list[str]
) -> None:
    """What a server that has ended was together with says nothing any more."""
    peers = Peers()
    member, looks = observer(tmp_path, peers)
    member.group_addresses = frozenset({"10.0.0.1", "10.0.0.9"})
    if running:
        member.server = cast(Any, object())
    asyncio.run(looks._ask_members(prompt=False))
    assert peers.asked == asked
    assert not peers.prompt


def test_an_address_that_kubernetes_tells_is_asked_too(tmp_path: Path) -> None:
    peers = Peers()
    member, looks = observer(tmp_path, peers)
    member.found_addresses = frozenset({"10.0.0.7"})
    asyncio.run(looks._ask_members(prompt=False))
    assert peers.asked == ["10.0.0.2", "10.0.0.7"]


@pytest.mark.parametrize("what", ["stop_since", "retire_since", "drain"])
def test_an_address_that_nobody_has_any_more_is_not_waited_for_while_clients_move(
    tmp_path: Path, what: str
) -> None:
    """Each look took 3 s, and found the same client in another transaction: it was cut off after 12 s."""
    peers = Peers()
    member, looks = observer(tmp_path, peers)
    setattr(member, what, Drain(since=1.0) if what == "drain" else 1.0)
    member.busy = (Phase.LEAVING, "looks")
    asyncio.run(looks.observe(prompt=False))
    assert peers.prompt


@pytest.mark.parametrize(
    ("address", "host"), [("10.0.0.1:3306", "10.0.0.1"), ("[fd00::1]:3306", "fd00::1"), ("", "")]
)
def test_host_of_an_incoming_address(address: str, host: str) -> None:
    assert NotifiedMember("uuid", "demo-0", address).host == host


def test_an_answer_that_was_asked_for_before_a_grant_is_outdated_and_so_is_one_to_a_call_that_went_on(
    tmp_path: Path,
) -> None:
    """Fails where it counts: of a candidate that had not heard of its own grant yet it says that it forgot it."""
    peers = Peers()
    member, looks = observer(tmp_path, peers)
    peers.said = {"10.0.0.2": replace(another(1).report, cluster="test/demo", address="10.0.0.2")}
    asyncio.run(looks._ask_members(prompt=False))
    assert member.terms().outdated == frozenset()
    member.granted_at = time.monotonic()
    assert member.terms().outdated == {1}
    peers.slow = True
    asyncio.run(looks._ask_members(prompt=False))
    assert member.terms().outdated == {1}
    peers.slow = False
    asyncio.run(looks._ask_members(prompt=False))
    assert member.terms().outdated == frozenset()
