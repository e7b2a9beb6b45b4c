"""What a person asks for once: the writer's role for a member, a new copy of the data for a member, live variables."""

from collections.abc import Iterator

from trireme.api.names import PRIMARY, SECONDARY
from trireme.core.reconcile.actions import Action, AskRebuild, AskVariables, ClusterPhase, Label, Step
from trireme.core.reconcile.facts import (
    MISLED_SECONDS,
    heir,
    led_elsewhere,
    misled,
    podless,
    synced,
    trouble,
    writer,
)
from trireme.core.reconcile.members import hand_over
from trireme.core.reconcile.seen import RebuildWanted, View


def variables(view: View) -> Iterator[Action]:
    """Every server that answers has the wanted values."""
    wanted = view.wanted.variables
    for ordinal, report in sorted(view.reports.items()):
        pod = view.pods.get(ordinal)
        if report.server is None or report.leaving or pod is None or pod.terminating:
            continue
        missing = {name: value for name, value in wanted.items() if report.variables.get(name) != value}
        if missing:
            yield AskVariables(ordinal, missing)


def labels(view: View) -> Iterator[Action]:
    """For agents that cannot: the writer's first, as clients are better led to two than to nobody."""
    now = misled(view)
    if now is None or view.misled < MISLED_SECONDS or view.pods[now].terminating:
        return
    if view.pods[now].role != PRIMARY:
        yield Label(view.pods[now].name, view.pods[now].uid, PRIMARY)
        return
    for pod in view.pods.values():
        if pod.ordinal != now and pod.role == PRIMARY:
            yield Label(pod.name, pod.uid, SECONDARY)


def switchover(view: View) -> Step | None:
    """spec.primary.podIndex, once for each new value. A later failover stays where it went."""
    wanted = view.wanted
    to = wanted.primary
    if to is None or to == wanted.primary_done:
        return None
    phase = ClusterPhase.SWITCHING_OVER
    now = writer(view)
    if now is None:
        return None
    if now == to:
        elsewhere = led_elsewhere(view, now)
        if elsewhere is not None:
            return Step(phase=phase, why=elsewhere, again=0.5)
        return Step(phase=phase, why=f"member {to} is the writer", again=0.1, primary_done=to)
    if not synced(view, to):
        pod = view.pods.get(to)
        said = trouble(view, pod) if pod is not None else podless(view, to)
        return Step(phase=phase, why=f"member {to} becomes the writer once it is Synced: {said}", again=1.0)
    return hand_over(view, now, to, phase)


def rebuild(view: View) -> Step | None:
    """spec.rebuild, once for each new word, while all others are Synced."""
    wanted = view.wanted.rebuild
    if wanted is None:
        return None
    seen = view.wanted.rebuild_seen
    if seen is None or seen.request != wanted.request:
        return _begin(view, wanted)
    return _go_on(view, wanted) if seen.phase == "Running" else None


def _begin(view: View, wanted: RebuildWanted) -> Step:
    phase, ordinal = ClusterPhase.REBUILDING, wanted.ordinal
    refused = _refused(view, ordinal)
    if refused is not None:
        return Step(phase=phase, why=refused, rebuild=("Refused", refused))
    report = view.reports.get(ordinal)
    if report is None:
        return Step(phase=phase, why=f"member {ordinal} is rebuilt once its agent answers")
    if report.rebuilding or report.rebuild_id == _id(view, wanted):
        why = f"member {ordinal} takes a new copy of the data"
        return Step(phase=phase, why=why, rebuild=("Running", why), again=0.2)
    others = {o for o in view.pods if o != ordinal}
    away = sorted(o for o in others if not synced(view, o))
    if away or not others:
        said = trouble(view, view.pods[away[0]]) if away else "they have no pods"
        return Step(phase=phase, why=f"member {ordinal} is rebuilt once all others are Synced: {said}")
    best = heir(view, others)
    if writer(view) == ordinal and best is not None:
        return hand_over(view, ordinal, best, phase)
    why = f"asks member {ordinal} to take a new copy of the data" + view.refused("rebuild")
    asks = AskRebuild(ordinal, wanted.request, _id(view, wanted))
    return Step(phase=phase, why=why, actions=(asks,), again=1.0)


def _id(view: View, wanted: RebuildWanted) -> str:
    """An operator that died before it wrote down that it asked would ask again, when all is done already."""
    return f"{view.wanted.uid}/{view.wanted.generation}/{wanted.request}"


def _refused(view: View, ordinal: int) -> str | None:
    if ordinal >= view.wanted.replicas:
        return f"there is no member {ordinal}: the cluster has {view.wanted.replicas}"
    if view.wanted.replicas < 2:
        return "a single member has nobody to take a copy of the data from"
    return None


def _go_on(view: View, wanted: RebuildWanted) -> Step:
    """The agent has taken the request on, and the status says so: its report tells when it is done."""
    phase, ordinal = ClusterPhase.REBUILDING, wanted.ordinal
    report, gone = view.reports.get(ordinal), _refused(view, ordinal)
    if gone is not None and ordinal not in view.pods:
        return Step(phase=phase, why=gone, rebuild=("Failed", gone))
    if report is None:
        return Step(phase=phase, why=f"waits for member {ordinal} to answer", again=1.0)
    if report.rebuilding or not synced(view, ordinal):
        return Step(phase=phase, why=f"member {ordinal} is {report.phase}: {report.why}", again=1.0)
    why = f"member {ordinal} is Synced with a new copy of the data"
    return Step(phase=phase, why=why, rebuild=("Done", why), again=0.2)
