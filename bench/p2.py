"""P2: every member is killed at once, under load."""

import os
import re
import signal
import time
from dataclasses import dataclass

from bench.load import Access, Writers
from bench.network import free_net
from bench.product import MEMBERS, Sandbox
from bench.recipe import ROOT_PASSWORD, Recipe
from bench.run import Result, Row, Run, Table
from bench.series import Series, ratio
from bench.waiting import wait_for

TITLE = "P2: every member killed at once, under load"
WHAT = """\
Four clients write through the primary address, 10 ms apart, and remember each commit that was acknowledged. All
members are killed (`kill -9` of each pod's first process, and so of everything in it). Measured from the kill: the
first commit that is acknowledged again, and all members Synced. Nobody helps: the node restarts the containers.
Floor: the same clients and servers made by hand. The script kills the servers, knows at once that they are dead,
asks each for its position (`--wsrep-recover`, all in parallel), bootstraps the most advanced and lets one after the
other join. At the end every member is asked for every acknowledged commit."""

RECOVER_SECONDS = 120.0
LOAD_SECONDS = 2.0
_POSITION = re.compile(r"Recovered position: ([0-9a-f-]{36}):(-?\d+)")


@dataclass(frozen=True, slots=True)
class Recovery:
    first_write: float
    all_synced: float
    acknowledged: int
    lost: int


def measure(run: Run) -> Result:
    ours: list[Recovery] = []
    floors: list[Recovery] = []
    with Recipe(run.place("p2-recipe"), free_net(), debian_sleep=False) as recipe:
        recipe.form()
        for number in run.repeat():
            ours.append(_product(run))
            floors.append(_by_hand(recipe, f"round_{number}"))
            run.say(f"P2 round {number + 1}: Trireme {_words(ours[-1])}; hand-made {_words(floors[-1])}")
    rows = []
    for name, attribute in (("first commit, seconds", "first_write"), ("all Synced, seconds", "all_synced")):
        mine = Series.of(getattr(each, attribute) for each in ours)
        floor = Series.of(getattr(each, attribute) for each in floors)
        rows.append(Row(name, mine, floor, ratio(mine, floor)))
    for name, attribute in (("acknowledged commits", "acknowledged"), ("of these lost", "lost")):
        mine = Series.of(getattr(each, attribute) for each in ours)
        rows.append(Row(name, mine, Series.of(getattr(each, attribute) for each in floors), digits=0))
    return Result(TITLE, WHAT, (Table("Trireme", "hand-made", tuple(rows)),))


def _words(recovery: Recovery) -> str:
    return (
        f"writes after {recovery.first_write:.1f} s, all Synced after {recovery.all_synced:.1f} s, "
        f"{recovery.lost} of {recovery.acknowledged} lost"
    )


def _product(run: Run) -> Recovery:
    with Sandbox(run.place("p2")) as sandbox:
        sandbox.form()
        primary, password = sandbox.service("demo-primary"), sandbox.password()
        lives = sandbox.incarnations()
        with Writers(Access(lambda: primary, "app", password), "app.load_0") as writers:
            time.sleep(LOAD_SECONDS)
            agents = sandbox.agents()
            assert len(agents) == MEMBERS, f"found {len(agents)} agents"
            killed = time.time()
            for pid in agents.values():
                os.kill(pid, signal.SIGKILL)
            wait_for(
                lambda: sandbox.all_synced(other_than=lives), "all members Synced again", RECOVER_SECONDS
            )
            synced = time.time() - killed
            return _finish(
                writers,
                killed,
                synced,
                [_member(address, password) for address in sandbox.addresses().values()],
            )


def _member(address: str, password: str) -> Access:
    return Access(lambda: address, "app", password)


def _finish(writers: Writers, killed: float, synced: float, members: list[Access]) -> Recovery:
    first = wait_for(lambda: writers.first_after(killed), "a commit after the kill", RECOVER_SECONDS)
    writers.wait_for_commits(50, RECOVER_SECONDS)
    writers.stop()
    return Recovery(first - killed, synced, writers.commits, writers.lost(members))


def _by_hand(recipe: Recipe, table: str) -> Recovery:
    """Kill, recover in parallel, compare, bootstrap, join."""
    members = recipe.members
    target = members[0].address
    with Writers(Access(lambda: target, "app", ROOT_PASSWORD), f"app.{table}") as writers:
        time.sleep(LOAD_SECONDS)
        killed = time.time()
        for member in members:
            member.kill()
        recoveries = [member.recover() for member in members]
        outputs = [process.communicate(timeout=RECOVER_SECONDS)[0] for process in recoveries]
        positions = [_position(output) for output in outputs]
        first = max(range(len(members)), key=lambda n: positions[n][1])
        uuid = positions[first][0]
        target = members[first].address
        members[first].configure(peers=())
        members[first].mark_safe_to_bootstrap()
        members[first].start("--wsrep-new-cluster", f"--wsrep_start_position={uuid}:{positions[first][1]}")
        members[first].wait_synced()
        for number, member in enumerate(members):
            if number != first:
                member.configure(peers=(members[first].address,))
                member.start(f"--wsrep_start_position={positions[number][0]}:{positions[number][1]}")
                member.wait_synced()
        synced = time.time() - killed
        return _finish(writers, killed, synced, [_member(m.address, ROOT_PASSWORD) for m in members])


def _position(output: str) -> tuple[str, int]:
    found = _POSITION.search(output)
    if found is None:
        raise RuntimeError(f"--wsrep-recover named no position: {output[-1000:]}")
    return found[1], int(found[2])
