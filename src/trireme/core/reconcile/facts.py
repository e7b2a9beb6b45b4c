"""What can be told from a view, and what cannot: serving, stopped, calm. Silence is neither (invariant 5)."""

from collections.abc import Collection, Iterator

from trireme.api.names import PRIMARY
from trireme.api.report import Phase, Report, UpgradeState
from trireme.core.reconcile.seen import BUSY, PodSeen, View

MISLED_SECONDS = 10.0
"""The agents label their pods in a fraction of a second. After so long they cannot (their ServiceAccount was made anew
and its old tokens are void, say): the operator does it, and goes by the labels."""


def misled(view: View) -> int | None:
    """The writer that says that clients are not led to it, or from whom labels lead them away; None where all is well."""
    now = writer(view)
    if now is None or now not in view.pods or now not in view.reports:
        return None
    labelled = {pod.ordinal for pod in view.pods.values() if pod.role == PRIMARY}
    return now if view.reports[now].unrouted or labelled != {now} else None


def declared(view: View) -> range:
    """The ordinals that the StatefulSet asks for now."""
    return range(view.set.replicas if view.set is not None else 0)


def serves(view: View, ordinal: int) -> bool:
    """Has current data, by its own word and in the eyes of Kubernetes, and is not on its way out. A donor does too."""
    pod, report = view.pods.get(ordinal), view.reports.get(ordinal)
    return (
        pod is not None
        and pod.ready
        and not pod.terminating
        and report is not None
        and report.server is not None
        and report.server.serving
        and not report.leaving
        and not report.rebuilding
    )


def synced(view: View, ordinal: int) -> bool:
    """Serves, and gives nobody a state transfer."""
    server = view.reports[ordinal].server if serves(view, ordinal) else None
    return server is not None and server.synced


def is_slow(view: View, ordinal: int) -> bool:
    """Makes the others' writes wait for it."""
    server = view.reports[ordinal].server
    return server is not None and server.slow


def stopped(view: View, ordinal: int) -> bool:
    """Proved to run no server and to be in the middle of nothing. Replacing its pod interrupts nothing."""
    pod, report = view.pods.get(ordinal), view.reports.get(ordinal)
    if pod is None or pod.terminating:
        return False
    if not pod.running:
        return bool(pod.trouble) or not pod.node
    return report is not None and not report.running and report.phase not in BUSY


def has_settings(view: View, ordinal: int) -> bool:
    """Runs with what takes a restart, and has nothing set live that is wanted no more: only a restart undoes that.

    (SET GLOBAL … = DEFAULT would bring the server's default back, not Trireme's.)
    """
    report = view.reports.get(ordinal)
    extra = report is not None and not report.variables.keys() <= view.wanted.variables.keys()
    return view.pods[ordinal].hash == view.wanted.restart_hash and not extra


def primaries(view: View) -> dict[int, Report]:
    """Who says that its server is in a Primary Component."""
    return {ordinal: report for ordinal, report in view.reports.items() if report.primary}


def histories(view: View) -> set[str]:
    """Uuids of the Primaries that live: more than one is a split."""
    return {r.server.uuid for r in primaries(view).values() if r.server is not None and r.server.uuid}


def writer(view: View) -> int | None:
    """The holder of the highest claim among those in the Primary; None where nobody who answers knows one."""
    claims = [report.writer for report in primaries(view).values() if report.writer is not None]
    latest = max(claims, key=lambda claim: (claim.term, -claim.ordinal), default=None)
    return latest.ordinal if latest is not None else None


def led_elsewhere(view: View, ordinal: int) -> str | None:
    """Why clients are not led to member ``ordinal`` alone yet; None where they are."""
    labelled = {pod.ordinal for pod in view.pods.values() if pod.role == PRIMARY}
    report = view.reports.get(ordinal)
    if report is not None and report.unrouted and view.misled < MISLED_SECONDS:
        return f"member {ordinal} takes the writes, and clients are not led to it yet"
    if labelled != {ordinal}:
        led = ", ".join(map(str, sorted(labelled))) or "nobody"
        return f"clients that write are led to {led} and should be to member {ordinal}"
    return None


