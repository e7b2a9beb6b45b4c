"""P2: every member is killed at once, under load."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import Access, Writers
from bench.network import free_net
from bench.product import MEMBERS, Line, Sandbox, moment
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
other join. At the end every member is asked for every acknowledged commit.
Twice: with an almost empty database, where all that is measured is what stands around the recovery; and as a server in
use, with a redo log of 192 MB in which 750,000 rows of 200 bytes were just written down."""

RECOVER_SECONDS = 120.0
LOAD_SECONDS = 2.0
FILL_SECONDS = 120.0
FILL_STEP = 50_000
DYING_SECONDS = 0.5
"""The killed are gone by then, and what they acknowledged last has arrived."""
_POSITION = re.compile(r"Recovered position: ([0-9a-f-]{36}):(-?\d+)")


AGENTS, POSITIONS, BOOTSTRAPPED = (
    "every agent runs again",
    "every position is known",
    "the first member is Synced",
)
FIRST_COMMIT, ALL_SYNCED = "**a commit is acknowledged**", "**all members are Synced**"


@dataclass(frozen=True, slots=True)
class Database:
    name: str
    rows: int = 0
    """Of 200 bytes each, written just before the load."""
    my_cnf: str = ""
    """The user's, of both sides."""


EMPTY = Database("almost empty")
IN_USE = Database(
    "in use", 750_000, "[mariadbd]\ninnodb_log_file_size = 192M\ninnodb_buffer_pool_size = 512M\n"
)


@dataclass(frozen=True, slots=True)
class Recovery:
    moments: dict[str, float]
    """Seconds since the kill."""
    acknowledged: int
    lost: int


def measure(run: Run) -> Result:
    return Result(TITLE, WHAT, tuple(_alternating(run, database) for database in (EMPTY, IN_USE)))


def _alternating(run: Run, database: Database) -> Table:
    ours: list[Recovery] = []
    floors: list[Recovery] = []
    with Recipe(run.place("p2-recipe"), free_net(), debian_sleep=False, own=database.my_cnf) as recipe:
        recipe.form()
        for number in run.repeat():
            ours.append(_product(run, database))
            floors.append(_by_hand(recipe, f"round_{number}", database))
            words = f"Trireme {_words(ours[-1])}; hand-made {_words(floors[-1])}"
            run.say(f"P2, {database.name}, round {number + 1}: {words}")
    return Table(f"{database.name}: Trireme, seconds", "hand-made", tuple(_rows(ours, floors)))


def _rows(ours: list[Recovery], floors: list[Recovery]) -> Iterator[Row]:
    for name in (AGENTS, POSITIONS, BOOTSTRAPPED, FIRST_COMMIT, ALL_SYNCED):
        yield _row(name, ours, floors)
    for name, attribute in (("acknowledged commits", "acknowledged"), ("of these lost", "lost")):
        mine = Series.of(getattr(each, attribute) for each in ours)
        yield Row(name, mine, Series.of(getattr(each, attribute) for each in floors), digits=0)


def _row(moment: str, ours: list[Recovery], floors: list[Recovery]) -> Row:
    mine = Series.of(each.moments[moment] for each in ours)
    if moment == AGENTS:
        return Row(moment, mine)
    floor = Series.of(each.moments[moment] for each in floors)
    return Row(moment, mine, floor, ratio(mine, floor))


def _words(recovery: Recovery) -> str:
    return (
        f"writes after {recovery.moments[FIRST_COMMIT]:.1f} s, all Synced after {recovery.moments[ALL_SYNCED]:.1f} s, "
        f"{recovery.lost} of {recovery.acknowledged} lost"
    )


