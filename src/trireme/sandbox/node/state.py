"""What the node knows of one container, as values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RestartPolicy = Literal["Always", "OnFailure", "Never"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not running, and not because it ended. Tried at ``retry_at``; None is at once."""

    reason: str = "ContainerCreating"
    message: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    started_at: datetime
    container_id: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """``exit_code`` is 128 + the signal's number where a signal ended it, as container runtimes report it."""

    exit_code: int
    reason: str
    message: str
    started_at: datetime
    finished_at: datetime
    container_id: str


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod, over all of its restarts."""

    name: str
    init: bool
    state: State = Waiting()
    last: Terminated | None = None
    restarts: int = 0
    streak: int = 0
    """Restarts in a row of which none ran long: what the back-off doubles with."""
    started: bool = False
    """Its startup probe has succeeded, or it runs and has none."""
    ready: bool = False
    unhealthy: str = ""
    """Why a probe or hook wants it restarted."""
    stopping: bool = False

    @property
    def succeeded(self) -> bool:
        return isinstance(self.state, Terminated) and self.state.exit_code == 0

    @property
    def latest_end(self) -> Terminated | None:
        return self.state if isinstance(self.state, Terminated) else self.last
