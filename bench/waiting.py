"""Waiting for a fact, with a bound and in words."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.05
"""Between two looks. It bounds the precision of every duration that ends with one."""


def wait_for(probe: Callable[[], T | None], what: str, seconds: float, look: float = LOOK_SECONDS) -> T:
    """The first answer that is neither None nor False. Raises TimeoutError naming what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(look)
