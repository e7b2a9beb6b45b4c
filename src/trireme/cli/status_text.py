"""A cluster as text: a table that fits the terminal, the judgement above it, advice below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trireme.api.report import Phase
from trireme.core.cluster_seen import Cluster, Member, short
from trireme.core.cluster_summary import Health, Summary

GAP = "  "
HEALTH_STYLES = {Health.HEALTHY: "green", Health.DEGRADED: "yellow", Health.UNKNOWN: "red"}
CALM = (Phase.SYNCED, Phase.DONOR)
ON_THEIR_WAY = (*Phase, "Pending", "ContainerCreating", "PodInitializing", "Terminating")


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    cells: Sequence[str]
    right: bool = False
    styles: Sequence[str] = ()
    """Of the cells, as many; none means plain."""


def cluster_text(cluster: Cluster, summary: Summary, *, columns: int, wide: bool = False) -> RenderableType:
    """One cluster in full, in at most ``columns`` characters if the terminal has 80."""
    parts: list[RenderableType] = [
        Text.assemble((cluster.name, "bold"), ": ", (summary.sentence, HEALTH_STYLES[summary.health]))
    ]
    for condition in summary.conditions:
        said = f"{condition.type}: {condition.message}"
        parts.append(_line(f"!  {said}", columns) if condition.brief else hanging("!  ", said, "red"))
    if cluster.members:
        parts += [Text(), *_members(cluster, columns, wide=wide)]
    if summary.advice:
        parts += [Text(), *(hanging("-> ", each) for each in summary.advice)]
    return Group(*parts)


def _line(text: str, columns: int) -> RenderableType:
    """One line, however long the text is."""
    line = Text(text, "red", no_wrap=True, overflow="ellipsis")
    line.truncate(columns, overflow="ellipsis")
    return line


def clusters_text(found: Sequence[tuple[Cluster, Summary]], *, namespaces: bool) -> RenderableType:
    """Several clusters, a line each."""
    names = [Column("NAMESPACE", [cluster.namespace for cluster, _ in found])] if namespaces else []
    styles = [HEALTH_STYLES[summary.health] for _, summary in found]
    return Group(
        *_lines(
            [
                *names,
                Column("CLUSTER", [cluster.name for cluster, _ in found]),
                Column("HEALTH", [summary.health for _, summary in found], styles=styles),
                Column("STATE", [_state(summary) for _, summary in found]),
            ]
        )
    )


def _state(summary: Summary) -> str:
    lasting = sorted({condition.type for condition in summary.conditions})
    return "; ".join([summary.sentence, *lasting])


def _members(cluster: Cluster, columns: int, *, wide: bool) -> list[RenderableType]:
    """One line each if that fits; else the sentence of why goes below each line."""
    table = _columns(cluster, wide=wide)
    whys = [each.why for each in cluster.members]
    one_line_each = _lines([*table, Column("WHY", whys)])
    if all(line.cell_len <= columns for line in one_line_each):
        return list(one_line_each)
    indent = " " * (max(cell_len(each.name) for each in cluster.members) + len(GAP))
    header, *lines = _lines(table)
    parts: list[RenderableType] = [header]
    for line, why in zip(lines, whys, strict=True):
        parts.append(line)
        if why:
            parts.append(hanging(indent, why, "dim"))
    return parts


def _columns(cluster: Cluster, *, wide: bool) -> list[Column]:
    members = cluster.members
    table = [
        Column("MEMBER", [each.name for each in members]),
        Column("ROLE", [each.role or "-" for each in members]),
        Column("PHASE", [each.phase for each in members], styles=[_phase_style(each) for each in members]),
        Column("READY", ["yes" if each.ready else "no" for each in members]),
        Column("POSITION", [_position(each, cluster, full=wide) for each in members], right=True),
        Column("VIEW", [_view(each) for each in members]),
        Column("RESTARTS", [str(each.restarts) for each in members], right=True),
    ]
    if wide:
        table += [
            Column("DIRECTORY", [_directory(each) for each in members]),
            Column("SERVER", [each.server.version if each.server else "-" for each in members]),
            Column(
                "ADDRESS", [each.pod.address if each.pod and each.pod.address else "-" for each in members]
            ),
            Column("NODE", [each.pod.node if each.pod and each.pod.node else "-" for each in members]),
        ]
    return table


def _phase_style(member: Member) -> str:
    if member.phase in CALM:
        return "green"
    return "yellow" if member.phase in ON_THEIR_WAY and member.phase != Phase.BLOCKED else "red"


def _position(member: Member, cluster: Cluster, *, full: bool) -> str:
    """The number alone where the history is the one in the headline."""
    position = member.position
    if position is None:
        return "-"
    if full:
        return str(position)
    same = position.uuid == cluster.history
    return str(position.seqno) if same else f"{short(position.uuid)}:{position.seqno}"


def _directory(member: Member) -> str:
    """Judged between two servers only: one that runs has its directory in use."""
    if member.report is None or member.report.running:
        return "-"
    return member.report.directory


def _view(member: Member) -> str:
    return ranges(member.view.members) if member.view is not None else "-"


def ranges(ordinals: Iterable[int]) -> str:
    """Ascending numbers as ``0-2,4``."""
    runs: list[list[int]] = []
    for ordinal in ordinals:
        if runs and ordinal == runs[-1][-1] + 1:
            runs[-1].append(ordinal)
        else:
            runs.append([ordinal])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs) or "-"


def _lines(table: Sequence[Column]) -> list[Text]:
    """The header and the rows, without blanks at their ends."""
    lines = []
    for row in range(-1, len(table[0].cells)):
        line = Text(no_wrap=True, overflow="ignore")
        for column in table:
            cell = column.title if row < 0 else column.cells[row]
            width = max(map(cell_len, [column.title, *column.cells]))
            blank = " " * (width - cell_len(cell))
            style = "bold" if row < 0 else column.styles[row] if column.styles else ""
            line.append(blank if column.right else "")
            line.append(cell, style)
            line.append(GAP if column.right else blank + GAP)
        line.rstrip()
        lines.append(line)
    return lines


def hanging(indent: str, text: str, style: str = "") -> RenderableType:
    """A paragraph whose further lines stand below its first."""
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_row(Text(indent), Text(text, style))
    return grid
