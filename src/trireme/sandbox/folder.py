"""The folder that holds all of one sandbox, and who has it in use."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trireme.base.errors import PermanentError

READY = b"ready\n"
"""What the sandbox tells its starter once everything listens. Anything else is the reason why it does not."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things are in it. ``path`` is absolute."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Folder":
        return cls(path.absolute())

    @property
    def store(self) -> Path:
        """The objects and their journal."""
        return self.path / "store"

    @property
    def api(self) -> Path:
        """Keys, certificates and tokens of the API server."""
        return self.path / "api"

    @property
    def node(self) -> Path:
        """What pods have beside their volumes, and their logs."""
        return self.path / "node"

    @property
    def images(self) -> Path:
        """JSON: names of other images, and where their roots are."""
        return self.path / "images.json"

    @property
    def volumes(self) -> Path:
        """PersistentVolumes, one directory each."""
        return self.path / "volumes"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def kubectl_cache(self) -> Path:
        return self.path / "kubectl-cache"

    @property
    def log(self) -> Path:
        """What the sandbox itself has to say; pods have their own logs."""
        return self.path / "sandbox.log"

    @property
    def lock(self) -> Path:
        """Locked while the sandbox runs; holds its process id."""
        return self.path / "sandbox.pid"

    def create(self) -> None:
        """Make it, readable by its owner only: it holds keys. Raises PermanentError when it cannot."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.volumes.mkdir(exist_ok=True)
        except OSError as error:
            raise PermanentError(
                f"cannot make the sandbox's folder {self.path}: {error.strerror}; choose another with --dir"
            ) from error


class Lock:
    """The right to run the sandbox of a folder. The kernel drops it with the process."""

    def __init__(self, folder: Folder) -> None:
        """Raises PermanentError when another process has it."""
        self._descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise PermanentError(f"the sandbox in {folder.path} runs already") from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def running_pid(folder: Folder) -> int | None:
    """The process that runs the sandbox now; None when none does. A stale file is never believed."""
    try:
        descriptor = os.open(folder.lock, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError):
            return int(os.pread(descriptor, 32, 0))
    finally:
        os.close(descriptor)
    return None
