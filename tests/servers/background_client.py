"""What clients that write all the time have in common: a thread of their own, and what was acknowledged to it."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sized
from types import TracebackType
from typing import Self

from tests.servers.sandboxed import wait_until


class BackgroundClient(ABC):
    """Writes from ``with`` on, once the first commits were acknowledged, to its end."""

    acknowledged: Sized

    def __init__(self) -> None:
        self.longest_stall = 0.0
        """Seconds between two acknowledged commits, at most."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @abstractmethod
    def _run(self) -> None:
        """Until ``_stopping`` is set."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for_more()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(30)

    def wait_for_more(self, commits: int = 20, seconds: float = 60) -> None:
        """Wait until so many more commits were acknowledged from now on."""
        wanted = len(self.acknowledged) + commits
        wait_until(
            lambda: len(self.acknowledged) >= wanted, f"{commits} more commits are acknowledged", seconds
        )
