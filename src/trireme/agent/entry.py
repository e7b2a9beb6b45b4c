"""Where the agent's process begins: on a diet, before anything heavy is imported.

PID 1 ignores a signal that it has no handler for, so a pod deleted in its first second would wait out its whole
grace period: nothing runs yet, and the first handlers end the process at once.
"""

import signal
import sys

from trireme.agent.diet import go_on_diet


def main(arguments: list[str]) -> int:
    """``trireme agent [render]``. Returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    go_on_diet()
    from trireme.agent.main import main as run  # noqa: PLC0415

    return run(arguments)
