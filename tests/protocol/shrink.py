"""From a failing schedule to a short one that a person can read."""

from collections.abc import Callable
from dataclasses import replace

from tests.protocol.schedules import Schedule, run
from tests.protocol.steps import Step
from tests.protocol.world import Rules, Violation


def failure(schedule: Schedule, rules: Rules | None = None) -> Violation | None:
    try:
        run(schedule, rules)
    except Violation as violation:
        return violation
    return None


def shrink(schedule: Schedule, rules: Rules | None = None) -> Schedule:
    """Remove steps, and simplify those that stay, as long as the same invariant fails."""
    wanted = failure(schedule, rules)
    if wanted is None:
        return schedule

    def fails(steps: tuple[Step, ...]) -> bool:
        found = failure(replace(schedule, steps=steps), rules)
        return found is not None and found.invariant == wanted.invariant

    before: tuple[Step, ...] = ()
    steps = schedule.steps
    while steps != before:
        before = steps
        steps = _simpler(_fewer(steps, fails), fails)
    return replace(schedule, steps=steps)


def _fewer(steps: tuple[Step, ...], fails: Callable[[tuple[Step, ...]], bool]) -> tuple[Step, ...]:
    size = max(len(steps) // 2, 1)
    while size:
        start = 0
        while start < len(steps):
            rest = steps[:start] + steps[start + size :]
            if fails(rest):
                steps = rest
            else:
                start += size
        size //= 2
    return steps


def _simpler(steps: tuple[Step, ...], fails: Callable[[tuple[Step, ...]], bool]) -> tuple[Step, ...]:
    """All arguments after the first stand for complications: 0 is none."""
    for index, step in enumerate(steps):
        for place in range(2, len(step)):
            plain: Step = (*step[:place], 0, *step[place + 1 :])  # type: ignore[assignment]
            changed = (*steps[:index], plain, *steps[index + 1 :])
            if step[place] and step[0] not in ("hear", "hear early", "commit") and fails(changed):
                steps, step = changed, plain  # noqa: PLW2901
    return steps


def story(schedule: Schedule, rules: Rules | None = None) -> str:
    """What happens in a schedule, step by step, and how it ends."""
    lines = [f"{schedule.size} members, from {schedule.begin}"]
    try:
        run(schedule, rules, lines)
    except Violation as violation:
        lines.append(str(violation))
    else:
        lines.append("all is well")
    return "\n".join(lines)
