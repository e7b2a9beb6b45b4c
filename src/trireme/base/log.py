"""One line per event on standard output: time, level, what. The server's own lines pass through unchanged."""

import logging
import sys
import time


class _Utc(logging.Formatter):
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    @staticmethod
    def converter(seconds: float | None = None) -> time.struct_time:
        return time.gmtime(seconds)


def set_up_log(level: int = logging.INFO) -> logging.Logger:
    """Log to standard output, as a container should. Returns Trireme's logger."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Utc("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("trireme")
    logger.setLevel(level)
    logger.handlers[:] = [handler]
    logger.propagate = False
    return logger
