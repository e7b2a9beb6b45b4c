"""Random schedules: faults and progress in any order, then an end without faults that must lead to a whole cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from random import Random

from tests.protocol.calm import NO_STARTS, NO_TRANSFERS, finish
from tests.protocol.steps import Step, take
from tests.protocol.world import Rules, World


class Begin(StrEnum):
    """Where a schedule starts."""

    EMPTY = "empty volumes, no pod"
    WHOLE = "a whole cluster with data"
    CRASHED = "all crashed at once, each with less of the last commits"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many members, where they start, and what happens."""

    size: int
    begin: Begin
    steps: tuple[Step, ...]
    patience: float | None = None
    """The policy for missing members, in seconds; None: wait for ever."""


def run(schedule: Schedule, rules: Rules | None = None, story: list[str] | None = None) -> World:
    """Take all steps, then let everything come back. Raises Violation."""
    world = start(schedule.begin, schedule.size, rules)
    world.be_patient(schedule.patience)
    world.story = story
    for step in schedule.steps:
        take(world, step)
    finish(world)
    return world


def start(begin: Begin, size: int, rules: Rules | None = None) -> World:
    world = _started(begin, size).copy()
    world.rules = rules or Rules()
    return world


@lru_cache(maxsize=64)
def _started(begin: Begin, size: int) -> World:
    world = World.of(size)
    if begin is Begin.EMPTY:
        return world
    finish(world)
    world.terse = False
    for ordinal in range(size):
        take(world, ("commit", ordinal, 1))
    if begin is Begin.CRASHED:
        for ordinal in range(size):
            take(world, ("kill", ordinal, size - ordinal, 0))
    return world


# --- making schedules ----------------------------------------------------------------------------------------------

Maker = Callable[[Random, int], Step]

_NORMAL: dict[str, tuple[int, Maker]] = {
    "round": (60, lambda r, n: ("round", r.randrange(n), _some(r, n), _fuse(r))),
    "poll": (25, lambda r, n: ("poll", r.randrange(n), _some(r, n))),
    "act": (12, lambda r, n: ("act", r.randrange(n), _fuse(r))),
    "work": (15, lambda r, n: ("work", r.randrange(n), _fuse(r))),
    "connect": (20, lambda r, n: ("connect", r.randrange(n))),
    "regroup": (15, lambda r, n: ("regroup", r.randrange(2) if r.random() < 0.3 else 0)),
    "notify": (25, lambda r, n: ("notify", r.randrange(n), _fuse(r))),
    "transfer": (20, lambda r, n: ("transfer", r.randrange(n), r.randrange(2))),
    "commit": (20, lambda r, n: ("commit", r.randrange(n), int(r.random() < 0.8))),
    "stopped": (10, lambda r, n: ("stopped", r.randrange(n))),
    "start": (20, lambda r, n: ("start", r.randrange(n))),
    "tick": (10, lambda r, n: ("tick", r.choice((1, 5, 40)))),
}
_COARSE: dict[str, tuple[int, Maker]] = {
    "settle": (40, lambda r, n: _settle(r, n)),  # noqa: PLW0108  (defined below)
    "commit": (15, lambda r, n: ("commit", r.randrange(n), int(r.random() < 0.8))),
    "start": (15, lambda r, n: ("start", r.randrange(n))),
    "regroup": (4, lambda r, n: ("regroup", r.randrange(2))),
    "notify": (4, lambda r, n: ("notify", r.randrange(n), _fuse(r))),
    "tick": (4, lambda r, n: ("tick", r.choice((1, 5, 40)))),
}
"""For schedules that go far with few steps: whole seconds without a fault, among some members."""
_FEWER: dict[str, tuple[int, Maker]] = {
    "settle": (40, lambda r, n: _settle_without_one(r, n)),  # noqa: PLW0108 - defined below
    "commit": (20, lambda r, n: ("commit", r.randrange(n), int(r.random() < 0.8))),
    "kill all": (15, lambda r, n: ("kill all", r.randrange(1 << 2 * n), int(r.random() < 0.1))),
    "kill": (8, lambda r, n: ("kill", r.randrange(n), r.randrange(4), int(r.random() < 0.1))),
    "start": (8, lambda r, n: ("start", r.randrange(n))),
}
"""For a policy that does not wait for ever: crashes of all, then one or two who stay away for longer than that."""
_FAULTS: dict[str, tuple[int, Maker]] = {
    "kill": (10, lambda r, n: ("kill", r.randrange(n), r.randrange(4), int(r.random() < 0.2))),
    "kill all": (3, lambda r, n: ("kill all", r.randrange(1 << 2 * n), int(r.random() < 0.2))),
    "die": (5, lambda r, n: ("die", r.randrange(n), r.randrange(4), int(r.random() < 0.2))),
    "term": (6, lambda r, n: ("term", r.randrange(n))),
    "cut": (5, lambda r, n: ("cut", _sides(r, n) if r.random() < 0.6 else 0)),
    "abort": (5, lambda r, n: ("abort", r.randrange(n))),
    "stale": (25, lambda r, n: _stale(r, n)),  # noqa: PLW0108 - defined below
    "arrive": (15, lambda r, n: ("arrive", r.randrange(4), int(r.random() < 0.3), r.randrange(2), _fuse(r))),
    "end asking": (5, lambda r, n: ("end asking", r.randrange(n))),
    "lose": (3, lambda r, n: ("lose", r.randrange(n))),
    "mix up": (2, lambda r, n: ("mix up", r.randrange(n), r.choice((1, 40)))),
    "recover": (4, lambda r, n: ("recover", r.randrange(n))),
    "scale": (1, lambda r, n: ("scale", min(n + 1, 7))),
}