def _product(run: Run, database: Database) -> Recovery:
    with Sandbox(run.place("p2")) as sandbox:
        sandbox.form(database.my_cnf)
        primary, password = sandbox.service("demo-primary"), sandbox.password()
        lives = sandbox.incarnations()
        access = Access(lambda: primary, "app", password)
        _fill(access, database)
        with Writers(access, "app.load_0") as writers:
            time.sleep(LOAD_SECONDS)
            agents = sandbox.agents()
            assert len(agents) == MEMBERS, f"found {len(agents)} agents"
            killed = time.time()
            for pid in agents.values():
                os.kill(pid, signal.SIGKILL)
            wait_for(
                lambda: sandbox.all_synced(other_than=lives), "all members Synced again", RECOVER_SECONDS
            )
            moments = {ALL_SYNCED: time.time() - killed, **_told(sandbox.logs(), killed)}
            members = [_member(address, password) for address in sandbox.addresses().values()]
            return _finish(writers, killed, moments, members)


def _fill(access: Access, database: Database) -> None:
    """What the storage engines have in their logs and not in their files yet when they are killed."""
    with access.connect(FILL_SECONDS) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS app.filled")
        cursor.execute("CREATE TABLE app.filled (id INT PRIMARY KEY, text CHAR(200) NOT NULL)")
        for first in range(1, database.rows, FILL_STEP):
            numbers = f"seq_{first}_to_{first + FILL_STEP - 1}"
            cursor.execute(f"INSERT INTO app.filled SELECT seq, REPEAT('x', 200) FROM {numbers}")  # noqa: S608


def _told(lines: list[Line], killed: float) -> dict[str, float]:
    """From the words of the agents and servers that came after the kill."""
    words = {
        AGENTS: ("trireme.agent: agent of", MEMBERS),
        POSITIONS: ("trireme.agent: storage engine:", MEMBERS),
        BOOTSTRAPPED: ("Synchronized with group, ready for connections", 1),
    }
    return {name: moment(lines, text, count) - killed for name, (text, count) in words.items()}


def _member(address: str, password: str) -> Access:
    return Access(lambda: address, "app", password)


def _finish(writers: Writers, killed: float, moments: dict[str, float], members: list[Access]) -> Recovery:
    wait_for(lambda: writers.first_after(killed + DYING_SECONDS), "a commit after the kill", RECOVER_SECONDS)
    writers.wait_for_commits(50, RECOVER_SECONDS)
    writers.stop()
    _, first = writers.stall(killed, killed + DYING_SECONDS)
    return Recovery({**moments, FIRST_COMMIT: first - killed}, writers.commits, writers.lost(members))


def _by_hand(recipe: Recipe, table: str, database: Database) -> Recovery:
    """Kill, recover in parallel, compare, bootstrap, join."""
    members = recipe.members
    target, moments = members[0].address, {}
    access = Access(lambda: target, "app", ROOT_PASSWORD)
    _fill(access, database)
    with Writers(access, f"app.{table}") as writers:
        time.sleep(LOAD_SECONDS)
        killed = time.time()
        for member in members:
            member.kill()
        recoveries = [member.recover() for member in members]
        positions = [_position(process.communicate(timeout=RECOVER_SECONDS)[0]) for process in recoveries]
        moments[POSITIONS] = time.time() - killed
        first = max(members, key=lambda member: positions[members.index(member)][1])
        target = first.address
        first.mark_safe_to_bootstrap()
        for member in (first, *(each for each in members if each is not first)):
            uuid, seqno = positions[members.index(member)]
            member.configure(peers=() if member is first else (first.address,))
            member.start(
                *(["--wsrep-new-cluster"] if member is first else []),
                f"--wsrep_start_position={uuid}:{seqno}",
            )
            member.wait_synced()
            moments.setdefault(BOOTSTRAPPED, time.time() - killed)
        moments[ALL_SYNCED] = time.time() - killed
        return _finish(writers, killed, moments, [_member(m.address, ROOT_PASSWORD) for m in members])


def _position(output: str) -> tuple[str, int]:
    found = _POSITION.search(output)
    if found is None:
        raise RuntimeError(f"--wsrep-recover named no position: {output[-1000:]}")
    return found[1], int(found[2])
