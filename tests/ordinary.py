"""An ordinary user for tests that root runs: mariadbd refuses to be root, and so does a pod."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ORDINARY_UID = 4242
"""Has no entry in /etc/passwd, as a uid that OpenShift gives has none."""

_VERSION_3 = 0x20080522
_READ_EVERYTHING = 2
"""``CAP_DAC_READ_SEARCH``, of linux/capability.h, as is the version of the call."""
_PR_CAP_AMBIENT, _RAISE, _CLEAR_ALL = 47, 2, 4
"""Of linux/prctl.h."""

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Run as an ordinary user inside. Where only root can read this checkout (in ``/root``, say), this user and what it
    starts may read everything: the interpreter and the scripts lie there."""
    if os.geteuid() != 0:
        yield
        return
    hidden = not readable_by_all(Path(__file__))
    os.setresgid(ORDINARY_UID, ORDINARY_UID, 0)
    os.setresuid(ORDINARY_UID, ORDINARY_UID, 0)
    try:
        if hidden:
            _read_everything()
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        if hidden:
            _call(_libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0))


def readable_by_all(path: Path) -> bool:
    return all(each.stat().st_mode & 0o005 == 0o005 for each in path.parents)


def _read_everything() -> None:
    header, sets = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _call(_libc.capget(header, sets))
    for kind in (0, 2):  # effective, inheritable; the one between them, permitted, root's user keeps
        sets[kind] |= 1 << _READ_EVERYTHING
    _call(_libc.capset(header, sets))
    _call(_libc.prctl(_PR_CAP_AMBIENT, _RAISE, _READ_EVERYTHING, 0, 0))


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
