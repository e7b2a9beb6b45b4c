"""Members as they are seen from outside: ``synced(0)``, ``waiting(2)``, ``broken(1, "CrashLoopBackOff")``."""

from dataclasses import replace

from tests.unit.core.builders import HISTORY, Builder, member
from trireme.api.report import Phase
from trireme.core.cluster_seen import Answer, Cluster, Member, Outlook, Pod
from trireme.core.retiring import MIB, measure
from trireme.core.terms import Terms

RUNNING = Pod(state="Running", running=True, ready=True, node="node-1", address="10.0.0.1")
UNREADY = replace(RUNNING, ready=False)
TERMS = Terms(declared=3, named=(0, 1, 2))


def answering(
    builder: Builder,
    phase: Phase,
    why: str,
    *,
    role: str = "secondary",
    ready: bool = False,
    hears: tuple[int, ...] = (0, 1, 2),
    patience: float | None = None,
) -> Member:
    report = replace(builder.report, phase=phase, why=why, ready=ready)
    return Member(
        name=report.name,
        ordinal=report.ordinal,
        pod=RUNNING if ready else UNREADY,
        answer=Answer(
            report=report,
            role=role,
            outlook=Outlook(
                heard={str(o): Phase.WAITING for o in hears if o != report.ordinal},
                terms=TERMS,
                patience=patience,
                patience_left=patience,
                unchanged=300.0,
            ),
        ),
    )


def synced(
    ordinal: int, *, seqno: int = 1234, size: int = 3, writer: int = 0, history: str = HISTORY
) -> Member:
    """In a Primary of the members 0 to ``size``-1."""
    builder = member(ordinal).primary(seqno=seqno, size=size, history=history)
    builder = builder.in_view(17, *range(size), history=history)
    writes = ordinal == writer
    duty = "takes the writes" if writes else f"follows writer {writer}"
    role = "primary" if writes else "secondary"
    return answering(builder, Phase.SYNCED, f"Synced in a Primary of {size}: {duty}", role=role, ready=True)


def waiting(ordinal: int, why: str = "member 2 of the latest view may hold newer data") -> Member:
    """It stopped in order, in a view of 0, 1 and 2, and no Primary lives."""
    return answering(member(ordinal).clean(1200).in_view(17, 0, 1, 2), Phase.WAITING, why)


def without_room(ordinal: int) -> Member:
    """It left the group before its full volume would have stalled the others."""
    seen = waiting(ordinal, "its data volume has 1 MiB free of 100 MiB, and needs 5 MiB")
    assert seen.answer is not None
    report = replace(seen.answer.report, disk=measure(MIB, 100 * MIB, None))
    return replace(seen, answer=replace(seen.answer, report=report))


def fresh(ordinal: int) -> Member:
    return answering(member(ordinal), Phase.WAITING, "a new cluster needs all 3 members; member 2 silent")


def joining(ordinal: int) -> Member:
    return answering(
        member(ordinal).starting(), Phase.TRANSFERRING, "receives a state transfer (12.3 MiB so far)"
    )


def blocked(ordinal: int) -> Member:
    return answering(member(ordinal).clean(9), Phase.BLOCKED, "split history, a person must choose")


def silent(ordinal: int) -> Member:
    return Member(name=f"demo-{ordinal}", ordinal=ordinal, pod=RUNNING, silence="connection refused")


def broken(ordinal: int, state: str, message: str = "", container: str = "") -> Member:
    pod = Pod(state=state, running=False, ready=False, message=message, container=container)
    return Member(name=f"demo-{ordinal}", ordinal=ordinal, pod=pod)


def missing(ordinal: int) -> Member:
    return Member(name=f"demo-{ordinal}", ordinal=ordinal)


def cluster(*members: Member, wanted: int | None = 3) -> Cluster:
    return Cluster(name="demo", namespace="default", wanted=wanted, members=members)
