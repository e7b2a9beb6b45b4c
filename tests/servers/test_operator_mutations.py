"""Every field of the spec, changed on a living cluster: it is in effect, or it is refused in words; reverting recovers.

Fields that do not disturb each other are changed at once. `make test` tries a few of these groups, `make soak-operator`
all; tests/unit/resource/test_spec_changes.py sees to it that no field is left out.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.servers.in_effect import changed, lacking, outcome, picture, put
from tests.servers.operating import Operated, operated
from tests.servers.sandboxed import Kubernetes, wait_until
from tests.servers.spec_changes import BASE, OTHERS, Change, Reach, Stops, reach
from tests.servers.spec_fields import alone, groups, stops

pytestmark = pytest.mark.servers

MOST = int(os.environ.get("TRIREME_TEST_MUTATIONS", "0"))
"""How many groups of each kind; 0 for the few of `make test`."""
SETTLE_SECONDS = 240.0


@pytest.fixture(scope="module")
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": OTHERS},
            "stringData": {"root": "another-root-password", "app": "another-password"},
        }
        made.kubectl("apply", "-f", "-", stdin=json.dumps(secret))
        made.declare(**BASE)
        made.wait_settled()
        made.sql("CREATE TABLE kept (id INT PRIMARY KEY)", "INSERT INTO kept VALUES (42)")
        yield made


def ended(demo: Operated, what: str) -> str:
    reached: list[str] = []

    def probe() -> bool:
        reached[:] = [outcome(demo)]
        return True

    wait_until(probe, what, SETTLE_SECONDS)
    return reached[0]


def few(reaches: Reach) -> list[Change]:
    every = [each for each in groups() if reach(each.spec) is reaches]
    return every[: MOST or 1]


def wait_in_effect(demo: Operated, change: Change) -> str:
    """Why it is not; '' when it is."""
    try:
        said = ended(demo, f"{change.names} is in effect, refused, or stopped with the reason")
    except AssertionError as error:
        return str(error)
    if said:
        return said
    last: list[str] = []

    def probe() -> bool:
        last[:] = [lacking(demo)]
        return not last[0]

    try:
        wait_until(probe, "it is in effect", 60)
    except AssertionError as error:
        return last[0] if last else str(error)
    return ""


def revert(demo: Operated, history: str, before: dict[str, object]) -> None:
    """Everything is as it was: the objects to the letter, the history, the data."""
    assert put(demo, BASE) == ""
    assert ended(demo, "it is reverted") == ""
    assert demo.wait_synced() == history
    wait_until(lambda: not lacking(demo) or _raise(lacking(demo)), "what was is in effect again", 60)
    wait_until(
        lambda: not changed(before, picture(demo)) or _raise(changed(before, picture(demo))),
        "all is as it was",
        60,
    )
    assert kept(demo)


def _raise(what: object) -> bool:
    raise LookupError(what)


def kept(demo: Operated) -> bool:
    return all(demo.sql_in(pod, "SELECT id FROM kept") == [(42,)] for pod in demo.pods())


def culprits(
    demo: Operated, change: Change, why: str, before: tuple[str, dict[str, object]]
) -> Iterator[str]:
    """The values of a group that fail alone, and each one's reason; of those that fail only together, all."""
    found: list[str] = []
    for half in change.halves() if len(change.values) > 1 else ():
        failed = put(demo, half.spec) or wait_in_effect(demo, half)
        revert(demo, *before)
        if failed:
            found += culprits(demo, half, failed, before)
    yield from found or [f"{change.names}: {why}"]


def tries(demo: Operated, change: Change) -> None:
    before = demo.resource()["status"]["clusterUUID"], picture(demo)
    pods = demo.uids()
    why = put(demo, change.spec) or wait_in_effect(demo, change)
    if why:
        revert(demo, *before)
        raise AssertionError("\n".join(culprits(demo, change, why, before)))
    if change.spec.get("hibernate") is not True:
        assert kept(demo)
    after = {name: uid for name, uid in demo.uids().items() if name in pods}
    restarted = {name for name in pods if after.get(name) != pods[name]}
    match reach(change.spec):
        case Reach.MEMBERS:
            assert restarted == set(pods)
        case Reach.NOBODY:
            assert changed(before[1], picture(demo)) == []
        case _ if not change.spec.get("hibernate"):
            assert not restarted
    revert(demo, *before)


@pytest.mark.parametrize("change", [*few(Reach.OBJECTS), *few(Reach.NOBODY), *few(Reach.MEMBERS)], ids=str)
def test_changes_are_in_effect_and_reverting_recovers(demo: Operated, change: Change) -> None:
    tries(demo, change)


@pytest.mark.parametrize(
    "change", [each for each in alone() if MOST or str(each) == "primary.podIndex"], ids=str
)
def test_a_change_that_needs_the_cluster_for_itself(demo: Operated, change: Change) -> None:
    tries(demo, change)
    wanted = change.spec.get("rebuild")
    if wanted:
        found = demo.resource()["status"]["rebuild"]
        assert found["request"] == wanted["request"]
        assert found["phase"] == ("Done" if wanted["podIndex"] < 3 else "Refused"), found


def chains() -> list[list[Stops]]:
    every = stops()
    if not MOST:
        return [[each for each in every if str(each.change) in ("envFrom", "nodeSelector")]]
    return [every[start : start + 5] for start in range(0, len(every), 5)][:MOST]


@pytest.mark.parametrize("chain", chains(), ids=lambda chain: str(chain[0].change))
def test_what_cannot_be_stops_with_the_reason_and_reverting_recovers(
    demo: Operated, chain: Sequence[Stops]
) -> None:
    """One after the other, each put while the one before is stuck."""
    history, before, failed = demo.resource()["status"]["clusterUUID"], picture(demo), []
    for each in chain:
        said: list[str] = []

        def stopped(each: Stops = each, said: list[str] = said) -> bool:
            said[:] = [outcome(demo)]
            return each.words in said[0] and said[0] != ""

        try:
            refused = put(demo, each.change.spec)
            if refused:
                assert each.words in refused
            else:
                wait_until(stopped, f"{each.change.names} is refused or stops", 90)
                assert demo.condition("Ready")["status"] == "True"
        except AssertionError as error:
            failed.append(f"{error} {said}")
        sys.stdout.write(f"{each.change.names} -> {said}\n")
    revert(demo, history, before)
    assert not failed
