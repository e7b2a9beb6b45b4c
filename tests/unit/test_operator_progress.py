"""Since when members show no progress, and why they have no pod."""

from typing import Any

from tests.unit.core.builders import answers, member
from trireme.adapters.cluster_api import Object, RefusedError
from trireme.operator.progress import Progress
from trireme.operator.uncreated import AGAIN_SECONDS, MISSING_SECONDS, Uncreated, said

LONG = MISSING_SECONDS + 1


def test_what_stands_still_is_counted_and_what_moves_is_not() -> None:
    progress, pods = Progress(), {0: "a", 1: "b"}
    assert progress.unmoved(0.0, pods, answers(member(0).clean(1), member(1).clean(1)), ()) == {
        0: 0.0,
        1: 0.0,
    }
    assert progress.unmoved(5.0, pods, answers(member(0).clean(1), member(1).clean(2)), ()) == {
        0: 5.0,
        1: 0.0,
    }
    assert progress.unmoved(9.0, pods, answers(member(1).clean(2)), ()) == {0: 9.0, 1: 4.0}, (
        "silence is nothing new"
    )


def test_a_new_pod_begins_anew_before_it_answers() -> None:
    """Nobody wrote for an hour, and a member is restarted: its new pod is not late by an hour."""
    progress = Progress()
    progress.unmoved(0.0, {0: "a"}, answers(member(0).clean(1)), ())
    assert progress.unmoved(3600.0, {0: "b"}, {}, ()) == {0: 0.0}
    assert progress.unmoved(3607.0, {0: "b"}, {}, ()) == {0: 7.0}


def test_a_member_without_a_pod_is_counted_too() -> None:
    progress = Progress()
    progress.unmoved(0.0, {0: "a"}, answers(member(0).clean(1)), ())
    assert progress.unmoved(60.0, {}, {}, (0,)) == {0: 0.0}
    assert progress.unmoved(90.0, {}, {}, (0,)) == {0: 30.0}
    assert progress.unmoved(91.0, {0: "b"}, {}, ()) == {0: 0.0}


def event(at: str, pod: str, why: str) -> dict[str, Any]:
    return {"lastTimestamp": at, "message": f"create Pod {pod} in StatefulSet demo failed error: {why}"}


def test_the_latest_word_about_each_pod_counts() -> None:
    told = [event("2026-01-01T00:00:02Z", "demo-2", "new"), event("2026-01-01T00:00:01Z", "demo-2", "old")]
    assert said([*told, event("", "demo-x", "other")], "demo") == {2: "new"}


class Api:
    def __init__(self, *answers: Object | RefusedError) -> None:
        self.answers = list(answers)

    async def get(self, path: str, parameters: list[tuple[str, str]]) -> Object:
        answer = self.answers.pop(0)
        if isinstance(answer, RefusedError):
            raise answer
        return answer


async def test_nobody_is_asked_in_peace_and_in_a_restart() -> None:
    uncreated = Uncreated(Api(), "d", "demo")
    assert await uncreated.words({}, "u") == {}
    assert await uncreated.words({2: MISSING_SECONDS}, "u") == {}


async def test_it_is_asked_now_and_then_and_forgotten_when_all_have_pods() -> None:
    assert AGAIN_SECONDS > 1
    api = Api({"items": [event("1", "demo-2", "no PriorityClass with name abc")]})
    uncreated = Uncreated(api, "d", "demo")
    expected = {2: "no PriorityClass with name abc"}
    assert [await uncreated.words({2: LONG}, "u") for _ in range(2)] == [expected, expected]
    assert await uncreated.words({}, "u") == {}


async def test_where_events_may_not_be_read_nothing_is_known() -> None:
    uncreated = Uncreated(Api(RefusedError("server", "/", 403, "no")), "d", "demo")
    assert await uncreated.words({2: LONG}, "u") == {}
