"""The labels of pods as the writer's role moves: what the agent asks for, and when it says that clients are led to it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tests.unit.agent_environment import ENVIRONMENT
from tests.unit.core.builders import HISTORY, Builder, answers, member
from trireme.adapters.mariadb.status import ServerStatus
from trireme.adapters.pod_label import in_order
from trireme.agent.member import Member
from trireme.agent.records import Records
from trireme.agent.roles import Roles
from trireme.agent.settings import read_settings
from trireme.api.report import WriterClaim

SYNCED = ServerStatus(
    primary=True,
    ready=True,
    connected=True,
    local_state=4,
    local_state_comment="Synced",
    cluster_size=2,
    cluster_conf_id=2,
    state_uuid=HISTORY,
    last_committed=10,
    recv_queue=0,
    send_queue=0,
    paused_ns=0,
    pauses_sent=0,
    desynced=False,
    incoming_addresses=(),
    read_only=False,
    version="10.11.19-MariaDB",
    raw={},
)
OLD = member(0).primary().claiming(100, 0)


class Pods:
    """Kubernetes: the pods' labels, each change of them, and which pods it finds ready."""

    available = True

    def __init__(self, **ready: bool) -> None:
        self.ready = ready
        self.roles: dict[str, str] = {"demo-0": "primary"}
        self.states: list[frozenset[str]] = []

    async def set_roles(self, changes: Sequence[tuple[str, str]]) -> Mapping[str, bool | None]:
        return dict(in_order(changes, self._set))

    def _set(self, pod: str, role: str) -> bool | None:
        self.roles[pod] = role
        self.states.append(
            frozenset(p for p, r in self.roles.items() if r == "primary" and self._is_ready(p))
        )
        return self._is_ready(pod)

    def _is_ready(self, pod: str) -> bool:
        return self.ready[pod.replace("-", "_")]

    async def make_ready(self) -> None: ...

    async def close(self) -> None: ...


async def follow(agent: Member, roles: Roles, writer: int, predecessor: Builder) -> None:
    agent.writer = WriterClaim(term=100 + writer, ordinal=writer)
    agent.answers = answers(predecessor)
    agent.wake.clear()
    roles.follow()
    async with asyncio.timeout(10):
        await agent.wake.wait()


def heir(tmp_path: Path) -> Member:
    environment = {
        **ENVIRONMENT,
        "TRIREME_POD_NAME": "demo-1",
        "TRIREME_POD_IP": "10.0.0.2",
        "TRIREME_MEMBERS": "2",
        "TRIREME_DATA_ROOT": str(tmp_path),
    }
    records = Records.open(tmp_path / "trireme", "default/demo")
    agent = Member(settings=read_settings(environment), binaries=None, records=records)
    agent.server, agent.status = cast(Any, object()), SYNCED
    return agent


def test_a_handover_leads_clients_to_somebody_at_every_moment(tmp_path: Path) -> None:
    async def story() -> None:
        pods, agent = Pods(demo_0=True, demo_1=True), heir(tmp_path)
        roles = Roles(agent, cast(Any, pods))
        await follow(agent, roles, 0, OLD)
        await follow(agent, roles, 1, OLD.naming(1))
        assert pods.states == [{"demo-0"}, {"demo-0", "demo-1"}, {"demo-1"}]
        assert not agent.report().unrouted

    asyncio.run(story())


def test_an_heir_whose_pod_is_not_ready_leaves_the_clients_where_they_are(tmp_path: Path) -> None:
    """Synced, and its kubelet has not asked yet: it took the label, and clients were led nowhere for a second."""

    async def story() -> None:
        pods, agent = Pods(demo_0=True, demo_1=False), heir(tmp_path)
        roles = Roles(agent, cast(Any, pods))
        await follow(agent, roles, 0, OLD)
        await follow(agent, roles, 1, OLD.naming(1))
        assert pods.roles["demo-0"] == "primary"
        assert agent.report().unrouted, "its predecessor goes on serving"
        pods.ready["demo_1"] = True
        await follow(agent, roles, 1, OLD.claiming(101, 1))
        assert not agent.report().unrouted
        assert frozenset() not in pods.states

    asyncio.run(story())


def test_a_silent_predecessor_loses_its_label_first(tmp_path: Path) -> None:
    async def story() -> None:
        pods, agent = Pods(demo_0=True, demo_1=True), heir(tmp_path)
        roles = Roles(agent, cast(Any, pods))
        await follow(agent, roles, 0, OLD)
        await follow(agent, roles, 1, member(2).starting())
        assert pods.states == [{"demo-0"}, set(), {"demo-1"}]

    asyncio.run(story())
