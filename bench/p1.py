"""P1: from nothing to three members, Synced and ready."""

import time
from dataclasses import dataclass

from bench.network import free_net
from bench.product import Line, Sandbox, moment
from bench.recipe import Milestones, Recipe
from bench.run import Result, Row, Run, Table
from bench.series import Series, ratio

TITLE = "P1: from nothing to three members"
WHAT = """\
`kubectl apply -k deploy/plain` on a running sandbox until three pods are ready (each member Primary and Synced).
Floor: a hand-made recipe with the same programs and server configuration, which knows the addresses and who
bootstraps: `mariadb-install-db`, time zones, accounts, bootstrap, then one joiner after the other by mariabackup,
each as soon as the last is Synced. No pods, no agents, no API. Twice: with the 10 s that Debian's transfer script
makes each donor sleep cut to 0.2 s, as Trireme does (*sleep-free*), and with Debian's script as it is."""

STAGES = (
    "kubectl, pods, init containers, agents start",
    "members find each other and elect",
    "first data directory",
    "first member Synced",
    "second member Synced",
    "third member Synced",
    "the API says ready",
)


@dataclass(frozen=True, slots=True)
class Round:
    """Durations of :data:`STAGES` in seconds; None where the recipe has no such stage."""

    total: float
    stages: tuple[float | None, ...]


def measure(run: Run) -> Result:
    ours: list[Round] = []
    quick: list[Round] = []
    debian: list[Round] = []
    for number in run.repeat():
        ours.append(_product(run))
        quick.append(_recipe(run, debian_sleep=False))
        debian.append(_recipe(run, debian_sleep=True))
        run.say(
            f"P1 round {number + 1}: Trireme {ours[-1].total:.1f} s; hand-made, sleep-free {quick[-1].total:.1f} s; "
            f"hand-made, Debian's script {debian[-1].total:.1f} s"
        )
    return Result(TITLE, WHAT, (_totals(ours, quick, debian), _stages(ours, quick)))


def _product(run: Run) -> Round:
    with Sandbox(run.place("p1")) as sandbox:
        begun = time.time()
        total = sandbox.form()
        return Round(total, _durations(sandbox.logs(), begun, begun + total))


def _recipe(run: Run, *, debian_sleep: bool) -> Round:
    with Recipe(run.place("p1-recipe"), free_net(), debian_sleep=debian_sleep) as recipe:
        marks: Milestones = recipe.form()
    ends = (marks.directory, *marks.synced)
    steps = tuple(end - start for start, end in zip((0.0, *ends), ends, strict=False))
    return Round(ends[-1], (None, None, *steps, None))


def _durations(lines: list[Line], begun: float, ended: float) -> tuple[float, ...]:
    """From the agents' own words. Raises ValueError where a log lacks a milestone."""

    synced = sorted(
        {line.pod: line.at for line in reversed(lines) if "ready for connections" in line.text}.values()
    )
    ends = (
        moment(lines, "trireme.agent: agent of", 3),
        moment(lines, "trireme.agent: Initializing", 1),
        moment(lines, "started mariadbd", 1),
        *synced,
        ended,
    )
    return tuple(end - start for start, end in zip((begun, *ends), ends, strict=False))


def _totals(ours: list[Round], quick: list[Round], debian: list[Round]) -> Table:
    mine = Series.of(each.total for each in ours)
    rows = []
    for name, others in (("sleep-free recipe", quick), ("recipe with Debian's script", debian)):
        floor = Series.of(each.total for each in others)
        rows.append(Row(f"seconds, against the {name}", mine, floor, ratio(mine, floor)))
    return Table("Trireme", "hand-made", tuple(rows))


def _stages(ours: list[Round], quick: list[Round]) -> Table:
    rows = []
    for number, name in enumerate(STAGES):
        mine = Series.of(each.stages[number] or 0.0 for each in ours)
        theirs = [stage for each in quick if (stage := each.stages[number]) is not None]
        floor = Series.of(theirs) if theirs else None
        rows.append(Row(name, mine, floor, ratio(mine, floor) if floor else None))
    return Table("Trireme, seconds", "hand-made, sleep-free", tuple(rows))
