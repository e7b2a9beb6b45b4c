"""What the versions of server and data mean for each other. Pure.

MariaDB upgrades data in place and never takes it back: a server of an older series may destroy what a newer one
wrote. A newer one runs on older data, and its system tables are brought up to it afterwards, by mariadb-upgrade.
"""

import re
from collections.abc import Mapping

from trireme.api.report import Report, UpgradeState
from trireme.core.writer import in_same_component

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def parse(text: str) -> tuple[int, int, int] | None:
    """Of ``10.11.19-MariaDB``; None for what is no version."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def downgrade(data: str, ran: str, server: str) -> str | None:
    """Why ``server`` may not touch this data; None where it may.

    ``data``: of the data's own mark, ``ran``: the newest server that ran on it; either may be empty. Within one
    series (10.11) MariaDB's formats do not change.
    """
    own = parse(server)
    newest = max((known for known in (parse(data), parse(ran)) if known is not None), default=None)
    if own is None or newest is None or own[:2] >= newest[:2]:
        return None
    was = ".".join(map(str, newest))
    return (
        f"the data was written by MariaDB {was}, and this image has {'.'.join(map(str, own))}: an older server "
        f"could destroy it, so it is not started; put back an image with MariaDB {newest[0]}.{newest[1]} or later"
    )


def can_copy(own: str, donor: Report) -> bool:
    """Whether a server of version ``own`` may take a full copy of the donor's data: as in :func:`downgrade`."""
    mine, its = parse(own), parse(donor.server.version) if donor.server is not None else None
    return mine is None or its is None or mine[:2] >= its[:2]


def is_due(data: str, server: str, me: Report, answers: Mapping[int, Report], *, sound_copy: bool) -> bool:
    """Whether mariadb-upgrade has work to do.

    A state transfer brings no mark (``data`` is empty). A copy is what the others' data is: with ``sound_copy`` it came
    in this server's life, and nobody was behind (:func:`is_behind`) meanwhile. Any other data without a mark may be old.
    """
    known, own = parse(data), parse(server)
    if own is None:
        return False
    if known is not None:
        return known[:2] != own[:2]
    others = [report for report in answers.values() if in_same_component(me, report)]
    known_good = any(_is_current(report, own) for report in others)
    return not sound_copy or not known_good or any(is_behind(server, report) for report in others)


def is_behind(server: str, report: Report) -> bool:
    """Whether this member's system tables are not, or may not be, those of such a server: a copy of them is none."""
    version = parse(report.server.version) if report.server is not None else None
    own = parse(server)
    older = version is not None and own is not None and version[:2] != own[:2]
    return older or (report.upgrade is not None and report.upgrade.state is not UpgradeState.CURRENT)


def _is_current(report: Report, own: tuple[int, int, int]) -> bool:
    version = parse(report.server.version) if report.server is not None else None
    state = report.upgrade.state if report.upgrade is not None else None
    return state is UpgradeState.CURRENT and version is not None and version[:2] == own[:2]


def is_my_turn(me: Report, answers: Mapping[int, Report]) -> bool:
    """One member at a time, the writer last: its clients wait for nobody's tables."""
    waiting = [r for r in answers.values() if r.upgrade is not None and in_same_component(me, r)]
    if any(r.upgrade is not None and r.upgrade.state is UpgradeState.RUNNING for r in waiting):
        return False
    due = [r for r in waiting if r.upgrade is not None and r.upgrade.state is UpgradeState.DUE]
    return all(_rank(me) < _rank(other) for other in due)


def _rank(report: Report) -> tuple[bool, int]:
    writes = report.writer is not None and report.writer.ordinal == report.ordinal
    return writes, report.ordinal
