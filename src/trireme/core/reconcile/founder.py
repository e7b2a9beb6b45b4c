"""The word that one volume may found the cluster alone (invariant 6), where a person says that there never was data.

It names one volume and is never given to another: the founder may have founded before it fell silent.
"""

from collections.abc import Mapping

from trireme.api.report import Directory, Report


def founder(
    *, wanted: bool, history: str | None, replicas: int, reports: Mapping[int, Report], given: str | None
) -> str | None:
    """``ORDINAL:VOLUME``, or None. ``given`` is the word as it was given before; it stays until there is a history.

    A majority of the members must answer, all of them fresh; if all answer, they need no word.
    """
    if history is not None:
        return None
    if given is not None:
        return given
    enough = replicas // 2 < len(reports) < replicas
    fresh = all(report.directory is Directory.FRESH and not report.running for report in reports.values())
    if not (wanted and enough and fresh):
        return None
    first = reports[min(reports)]
    return f"{first.ordinal}:{first.volume}"
