"""Whom a member looks for beside the name service. Pure.

Where all pods are made anew at once (their nodes restarted, somebody deleted them), a cluster's name service goes on
telling the old addresses for as long as it caches, 30 s mostly; nobody hears anybody, and nobody's server runs to tell.
An address proves nothing: whoever answers there says who it is, and signs it.
"""

from collections.abc import Mapping

from trireme.api.report import Report

FIRST_SECONDS = 2.0
"""Silence of so long before the first look: mostly members are just slower to start than this one."""
LONGEST_SECONDS = 30.0
"""Between two looks, after ever longer pauses."""


def sought(me: Report, answers: Mapping[int, Report]) -> tuple[int, ...]:
    """Ordinals that are declared or of my last view, and silent, while no Primary is heard of."""
    if me.primary or me.leaving or any(report.primary for report in answers.values()):
        return ()
    viewed = me.last_view.members if me.last_view is not None else ()
    return tuple(sorted({*range(me.declared), *viewed} - {me.ordinal, *answers}))


def pause(looks: int) -> float:
    """Seconds of silence before the next look, after so many in vain."""
    return min(FIRST_SECONDS * 2.0**looks, LONGEST_SECONDS)
