"""Runs a command inside a container: started as a program of its own, with nothing but the standard library.

Its only argument is a file descriptor with the order (see execute.py) as JSON. It enters the container's namespaces,
gives up what privileges that brought, forks (only a child is inside of the PID namespace) and executes. What
goes wrong before that is written to the descriptor ``report`` as JSON; nothing there means that it runs.
"""

import ctypes
import fcntl
import json
import os
import signal
import sys
import termios
from pathlib import Path
from typing import Any, NoReturn

_NAMESPACES = ("mnt", "uts", "ipc", "pid")
_NS_GET_USERNS = 0xB701
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_LAST_CAPABILITY = 63
"""More than any kernel knows; dropping an unknown one fails harmlessly."""

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    with os.fdopen(int(sys.argv[1]), "rb") as order_file:
        order: dict[str, Any] = json.load(order_file)
    report = int(order["report"])
    os.set_inheritable(report, False)
    try:
        enter(int(order["pid"]))
    except OSError as error:
        _fail(report, error)
    # After entering: the kernel forgets it when credentials change.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    child = os.fork()
    if child == 0:
        execute(order, report)
    os.close(report)
    for number in (0, 1, 2):
        os.close(number)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(128 - code if code < 0 else code)


def enter(pid: int) -> None:
    """Join the namespaces of ``pid``. Raises OSError.

    The container's user namespace may lie inside of one that owns its mounts: the outer one is entered first,
    as an ordinary user has the right to mount only in there.
    """
    user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    others = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in _NAMESPACES]
    owner = fcntl.ioctl(others[0], _NS_GET_USERNS)
    present = Path("/proc/self/ns/user").stat()
    if not os.path.samestat(os.fstat(owner), present):
        _set_namespace(owner)
    for namespace in others:
        _set_namespace(namespace)
    if not os.path.samestat(os.fstat(user), os.fstat(owner)):
        _set_namespace(user)


def execute(order: dict[str, Any], report: int) -> NoReturn:
    """Become the command, with no more rights than the container's other processes."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.setsid()
        if order["tty"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        os.chdir(order["directory"])
        os.execvpe(order["command"][0], order["command"], order["environment"])  # noqa: S606
    except OSError as error:
        _fail(report, error)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def _fail(report: int, error: OSError) -> NoReturn:
    os.write(report, json.dumps({"errno": error.errno, "message": error.strerror}).encode())
    os._exit(126)


if __name__ == "__main__":
    main()
