"""The role labels of pods, which lead clients to the writer: who is to be labelled what, and in which order."""

from collections.abc import Iterable, Mapping

from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.report import Phase, Report, WriterClaim
from trireme.core.health import role
from trireme.core.writer import in_same_component

ASSERT_SECONDS = 30.0
"""The writer sets everyone's label anew that often: members may not read labels, and a person may have changed one."""

LOOK_SECONDS = 5.0
"""The same while Kubernetes does not lead clients to the writer: the answers tell whether it does by now. And the first
time in each term: labels that the former writer was about to set may arrive after the new one's."""


def wanted_labels(
    me: Report,
    others: Iterable[int],
    predecessor: int | None,
    answers: Mapping[int, Report],
    *,
    label: str | None = None,
) -> list[tuple[str, str]]:
    """``(pod, role)`` in the order in which to label. ``others``: the ordinals of all other members.

    ``label`` is the one that this member set last on its own pod, ``answers`` what the others say just now.

    A predecessor that serves and knows who succeeds it keeps its label until the new writer has one: between the
    two, clients would be led nowhere, and a node's proxy that saw that moment keeps to it for a second. From any
    other, which may be dead or frozen, the new writer takes the label first; from everybody, where it does not know
    who that was, as after a crash of all. A member without a server is led no clients: its label waits, so that a
    crash of all is recovered from first.
    """
    if role(me) != PRIMARY:
        if me.server is None or _waits_for_its_successor(me, answers, label):
            return []
        return [(me.name, SECONDARY)]
    cluster = me.name.rpartition("-")[0]
    before = [
        (f"{cluster}-{o}", SECONDARY) for o in (sorted(others) if predecessor is None else [predecessor])
    ]
    mine = (me.name, PRIMARY)
    if predecessor is not None and _hands_over(answers.get(predecessor), me):
        return [mine, *before]
    return [*before, mine]


def _hands_over(predecessor: Report | None, me: Report) -> bool:
    """It is well, in the same Primary, and its role is planned to be mine: both take writes for a moment."""
    if predecessor is None or predecessor.server is None or predecessor.phase is Phase.BLOCKED:
        return False
    knows = predecessor.heir == me.ordinal or predecessor.leaving or predecessor.writer == me.writer
    return knows and predecessor.server.serving and in_same_component(me, predecessor)


def _waits_for_its_successor(me: Report, answers: Mapping[int, Report], label: str | None) -> bool:
    """Clients are led to this former writer, or leaving one, until they are led to the next."""
    if label != PRIMARY or not me.primary or me.phase is Phase.BLOCKED or me.writer is None:
        return False
    if me.writer.ordinal == me.ordinal:
        return me.leaving
    successor = answers.get(me.writer.ordinal)
    return successor is not None and successor.unrouted


def in_doubt(
    me: Report, claim: WriterClaim | None, age: float, *, stranded: bool = False, first: bool = False
) -> bool:
    """Whether labels that this member set ``age`` seconds ago, under ``claim``, may have been changed since.

    The writer of another term changes those of members that hear nothing of it. ``stranded``: as in
    :func:`trireme.core.switchover.stranded`. ``first``: they were not set anew yet in this term.
    """
    every = LOOK_SECONDS if stranded or first else ASSERT_SECONDS
    return me.writer != claim or (role(me) == PRIMARY and age >= every)
