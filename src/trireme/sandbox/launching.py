"""Starting and stopping the sandbox's process, and running kubectl against it."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from trireme.base.errors import PermanentError
from trireme.sandbox.folder import READY, Folder, running_pid

START_SECONDS = 30.0
KILL_SECONDS = 10.0
POLL_SECONDS = 0.05


def start(folder: Folder) -> None:
    """Start the sandbox in the background and wait until it answers.

    Raises PermanentError with its own reason when it cannot, or after 30 s.
    """
    folder.create()
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "trireme.sandbox.daemon", str(folder.path), str(writing)]
    try:
        with folder.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                cwd=folder.path,
                start_new_session=True,
            )
    finally:
        os.close(writing)
    try:
        said = _read(reading, START_SECONDS)
    finally:
        os.close(reading)
    if said == READY:
        return
    if process.poll() is None and not said:
        process.terminate()
        said = f"it did not answer within {START_SECONDS:.0f} s".encode()
    reason = said.decode(errors="replace").strip() or f"it ended with status {process.wait()}"
    raise PermanentError(f"the sandbox did not start: {reason}\nIts log: {folder.log}")


def _read(descriptor: int, seconds: float) -> bytes:
    """All until end of file or ``READY``, or what came in that time."""
    deadline = time.monotonic() + seconds
    said = b""
    while said != READY:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 65536) if ready else b""
        if not chunk:
            break
        said += chunk
    return said


def stop(folder: Folder, *, at_once: bool, waiting: Callable[[], None]) -> bool:
    """End the sandbox and its pods, in order or at once; calls ``waiting`` again and again meanwhile.

    In order takes as long as the pods' grace periods; at once takes at most 10 s, then it is killed, and its
    pods with it. False: it did not run. Only the process that holds the folder's lock is ever signalled.
    """
    pid = running_pid(folder)
    if pid is None:
        return False
    handle = os.pidfd_open(pid)
    try:
        if running_pid(folder) != pid:
            return True
        signal.pidfd_send_signal(handle, signal.SIGINT if at_once else signal.SIGTERM)
        deadline = time.monotonic() + (KILL_SECONDS if at_once else float("inf"))
        while not select.select([handle], [], [], POLL_SECONDS)[0]:
            waiting()
            if time.monotonic() > deadline:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                deadline = float("inf")
    finally:
        os.close(handle)
    return True


def kubectl_command(folder: Folder, arguments: Sequence[str]) -> list[str]:
    """The whole command line. Raises PermanentError when kubectl is not installed."""
    program = shutil.which("kubectl")
    if program is None:
        raise PermanentError(
            "kubectl is not installed: `apt-get install kubernetes-client`, "
            "or see https://kubernetes.io/docs/tasks/tools/"
        )
    return [program, "--cache-dir", str(folder.kubectl_cache), *arguments]


def kubectl_environment(folder: Folder) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(folder.kubeconfig)}
