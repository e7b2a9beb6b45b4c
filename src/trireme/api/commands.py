"""What a person or the operator asks of one agent: signed POSTs to ``/v1/…``, answered at once.

A command states a wish; the agent's rules fulfil it, and the report shows how far it is. Asked twice, it is done
once. Nothing here needs to be remembered by who asked: whoever restarts reads the report and asks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trireme.api.report import Override

SWITCHOVER_PATH = "/v1/switchover"
REBUILD_PATH = "/v1/rebuild"
VARIABLES_PATH = "/v1/variables"
RECOVER_PATH = "/v1/recover"
SETTLE_PATH = "/v1/settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchover:
    """To the current writer: hand the role to member ``to``, or to the best secondary.

    Done when the report of another member holds the writer's claim. Until then the writer's names the ``heir``.
    """

    to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """To one member: leave in order, set the data aside, and take a new copy from the others.

    ``ordinal`` is that member's own, so that a request that went astray destroys nothing. Done when its report's
    ``rebuilding`` is False again.
    """

    ordinal: int
    why: str = ""
    """For the log and the name of the directory that is set aside."""
    id: str = ""
    """Who asks again with the same, having forgotten that it asked, is told that it was taken on; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """To one member: SET GLOBAL each of ``values``, by the variables' names as in my.cnf.

    Lost when the server restarts: the report's ``variables`` shows what is set now.
    """

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """To the member that a person chose to bootstrap: keep this word, on disk, until it is used.

    Done when a Primary lives; the report's ``override`` shows it until then.
    """

    override: Override


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """To any member of a Primary: what the gap of this id may have left behind was looked at. All learn it."""

    gap: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """``why`` is one sentence for people: what happens now, or why nothing does and what to do next."""

    accepted: bool
    why: str
    refused: Mapping[str, str] = field(default_factory=dict)
    """Of ``Variables``: those that were not set, and why. The others were."""