def make(seed: int, size: int = 0, length: int = 0) -> Schedule:
    """The schedule of a seed. Each has its own mix of faults, so that some of them meet often (swarm testing)."""
    r = Random(seed)
    size = size or r.choice((1, 2, 2, 3, 3, 3, 3, 3, 4, 5, 5, 7))
    length = length or r.choice((30, 60, 60, 120, 250))
    patience = r.choice((None, None, 5.0))
    mix = dict(
        r.choice((_NORMAL, _NORMAL, _COARSE)) if patience is None else r.choice((_NORMAL, _FEWER, _FEWER))
    )
    if "settle" in mix:
        length //= 4
    for name, (weight, maker) in _FAULTS.items():
        if r.random() < 0.5:
            mix[name] = (r.choice((1, 1, 3)) * weight, maker)
    makers = [maker for _, maker in mix.values()]
    bounds = list(accumulate(weight for weight, _ in mix.values()))
    steps: list[Step] = []
    losses = 0
    for _ in range(length):
        step = r.choices(makers, cum_weights=bounds)[0](r, size)
        if step[0] in ("lose", "mix up"):
            losses += 1
        if step[0] == "scale":
            size = int(step[1:][0])
        if losses <= 1 or step[0] not in ("lose", "mix up"):
            steps.append(step)
    size, steps, patience = _its_share(seed, size, steps, patience)
    scaled = any(step[0] == "scale" for step in steps)
    begin = r.choice((Begin.EMPTY, Begin.WHOLE, Begin.WHOLE, Begin.CRASHED))
    if begin is Begin.EMPTY and seed % 16 in (11, 13):
        begin = Begin.WHOLE
    return Schedule(_before(steps) if scaled else size, begin, tuple(steps), patience)


def _its_share(
    seed: int, n: int, steps: list[Step], patience: float | None
) -> tuple[int, list[Step], float | None]:
    """Of sixteen schedules each of five goes where the others hardly come."""
    match seed % 16:
        case 7:
            steps = _with_an_old_volume(Random(f"old {seed}"), n, steps)
        case 3:
            steps = _with_broken_members(Random(f"broken {seed}"), n, steps)
        case 11 | 13:
            r, n = Random(f"words {seed}"), max(n, 3)
            steps = _with_words(r, n, steps)
            patience = r.choice((None, None, 5.0))
            if seed % 16 == 13:
                steps = _with_all_of_it(Random(f"all {seed}"), n, steps)
        case 15:
            steps = _with_late_answers_and_new_copies(Random(f"late {seed}"), n, steps)
    return n, steps, patience


