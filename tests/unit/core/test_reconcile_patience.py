"""Which warnings are said at once, and which only if they last."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.core.builders import gap
from tests.unit.core.reconciling import Cluster, cluster
from trireme.core.reconcile.events import Reason, of_change
from trireme.core.reconcile.patience import Held, Refusals, refused, say
from trireme.core.reconcile.status import Told, status


def said(seen: Cluster) -> dict[str, Any]:
    return status(seen.view, seen.decide(), Told(history=seen.view.wanted.history), "image", "selector")


PEACE = said(cluster())
MOVES = said(cluster().report(0, unrouted=True))
SWITCHES = said(cluster().wanting(primary=1).report(0, heir=1).pod(0, role=""))
FAILED = said(cluster().all_down())
LONELY = said(cluster().down(1).down(2))
GAP = said(cluster().down(1).down(2).report(0, gaps=(gap(7, 2),)))
UNSCHEDULED = said(cluster().all_down().pod(0, trouble="no node takes its pod: 0/3 nodes are available"))
UNSCHEDULED_YET = said(cluster().all_down().pod(0, trouble="no node takes its pod: Insufficient cpu"))


def story(*looks: tuple[float, Mapping[str, Any]]) -> list[Reason]:
    """What is said of these statuses at these seconds, after peace."""
    before: Mapping[str, Any] = PEACE
    held: Held = {}
    reasons: list[Reason] = []
    for now, after in looks:
        new, held = say(of_change(before, after), held, after, now)
        reasons += [event.reason for event in new]
        before = after
    return reasons


@pytest.mark.parametrize("planned", [MOVES, SWITCHES], ids=["by the members", "by the operator"])
def test_a_writer_that_moves_for_a_moment_is_no_warning(planned: dict[str, Any]) -> None:
    """Seen at every second planned switchover on a real Kubernetes."""
    assert story((0.0, planned), (0.8, PEACE)) == []
    assert story((0.0, planned), (5.0, planned), (11.0, planned)) == [Reason.NOT_READY]
    assert story((0.0, planned), (11.0, planned), (12.0, PEACE)) == [Reason.NOT_READY, Reason.READY]


def test_it_is_said_once() -> None:
    assert story((0.0, MOVES), (11.0, MOVES), (30.0, MOVES)) == [Reason.NOT_READY]


def test_an_outage_is_said_at_once() -> None:
    assert story((0.0, FAILED))[0] is Reason.NOT_READY


def test_a_pod_that_is_not_scheduled_for_a_moment_is_no_warning() -> None:
    """Seen on a real Kubernetes: the scheduler had not heard of the new claim yet."""
    assert Reason.BLOCKED not in story((0.0, UNSCHEDULED), (1.0, FAILED), (20.0, FAILED))
    assert story((0.0, UNSCHEDULED), (5.0, UNSCHEDULED), (11.0, UNSCHEDULED))[-1] is Reason.BLOCKED


def test_one_copy_for_a_moment_is_no_warning() -> None:
    """As members join one after the other when a whole cluster comes back, or leave when it goes to sleep."""
    assert story((0.0, LONELY), (4.0, PEACE)) == []
    assert Reason.DATA_AT_RISK in story((0.0, LONELY), (11.0, LONELY))


def test_what_is_worse_than_one_copy_is_said_at_once() -> None:
    assert story((0.0, LONELY), (1.0, GAP)) == [Reason.DATA_AT_RISK]


def test_what_lasts_is_said_as_it_is_by_then() -> None:
    new, held = say(of_change(PEACE, UNSCHEDULED), {}, UNSCHEDULED, 0.0)
    new, held = say(of_change(UNSCHEDULED, UNSCHEDULED_YET), held, UNSCHEDULED_YET, 11.0)
    assert [event.message for event in new] == ["member 0: no node takes its pod: Insufficient cpu"]
    assert held == {}


def refusals(*at: float) -> Refusals:
    found: Refusals | None = None
    for now in at:
        found = refused(found, now)
    assert found is not None
    return found


def test_a_refusal_is_said_only_if_it_lasts() -> None:
    assert not refusals(0.0).lasts
    assert not refusals(0.0, 1.0, 3.0, 7.0).lasts
    assert refusals(0.0, 1.0, 3.0, 7.0, 15.0).lasts
    assert not refusals(0.0, 100.0).lasts, "another story"
