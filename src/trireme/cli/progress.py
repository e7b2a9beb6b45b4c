"""What a command is doing, line by line, with the seconds since it began."""

import sys
import time


class Progress:
    """Lines on standard error, so that a pipe gets the result alone. A step is said once, however often it is seen."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""

    def say(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def step(self, what: str) -> None:
        if what != self._last:
            self._last = what
            self.say(f"  {time.monotonic() - self._began:5.1f} s  {what}")


def confirmed(name: str, what: str) -> bool:
    """Whether the person typed ``name``, on a terminal or in a pipe. Ends of input count as no."""
    sys.stderr.write(f"Type {name} to {what}: ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    return answer.strip() == name
