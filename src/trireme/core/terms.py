"""What an election goes by beside the reports: who is declared and named, and whose silence need not be waited out."""

from dataclasses import dataclass

HEARING_SECONDS = 15.0
"""How long a member that was alone hears the others first: pods that start together are seldom further apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Founder:
    """The operator's word that this cluster never had data: this volume may found it alone (invariant 6).

    It names a volume, not an ordinal alone: a founder that lost its volume is no founder any more.
    """

    ordinal: int
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """As one member knows them now."""

    declared: int
    """How many members the cluster is to have, by this member's settings."""
    named: tuple[int, ...] | None = ()
    """Ordinals that the SRV record names; None where the last look-up failed or named nobody."""
    overdue: bool = False
    """Those who answer have been the same for as long as the policy says: who is silent need not be waited for,
    where a majority of the latest view is here. Never so with the policy *Wait*."""
    founder: Founder | None = None
    outdated: frozenset[int] = frozenset()
    """Whose last answer may be from before this member's grant: it says nothing of what became of it."""
    young: bool = False
    """This member's agent has been up for less than :data:`HEARING_SECONDS`: others may be about to answer."""