def _with_broken_members(r: Random, n: int, steps: list[Step]) -> list[Step]:
    """Some members cannot start their servers for a while, or until the end."""
    broken = list(steps)
    for _ in range(r.choice((1, 1, 2, 3))):
        ordinal, at = r.randrange(n), r.randrange(len(broken) + 1)
        end = r.randrange(at, len(broken) + 1)
        broken.insert(end, ("break", ordinal, int(r.random() < 0.5)))
        broken.insert(at, ("break", ordinal, 1))
    return broken


def _with_an_old_volume(r: Random, n: int, steps: list[Step]) -> list[Step]:
    """A copy is made early, of a member that is alone or not, and is put back after a crash of all."""
    ordinal, at = r.randrange(n), r.randrange(len(steps) + 1)
    others = [("term", other) for other in range(n) if other != ordinal] if r.random() < 0.6 else []
    away = sum(1 << other for other in range(n) if other != ordinal and r.random() < 0.6)
    alone: list[Step] = [("settle", 0, 9, 0), *others, ("settle", 0, 5, NO_STARTS), ("keep", ordinal)]
    wrong: list[Step] = [("commit", ordinal, 1)] * r.choice((0, 1, 3, 9))
    back: list[Step] = [
        ("kill all", 0, 0), ("put back", ordinal), ("settle", away, 40, 0), *wrong,
        ("settle", 0, r.choice((1, 9)), 0), *wrong,
    ]  # fmt: skip
    middle: list[Step] = [("settle", 0, 9, 0), ("commit", ordinal, 1)]
    return [*alone, *middle, *steps[:at], *back, *steps[at:]]


def _with_late_answers_and_new_copies(r: Random, n: int, steps: list[Step]) -> list[Step]:
    """Whole rounds are made of what was heard before their own look; some are asked to take a new copy of the data."""
    late: list[Step] = []
    for step in steps:
        if r.random() < 0.3:
            late.append(("hear early", r.randrange(n), r.randrange(n)))
        if r.random() < 0.06:
            late.append(("rebuild", r.randrange(n)))
        late.append(step)
    return late


def _with_words(r: Random, n: int, steps: list[Step]) -> list[Step]:
    """What people choose, well and badly, between losses, gaps and returns; and pieces of other steps in between."""
    told: list[Step] = [("settle", 0, 9, 0)] * r.randrange(2)
    lost = any(step[0] in ("lose", "mix up") for step in steps)
    old, chapters = r.randrange(n) if r.random() < 0.15 else None, r.choice((3, 4, 6, 9))
    for number in range(chapters):
        if old is not None and number == 1:
            told.append(("keep", old))
        if old is not None and number == chapters - 1:
            told += [("kill all", 0, 0), ("put back", old)]
        told += [step for step in _chapter(r, n) if not (lost and step[0] in ("lose", "mix up"))]
        lost = lost or any(step[0] in ("lose", "mix up") for step in told)
        if steps and r.random() < 0.3:
            at = r.randrange(len(steps))
            told += steps[at : at + r.choice((1, 3, 9))]
    return told


def _with_all_of_it(r: Random, n: int, steps: list[Step]) -> list[Step]:
    """What people choose; in between late answers, new copies, servers that cannot start or die, stops, and pieces
    of rounds."""
    kind = r.randrange(4)
    if kind < 2:
        steps = _with_late_answers_and_new_copies(r, n, steps)
    if kind in (1, 2):
        steps = _with_broken_members(r, n, steps)
    mixed: list[Step] = []
    for step in steps:
        if r.random() < 0.15:
            mixed.append(_piece(r, n))
        mixed.append(step)
    return mixed


def _piece(r: Random, n: int) -> Step:
    member = r.randrange(n)
    return r.choice((
        ("look", member), ("hear", member, r.randrange(n)), ("decide", member), ("act", member, 0),
        ("poll", member, _some(r, n)), ("arrive", r.randrange(4), r.randrange(2), r.randrange(2), 0),
        ("end asking", member), ("term", member), ("die", member, r.randrange(4), 0),
    ))  # fmt: skip


