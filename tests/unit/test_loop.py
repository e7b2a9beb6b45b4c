"""How often the agent's loop may turn."""

from trireme.agent.loop import Pace


def test_steps_follow_each_other_at_once_and_a_storm_does_not_eat_a_core() -> None:
    pace, now, begun = Pace(0.05, 10), 100.0, []
    for _ in range(110):
        now += pace.wait(now)
        begun.append(now)
    assert begun[:10] == [100.0] * 10
    assert begun[-1] - begun[9] > 4.9


def test_who_was_idle_has_its_burst_again() -> None:
    pace = Pace(0.05, 10)
    assert sum(pace.wait(100.0) for _ in range(20)) > 0
    assert sum(pace.wait(102.0) for _ in range(10)) == 0
