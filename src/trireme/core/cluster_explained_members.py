"""One member's report, as sentences with a name each."""

from collections.abc import Iterator

from trireme.api.report import Candidacy, Directory, Grant, Report
from trireme.core.cluster_conditions import describe_word
from trireme.core.cluster_outcome import outlooks
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.election import latest_view, names
from trireme.core.gaps import known_gaps, left_behind, went_through
from trireme.core.grants import is_spent
from trireme.core.recovery import duration

Facts = tuple[tuple[str, str], ...]

DIRECTORIES = {
    Directory.FRESH: "it never held data",
    Directory.CLEAN: "its server stopped in order",
    Directory.CRASHED: "it holds data; the storage engine told the position",
    Directory.INCOMPLETE: "a copy into it began and did not finish: no data that counts",
    Directory.UNKNOWN: "it holds data, and no position can be proved",
}


def facts_of(member: Member, cluster: Cluster) -> Iterator[tuple[str, str]]:
    """In the order in which they matter. Of one that is silent, what Kubernetes says."""
    report = member.report
    if report is None:
        yield "pod", _pod(member)
        return
    yield "directory", _directory(report)
    yield "position", str(report.position) if report.position is not None else "not known"
    yield "view", _view(report, cluster)
    vote = _vote(report)
    if vote:
        yield "vote", vote
    if report.grant is not None:
        yield "grant", _grant(report.grant, report)
    if report.candidacy is not None and report.candidacy.epoch > report.withdrawn:
        yield "candidacy", _candidacy(report.candidacy)
    if report.override is not None:
        yield "word", describe_word(report.override)
    behind = left_behind(report, known_gaps(cluster.reports.values()))
    if behind is not None:
        yield "gaps", f"did not come through {behind.id}: the others went on without what only it has"
    elif report.gaps:
        yield "gaps", f"came through {', '.join(gap.id for gap in report.gaps)}"
    if report.running and report.group:
        yield "group", f"its server is connected with those of {names(report.group)}"
    yield from _hearing(member, cluster)


def _pod(member: Member) -> str:
    if member.pod is None:
        return "there is none; nothing is known of its data"
    where = f" on node {member.pod.node}" if member.pod.node else ""
    said = f": {member.why}" if member.why else ""
    return f"{member.pod.state}{where}{said}; nothing is known of its data"


def _directory(report: Report) -> str:
    if report.running:
        version = f" {report.server.version}" if report.server is not None else ""
        return f"in use by its server{version}"
    if report.unsettled:
        return "not judged yet: the storage engine is still to be asked"
    return f"{report.directory}: {DIRECTORIES[report.directory]}"


def _view(report: Report, cluster: Cluster) -> str:
    view = report.last_view
    if view is None:
        return "none: it never belonged to a Primary"
    latest = latest_view(went_through(cluster.reports).values())
    rank = "the latest known" if view == latest else "not the latest known"
    if latest is not None and latest.uuid != view.uuid:
        rank = f"of history {view.uuid}"
    return f"{names(view.members)}, from {view.seqno} on: {rank}"


def _vote(report: Report) -> str:
    if report.joining:
        return "none: it was joining, and was not Synced since"
    return "none: its server left in order, and the rest may have gone on" if report.left else ""


def _grant(grant: Grant, report: Report) -> str:
    what = f"to member {grant.candidate}, epoch {grant.epoch}"
    if is_spent(grant, report.last_view):
        return f"{what}: spent, a later view was installed"
    return f"{what}: stands, it grants nobody else"


def _candidacy(candidacy: Candidacy) -> str:
    what = f"epoch {candidacy.epoch}"
    if candidacy.succeeds is not None:
        what += f", to follow the view from {candidacy.succeeds.seqno} on"
    if candidacy.without:
        what += f", without {names(candidacy.without)}"
    return f"{what}, in place" if candidacy.in_place else what


def _hearing(member: Member, cluster: Cluster) -> Iterator[tuple[str, str]]:
    outlook = outlooks(cluster)[member.ordinal]
    if outlook.fault:
        yield "fault", outlook.fault
    heard = ", ".join(f"{ordinal} ({phase})" for ordinal, phase in sorted(outlook.heard.items())) or "nobody"
    since = f", for {duration(outlook.unchanged)}" if outlook.unchanged is not None else ""
    yield "hears", f"{heard}{since}"
    if outlook.silent:
        yield "silent", "; ".join(f"{who}: {why}" for who, why in sorted(outlook.silent.items()))
    deaf = [o for o in cluster.reports if o != member.ordinal and str(o) not in outlook.heard]
    if deaf and outlook.terms is not None:
        yield "but", f"{names(deaf)}: heard from here, and not by it"
