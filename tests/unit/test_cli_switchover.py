"""``trireme switchover`` against a Kubernetes API on a real socket, with and without an operator."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.unit.cli_kubernetes import AGENTS_TOKEN, FakeKubernetes, status_of
from tests.unit.core.seen import joining, synced
from tests.unit.test_cli_status import Ran, trireme
from trireme.api.commands import SWITCHOVER_PATH, CommandReply, Switchover
from trireme.api.report import WriterClaim
from trireme.core.cluster_seen import Member

KEY = ("default", "demo-0")


def writing(ordinal: int, writer: int) -> Member:
    member = synced(ordinal, writer=writer)
    assert member.answer is not None
    claim = WriterClaim(term=100 + writer, ordinal=writer)
    return replace(member, answer=replace(member.answer, report=replace(member.answer.report, writer=claim)))


class Cluster:
    """Three members, whose writer changes when asked to."""

    def __init__(self, *, refuses: str = "", stays: str = "") -> None:
        self.kubernetes = FakeKubernetes()
        self.kubernetes.add_cluster("demo", *(writing(o, 0) for o in range(3)))
        self.kubernetes.secrets["default", "demo"] = {"token": AGENTS_TOKEN.decode() + "\n"}
        self.kubernetes.agents["default", "demo-0"] = self._command
        self._refuses, self._stays = refuses, stays
        self.asked: list[Switchover] = []

    def move(self, writer: int) -> None:
        for ordinal in range(3):
            self.kubernetes.statuses["default", f"demo-{ordinal}"] = status_of(writing(ordinal, writer))

    def _command(self, path: str, body: bytes) -> CommandReply:
        assert path == SWITCHOVER_PATH
        wish = msgspec.json.decode(body, type=Switchover)
        self.asked.append(wish)
        if self._refuses:
            return CommandReply(accepted=False, why=self._refuses)
        if self._stays:
            was = writing(0, 0)
            assert was.answer is not None
            said = replace(was.answer, report=replace(was.answer.report, handover=self._stays))
            self.kubernetes.statuses[KEY] = status_of(replace(was, answer=said))
        else:
            assert wish.to is not None
            self.move(wish.to)
        return CommandReply(accepted=True, why="as you wish")


async def run(cluster: Cluster, folder: Path, *arguments: str) -> Ran:
    async with cluster.kubernetes.serving() as kubernetes:
        return await trireme("switchover", *arguments, kubeconfig=kubernetes.kubeconfig(folder))


@pytest.mark.parametrize(
    ("arguments", "target"),
    [((), 1), (("--to", "2"), 2), (("demo", "--to", "demo-2"), 2)],
)
async def test_the_writers_agent_is_asked(arguments: tuple[str, ...], target: int, tmp_path: Path) -> None:
    cluster = Cluster()
    ran = await run(cluster, tmp_path, *arguments)
    assert ran.status == 0
    assert ran.out == f"demo: the writer is demo-{target}, was demo-0\n"
    assert f"the writer is demo-0; demo-{target} is to take over" in ran.err
    assert f"asked demo-0: hand the role to demo-{target}" in ran.err
    assert f"demo-{target} has the role, and clients are led to it" in ran.err
    assert cluster.asked == [Switchover(to=target)]
    assert AGENTS_TOKEN.decode() not in ran.out + ran.err + str(cluster.kubernetes.asked)


async def test_with_an_operator_the_resource_is_changed_instead(tmp_path: Path) -> None:
    cluster = Cluster()
    resource = cluster.kubernetes.resources["default", "demo"] = {"spec": {"replicas": 3}}
    cluster.kubernetes.on_patch = lambda found: cluster.move(found["spec"]["primary"]["podIndex"])
    ran = await run(cluster, tmp_path, "--to", "2")
    assert ran.status == 0
    assert "asked the operator by GaleraCluster demo: hand the role to demo-2" in ran.err
    assert resource["spec"] == {"replicas": 3, "primary": {"podIndex": 2}}
    assert cluster.asked == []


async def test_a_spec_that_says_so_already_leaves_only_the_agent_to_ask(tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.kubernetes.resources["default", "demo"] = {"spec": {"primary": {"podIndex": 2}}}
    ran = await run(cluster, tmp_path, "--to", "2")
    assert ran.status == 0
    assert cluster.asked == [Switchover(to=2)]


async def test_the_writer_itself_is_no_work(tmp_path: Path) -> None:
    cluster = Cluster()
    ran = await run(cluster, tmp_path, "--to", "0")
    assert (ran.status, ran.out) == (0, "demo: demo-0 is the writer already\n")
    assert cluster.asked == []


async def test_failures_are_one_line_and_status_two(tmp_path: Path) -> None:
    async def fails(cluster: Cluster, said: str, *arguments: str) -> None:
        ran = await run(cluster, tmp_path, *arguments)
        assert ran.status == 2
        assert said in ran.err.splitlines()[-1]

    await fails(Cluster(), "demo has no member 7. It has: demo-0, demo-1, demo-2", "--to", "7")
    await fails(Cluster(refuses="member 1 is leaving"), "trireme: demo-0 refuses: member 1 is leaving")
    await fails(Cluster(stays="member 1 is leaving"), "trireme: demo-0 stays the writer: member 1 is leaving")
    unknown = Cluster()
    unknown.kubernetes.secrets["default", "demo"] = {"token": "another-token-of-32-characters.."}
    await fails(unknown, "demo-0 knows another token than Secret demo")
    forbidden = Cluster()
    forbidden.kubernetes.forbidden = {"secrets"}
    await fails(forbidden, "commands are signed with the token in Secret demo")
    idle = Cluster()
    idle.kubernetes.agents["default", "demo-0"] = lambda *_: CommandReply(accepted=True, why="")
    await fails(idle, "not done within 1 s: nothing has happened yet", "--timeout", "1")
    alone = Cluster()
    for ordinal in (1, 2):
        alone.kubernetes.statuses["default", f"demo-{ordinal}"] = status_of(joining(ordinal))
    await fails(alone, "no other member of demo is Synced")