def _chapter(r: Random, n: int) -> list[Step]:
    """All crash, or some; some come back, or all; somebody chooses."""
    parts: list[Step] = [("commit", r.randrange(n), 1) for _ in range(r.choice((0, 1, 3)))]
    kind = r.randrange(12)
    if kind < 8:
        parts.append(("kill all", r.randrange(1 << 2 * n), int(r.random() < 0.15)))
    elif kind < 10:
        parts += [("kill", r.randrange(n), r.randrange(4), 0) for _ in range(r.choice((1, 2)))]
    elif kind < 11:
        parts += [("term", r.randrange(n)), ("settle", 0, 5, NO_STARTS)]
    if r.random() < 0.08:
        parts.append(
            ("lose", r.randrange(n)) if r.random() < 0.7 else ("mix up", r.randrange(n), r.choice((1, 40)))
        )
    gone = r.sample(range(n), min(r.choice((0, 1, 1, 1, 1, 2)), n - 1))
    away = sum(1 << ordinal for ordinal in gone)
    parts.append(
        ("settle", away, r.choice((2, 3, 3, 4, 9, 20)), r.choice((0, 0, 0, 0, NO_STARTS, NO_TRANSFERS)))
    )
    if r.random() < 0.2:
        parts.append(("kill", r.randrange(n), r.randrange(4), 0))
    parts += [("rebuild", r.randrange(n)) for _ in range(r.choice((0, 0, 0, 0, 1, n)))]
    here = [ordinal for ordinal in range(n) if ordinal not in gone]
    for _ in range(r.choice((0, 1, 1, 1, 2, 3))):
        chosen = r.choice(here)
        parts.append(("recover", chosen, r.choice((0, 1, 1, 4, 5, 5, 7, 9, 13))))
        parts += [_after_a_word(r, n, chosen) for _ in range(r.choice((0, 0, 1, 3, 6)))]
    parts.append(
        ("settle", r.choice((away, 0, r.randrange((1 << n) - 1))), r.choice((0, 1, 1, 2, 3, 9, 20)), 0)
    )
    return parts


def _after_a_word(r: Random, n: int, chosen: int) -> Step:
    other = r.randrange(n)
    return r.choice((
        ("kill", chosen, r.randrange(4), 0), ("kill", other, r.randrange(4), 0), ("start", other),
        ("round", chosen, 0, _fuse(r)), ("round", other, 0, _fuse(r)), ("poll", chosen, 0), ("connect", chosen),
        ("notify", chosen, _fuse(r)), ("settle", 0, r.choice((1, 2)), NO_STARTS), ("settle", 1 << other, 1, NO_STARTS),
    ))  # fmt: skip


def _before(steps: list[Step]) -> int:
    """How many members there were before the schedule scaled up."""
    return max(min(int(step[1:][0]) for step in steps if step[0] == "scale") - 1, 1)


def _settle(r: Random, n: int) -> Step:
    silent = r.randrange((1 << n) - 1) if r.random() < 0.6 else 0
    return (
        "settle",
        silent,
        r.choice((1, 2, 5, 9)),
        r.choice((0, 0, 0, 0, NO_STARTS, NO_STARTS, NO_TRANSFERS)),
    )


def _settle_without_one(r: Random, n: int) -> Step:
    """Mostly for long enough that the policy gives somebody up."""
    away = {r.randrange(n) for _ in range(r.choice((0, 1, 1, 2)))}
    return (
        "settle",
        sum(1 << ordinal for ordinal in away),
        r.choice((2, 9, 20)),
        r.choice((0, 0, 0, NO_STARTS)),
    )


def _some(r: Random, n: int) -> int:
    """Bits of those who are not heard: nobody, often."""
    return r.randrange(1 << n) if r.random() < 0.35 else 0


def _fuse(r: Random) -> int:
    return r.randrange(1, 4) if r.random() < 0.06 else 0


def _sides(r: Random, n: int) -> int:
    return sum(r.choice((0, 0, 1, 2)) << 2 * ordinal for ordinal in range(n))


def _stale(r: Random, n: int) -> Step:
    """Pieces of a round, so that a decision is made on old answers, or executed late."""
    ordinal = r.randrange(n)
    kind = r.randrange(4)
    if kind == 0:
        return ("look", ordinal)
    if kind == 1:
        return ("hear", ordinal, r.randrange(n))
    return ("decide", ordinal)