def served_by(view: View) -> int | None:
    """The writer that clients are led to and that is ready; None where there is none for sure."""
    now = writer(view)
    if now is None or now not in view.pods or not view.pods[now].ready:
        return None
    return now if led_elsewhere(view, now) is None else None


def lame(view: View, ordinal: int) -> bool:
    """Its server is Synced, and Kubernetes leads nobody to it, for a container of its pod that is not ready."""
    pod, report = view.pods[ordinal], view.reports.get(ordinal)
    synced_itself = report is not None and report.server is not None and report.server.synced
    return bool(pod.beside) and pod.running and not pod.ready and not pod.terminating and synced_itself


def unrest(view: View, besides: Collection[int] = ()) -> str | None:
    """Why no member may be taken away now; None when every one of them is there and Synced.

    ``besides``: members that are lame, and are to be taken away for that.
    """
    if view.set is None or view.set.terminating or not view.set.observed:
        return "the StatefulSet is not settled"
    return next(_troubles(view, besides), None)


def _troubles(view: View, besides: Collection[int]) -> Iterator[str]:
    for ordinal in sorted({*declared(view), *view.pods} - set(besides)):
        pod = view.pods.get(ordinal)
        if pod is None:
            yield podless(view, ordinal)
        elif pod.terminating:
            yield _leaving(view, pod)
        elif ordinal in view.silent or ordinal not in view.reports or not synced(view, ordinal):
            yield trouble(view, pod)
        elif (upgrade := view.reports[ordinal].upgrade) is not None and upgrade.state in (
            UpgradeState.RUNNING,
            UpgradeState.FAILED,
        ):
            yield f"member {ordinal}: {upgrade.why}"
    if len(histories(view)) > 1:
        yield "two Primaries of different histories live"
    small = [o for o, r in view.reports.items() if r.server is not None and r.server.size < len(view.pods)]
    if small:
        yield f"member {min(small)} sees fewer members than there are"
    ordinal = writer(view)
    if ordinal is None or ordinal not in view.reports:
        yield "no writer is known"
    elif elsewhere := led_elsewhere(view, ordinal):
        yield elsewhere
    for report in view.reports.values():
        if report.heir is not None:
            yield f"member {report.ordinal} hands the writer's role to member {report.heir}"


def without_vote(view: View) -> str:
    """A sentence on the arbitrator that is wanted and away; '' where all is well. It keeps no member from anything."""
    if not view.arbitrator_away:
        return ""
    return f"the arbitrator has no vote, and where half of the members are lost none serves: {view.arbitrator_away}"


def podless(view: View, ordinal: int) -> str:
    """Of a member without a pod: whoever does not let it be created says why."""
    said = view.uncreated.get(ordinal)
    return f"member {ordinal} has no pod" + (f": {said}" if said else "")


def _leaving(view: View, pod: PodSeen) -> str:
    """On a node that is lost nobody ends the pod: Kubernetes shows it as it is for as long as that lasts."""
    silence = view.silent.get(pod.ordinal)
    if silence is None or not pod.node:
        return f"member {pod.ordinal} leaves"
    return (
        f"member {pod.ordinal} is to be ended and does not answer ({silence}): if its node {pod.node} is lost, it comes "
        "back with the node"
    )


def trouble(view: View, pod: PodSeen) -> str:
    """What a member that is not Synced does, in its own words, its pod's, or those of whoever asked it."""
    report = view.reports.get(pod.ordinal)
    if pod.trouble or lame(view, pod.ordinal):
        return f"member {pod.ordinal}: {pod.trouble or pod.beside}"
    if report is not None:
        if report.phase is Phase.SYNCED:
            return f"member {pod.ordinal} is not ready yet"
        return f"member {pod.ordinal} is {report.phase}: {report.why}"
    return f"member {pod.ordinal} does not answer: {view.silent.get(pod.ordinal, 'its pod starts')}"


def heir(view: View, among: set[int]) -> int | None:
    """The best of ``among`` to take the role: Synced, most advanced, lowest ordinal."""
    fit = [o for o in sorted(among) if synced(view, o)]
    return max(fit, key=lambda o: (_committed(view.reports[o]), -o), default=None)


def _committed(report: Report) -> int:
    return report.server.last_committed if report.server is not None else -1
