"""docs/situations.md, from the rows that the tests of the core run: no row is shown that is not tested."""

import re
from collections.abc import Iterable

from tests.unit.core import test_directory, test_election, test_election_terms
from tests.unit.core.builders import HISTORY, OTHER_HISTORY, Builder, answers

from trireme.api.position import Position
from trireme.api.report import Report
from trireme.core.directory import judge
from trireme.core.election import Elect, Hopeless, Outcome, Split, Wait, elect, names
from trireme.core.terms import Terms

SHORT = {HISTORY: "A", OTHER_HISTORY: "B"}
"""Of the tests' histories, so that a line stays readable."""

HEAD = """\
<!-- Generated from tests/unit/core by `make generate`. Do not edit. -->
# The named situations

Who may bootstrap, and what a data directory is: each row is run by a test, and what it decides is printed here by the
code that decides. The words are those of [How members decide](protocol.md). Histories are called A and B; *view 3: 0 1
2* is the last view that a member belonged to, with the seqno at which it began. Whoever is not listed is silent.
"""


def situations() -> str:
    """The whole document."""
    terms = test_election_terms
    parts = [
        HEAD,
        *_elections("Three declared members, all named by the SRV record", _plain()),
        *_elections("The first bootstrap ever: settings, the SRV record, the operator's word", terms.FIRST),
        *_elections("Who was alone hears the others first", terms.HEARD_FIRST),
        *_elections("Somebody is missing: the policy, and how long", terms.MISSING),
        *_elections("After the cluster went on without somebody", terms.AFTER_A_GAP),
        *_elections("A person's word", terms.BY_WORD),
        *_directories(),
    ]
    return "\n".join(parts) + "\n"


def _plain() -> Iterable[tuple[str, Terms, list[Builder]]]:
    return [(row[0], test_election.TERMS, row[1]) for row in test_election.SITUATIONS]


def _elections(title: str, rows: Iterable[tuple[object, ...]]) -> Iterable[str]:
    yield f"\n## {title}\n"
    yield "| situation | who answers | decision | why |\n|---|---|---|---|"
    for name, terms, members, *_ in rows:
        assert isinstance(terms, Terms)
        assert isinstance(members, list)
        outcome = elect(answers(*members), terms)
        who = "; ".join(_member(builder.report) for builder in members)
        yield _row(re.sub(r" \(FIELD-FAILURES [^)]*\)", "", str(name)), who, _decision(outcome), outcome.why)


def _directories() -> Iterable[str]:
    yield "\n## What a data directory is\n"
    yield "| evidence | directory | position | why |\n|---|---|---|---|"
    for name, evidence, *_ in test_directory.FINDINGS:
        found = judge(evidence, engine_asked=True)
        yield _row(name, found.directory, _position(found.position), found.why)


def _member(report: Report) -> str:
    state = str(report.directory)
    if report.running:
        state = "runs, Primary" if report.primary else "runs, no Primary"
    elif report.unsettled:
        state = "position not known yet"
    at = f" at {_position(report.position)}" if report.position is not None else ""
    view = report.last_view
    seen = f", view {view.seqno}: {' '.join(map(str, view.members))}" if view is not None else ""
    through = f", came through the gap at {report.gaps[0].position.seqno}" if report.gaps else ""
    word = f", told by {report.override.by or 'somebody'}" if report.override is not None else ""
    left = ", left a Primary in order" if report.left else ""
    joining = ", joining" if report.joining else ""
    joining += f", could not start its server ({report.faults})" if report.faults else ""
    return f"{report.ordinal} {state}{at}{seen}{joining}{left}{through}{word}"


def _position(position: Position | None) -> str:
    if position is None:
        return "-"
    return f"{SHORT.get(position.uuid, '')}{':' if position.uuid in SHORT else ''}{position.seqno}"


def _decision(outcome: Outcome) -> str:
    match outcome:
        case Elect(candidate=candidate, electorate=electorate):
            return f"member {candidate} bootstraps, with the grants of {_plain_names(electorate)}"
        case Wait(members=members):
            return f"wait for {names(members)}" if members else "wait"
        case Split():
            return "blocked: two histories"
        case Hopeless():
            return "blocked: nobody has data that may be bootstrapped"


def _plain_names(ordinals: tuple[int, ...]) -> str:
    return " ".join(map(str, ordinals))


def _row(*cells: str) -> str:
    text = " | ".join(cell.replace("|", "\\|") for cell in cells)
    for uuid, letter in SHORT.items():
        text = text.replace(uuid, letter)
    return f"| {text} |"
