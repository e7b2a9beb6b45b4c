"""``trireme explain`` against a Kubernetes API on a real socket, and from what was saved."""

import json
from pathlib import Path

import pytest

from tests.unit.cli_kubernetes import FakeKubernetes
from tests.unit.core.builders import gap, member
from tests.unit.core.seen import answering, silent, synced
from tests.unit.test_cli_status import trimmed, trireme
from trireme.api.report import Phase

WAITS = "members 1, 2 of the latest view may hold newer data and did not answer"
LAST = answering(member(0).crashed(1234).in_view(17, 0, 1, 2), Phase.WAITING, WAITS, hears=())

EXPLAINED = """\
demo: takes no SQL, no Primary among the 1 of 3 members that answer: demo-0
Waiting, demo-1 Silent, demo-2 NoPod

Latest view  members 0, 1, 2, in history 11111111-1111-1111-1111-111111111111
             from 17 on; remembered by member 0

demo-0  Waiting  members 1, 2 of the latest view may hold newer data and did not
                 answer
  directory  crashed: it holds data; the storage engine told the position
  position   11111111-1111-1111-1111-111111111111:1234
  view       members 0, 1, 2, from 17 on: the latest known
  hears      nobody, for 5 min

demo-1  Silent  dial tcp 10.0.0.1:8080: connection refused
  pod  Running on node node-1: dial tcp 10.0.0.1:8080: connection refused;
       nothing is known of its data

demo-2  NoPod  Kubernetes has not created its pod
  pod  there is none; nothing is known of its data

Decision: Wait for members 1, 2.
  members 1, 2 of the latest view may hold newer data and did not answer

What comes next
  - member 1: Silent (dial tcp 10.0.0.1:8080: connection refused)
  - member 2: NoPod (Kubernetes has not created its pod)
  - the policy for missing members is Wait: it waits as long as it takes

What you may do
  -> demo-1 runs and does not answer: `kubectl -n default get node node-1`,
     `kubectl -n default logs demo-1`
  -> demo-2 has no pod: `kubectl -n default describe statefulset demo` says why
  -> if it is certain that members 1, 2 will not come back: `trireme recover
     demo` shows what would be lost, and asks (member 0 bootstraps, crashed, at
     11111111-1111-1111-1111-111111111111:1234: only it answers)
"""


async def test_it_explains_what_it_sees_and_the_same_from_a_file(tmp_path: Path) -> None:
    saved, own = tmp_path / "status.json", tmp_path / "explain.json"
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", LAST, silent(1))
        config = kubernetes.kubeconfig(tmp_path)
        live = await trireme("explain", kubeconfig=config, terminal=True)
        saved.write_text((await trireme("status", "-o", "json", kubeconfig=config)).out)
        own.write_text((await trireme("explain", "-o", "json", kubeconfig=config)).out)
    assert trimmed(live.out) == EXPLAINED
    assert live.status == 0
    for file in (saved, own):
        assert await trireme("explain", "-f", str(file), "-n", "default", terminal=True) == live
    (found,) = json.loads(own.read_text())["clusters"]
    assert found["explanation"]["decision"] == "Wait for members 1, 2."


async def explained(tmp_path: Path, *members: object) -> str:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", *members)  # type: ignore[arg-type]
        return (await trireme("explain", kubeconfig=kubernetes.kubeconfig(tmp_path))).out


async def test_a_gap_is_explained_until_it_is_settled(tmp_path: Path) -> None:
    lost = gap(1200, 2, by="alice", at="2026-11-25T03:00:00Z")
    members = [
        answering(
            member(o).primary().in_view(1300, 0, 1).came_through(lost).claiming(100, 0),
            Phase.SYNCED,
            "",
            ready=True,
        )
        for o in (0, 1)
    ]
    late = answering(member(2).crashed(1234).in_view(17, 0, 1, 2), Phase.JOINING, "joins")
    said = await explained(tmp_path, *members, late)
    assert "volume-9-1200: the cluster went on without member 2 at position" in said
    assert "on 2026-11-25T03:00:00Z (by alice); not settled" in said
    assert "did not come through volume-9-1200: the others went on without what only it has" in said
    assert "`trireme recover demo --settle --gap volume-9-1200`" in said
    assert "Decision: A Primary lives: whoever is outside joins it." in said


@pytest.mark.parametrize("patience", [600.0, None])
async def test_it_says_for_how_long_somebody_is_waited_for(patience: float | None, tmp_path: Path) -> None:
    two = [
        answering(
            member(o).crashed(1234).in_view(17, 0, 1, 2), Phase.WAITING, "", hears=(1 - o,), patience=patience
        )
        for o in (0, 1)
    ]
    said = await explained(tmp_path, *two, silent(2))
    if patience is None:
        assert "the policy for missing members is Wait: it waits as long as it takes" in said
    else:
        assert "the policy for missing members (MajorityAfter=600) goes on in 10 min, with member 0" in said


async def test_two_primaries_who_is_served(tmp_path: Path) -> None:
    said = await explained(
        tmp_path,
        answering(member(0).primary().in_view(17, 0, 1), Phase.SYNCED, "serves", ready=True),
        answering(member(1).primary().in_view(17, 0, 1), Phase.SYNCED, "serves", ready=True),
        answering(member(2).primary().in_view(18, 2), Phase.BLOCKED, "two Primaries live"),
    )
    assert "Decision: Two Primaries live: clients are led to one, nobody joins both." in said
    assert "members 0, 1 served; member 2 not" in said


async def test_a_grant_with_a_silent_member_is_named(tmp_path: Path) -> None:
    held = member(0).in_view(17, 0, 1).report.last_view
    said = await explained(
        tmp_path,
        answering(member(0).crashed(20).in_view(17, 0, 1), Phase.ELECTING, "", hears=(1,)),
        answering(
            member(1).crashed(20).in_view(17, 0, 1).granting(5, 2, held), Phase.WAITING, "", hears=(0,)
        ),
        silent(2),
    )
    assert "Decision: Member 0 is to bootstrap, and lacks grants." in said
    assert "member 1 would refuse its grant now: granted to member 2 in epoch 5" in said
    assert "or a person says that it is gone" in said


async def test_members_that_hear_less_than_is_heard_from_here_are_shown(tmp_path: Path) -> None:
    deaf = answering(member(1).primary().in_view(17, 0, 1, 2), Phase.SYNCED, "", ready=True, hears=())
    assert "members 0, 2: heard from here, and not by it" in await explained(
        tmp_path, synced(0), deaf, synced(2)
    )


async def test_failures_are_one_line_and_status_two(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("{}")
    (tmp_path / "none").write_text('{"clusters": []}')
    for name, said in {
        "bad": "not what `trireme status -o json` prints",
        "none": "name one cluster of those in it: none",
        "absent": "cannot be read: No such file or directory",
    }.items():
        ran = await trireme("explain", "-f", str(tmp_path / name))
        assert (ran.status, len(ran.err.splitlines())) == (2, 1)
        assert said in ran.err
