"""Libraries that the agent's own libraries would load for what the agent never does. Imported before them.

Measured on CPython 3.11, resident: cryptography 9 MB (PyMySQL, for logins over untrusted networks; the agent uses the
unix socket), ssl 8 MB (aiohttp, asyncio; agents talk plain HTTP with signatures). All of them work without.
"""

import ctypes
import gc
import sys

ABSENT = ("cryptography", "ssl")
_M_ARENA_MAX = -8


def go_on_diet() -> None:
    """Call this before anything else is imported in the agent's process."""
    for name in ABSENT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 1)


def settle_down() -> None:
    """What start-up made lives as long as the process: later collections need not look at it. 20 ms, once."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return freed memory to the system: what start-up or a busy hour took is not kept for life."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
