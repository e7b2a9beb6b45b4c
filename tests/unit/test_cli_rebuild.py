"""``trireme rebuild``: says what will happen, asks, and waits."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.unit.cli_kubernetes import AGENTS_TOKEN, FakeKubernetes, status_of
from tests.unit.core.seen import joining, synced
from tests.unit.test_cli_status import Ran, trireme
from trireme.api.commands import REBUILD_PATH, CommandReply, Rebuild
from trireme.core.cluster_seen import Member


def rebuilding(member: Member) -> Member:
    assert member.answer is not None
    return replace(
        member, answer=replace(member.answer, report=replace(member.answer.report, rebuilding=True))
    )


def cluster(refuses: str = "") -> FakeKubernetes:
    """Three members; member 2 rebuilds when asked to, and is done at the third look."""
    kubernetes = FakeKubernetes()
    kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
    kubernetes.secrets["default", "demo"] = {"token": AGENTS_TOKEN.decode()}

    def command(path: str, body: bytes) -> CommandReply:
        assert path == REBUILD_PATH
        assert msgspec.json.decode(body, type=Rebuild).ordinal == 2
        if not refuses:
            begin(kubernetes)
        return CommandReply(accepted=not refuses, why=refuses or "as you wish")

    kubernetes.agents["default", "demo-2"] = command
    return kubernetes


def begin(kubernetes: FakeKubernetes) -> None:
    key = ("default", "demo-2")
    kubernetes.next_statuses[key] = [status_of(rebuilding(joining(2))), status_of(rebuilding(synced(2)))]


async def run(kubernetes: FakeKubernetes, folder: Path, *arguments: str) -> Ran:
    async with kubernetes.serving():
        return await trireme("rebuild", *arguments, kubeconfig=kubernetes.kubeconfig(folder))


@pytest.mark.parametrize("name", ["2", "demo-2"])
async def test_it_says_what_will_happen_and_waits(name: str, tmp_path: Path) -> None:
    ran = await run(cluster(), tmp_path, name, "--yes")
    assert (ran.status, ran.out) == (0, "demo: demo-2 has a new copy of the data\n")
    assert "It leaves the group, and 2 of 3 members serve meanwhile: demo-0, demo-1." in ran.err
    assert "asked demo-2: as you wish" in ran.err
    assert "demo-2 is Transferring: receives a state transfer" in ran.err
    assert "It is the writer" not in ran.err


async def test_with_an_operator_the_resource_is_changed(tmp_path: Path) -> None:
    kubernetes = cluster()
    resource = kubernetes.resources["default", "demo"] = {"spec": {}}
    kubernetes.on_patch = lambda _: begin(kubernetes)
    ran = await run(kubernetes, tmp_path, "2", "--yes")
    assert ran.status == 0
    assert resource["spec"]["rebuild"]["podIndex"] == 2
    assert resource["spec"]["rebuild"]["request"].startswith("cli-")


async def test_it_is_not_done_unasked_or_where_it_cannot_be(tmp_path: Path) -> None:
    ran = await run(cluster(), tmp_path, "2")
    assert (ran.status, ran.err.splitlines()[-1]) == (2, "trireme: nobody is there to be asked: give --yes")
    ran = await run(cluster(refuses="it is leaving"), tmp_path, "2", "--yes")
    assert (ran.status, ran.err.splitlines()[-1]) == (2, "trireme: demo-2 refuses: it is leaving")
    alone = FakeKubernetes()
    alone.add_cluster("demo", joining(0), joining(1), synced(2))
    ran = await run(alone, tmp_path, "2", "--yes")
    assert ran.status == 2
    assert "the data of demo-2 may be the only copy" in ran.err
