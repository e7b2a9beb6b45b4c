"""Whether this machine lets the sandbox make containers, asked once before anything is started."""

import shutil
import subprocess

from trireme.base.errors import PermanentError

_SECONDS = 10.0
_TRIAL = (
    *("--unshare-user", "--uid", "999", "--gid", "0", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
    *("--as-pid-1", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"),
)


def check_containers() -> None:
    """Make a container and let it end (some 10 ms). Raises PermanentError with what to do about it."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise PermanentError("bubblewrap: no bwrap in PATH; install it (Debian: apt-get install bubblewrap)")
    try:
        trial = subprocess.run(
            (bwrap, *_TRIAL), capture_output=True, timeout=_SECONDS, check=False, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise PermanentError(f"bubblewrap: a trial container did not end within {_SECONDS:.0f} s") from error
    if trial.returncode != 0:
        raise PermanentError(
            f"bubblewrap cannot make a container here: {trial.stderr.strip() or trial.returncode}. It needs user "
            "namespaces: see sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and "
            "kernel.apparmor_restrict_unprivileged_userns; in a container engine, seccomp and masked /proc paths"
        )
