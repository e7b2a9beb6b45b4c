"""The one image there is: this machine's own programs, shown read-only, plus Trireme where it is installed."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trireme

REPOSITORY = "trireme"
"""The last part of every accepted image name."""

USER = 999
GROUP = 0
"""Who containers run as unless the pod says otherwise: the USER of deploy/Containerfile."""

ENTRYPOINT = ("trireme",)
"""What runs when a container names no command."""

WORKING_DIRECTORY = "/"

PASSWD = f"""\
root:x:0:0:root:/root:/bin/sh
mysql:x:{USER}:{GROUP}:MariaDB:/var/lib/mysql:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""

GROUPS = """\
root:x:0:
mysql:x:999:
nogroup:x:65534:
"""

_HOST_DIRECTORIES = ("/usr", "/opt", "/etc")
_MAYBE_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_EMPTY = (
    "/home",
    "/mnt",
    "/root",
    "/run",
    "/srv",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/mysql",
    "/var/log",
)
_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - names inside the container
_PRIVATE_LINKS = {"/var/run": "/run", "/var/lock": "/run/lock"}


@dataclass(frozen=True, slots=True)
class Bind:
    """A host file or directory shown in the container."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of the container's own, gone with it."""

    path: str
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link at ``path``."""

    path: str
    destination: str


Entry = Bind | Directory | Link


def refusal(image: str) -> str | None:
    """Why an image cannot be had here, or None."""
    name = image.partition("@")[0]
    repository = name.rpartition("/")[2].partition(":")[0]
    if repository == REPOSITORY:
        return None
    return (
        f'failed to pull image "{image}": the sandbox has only images named "{REPOSITORY}" '
        f"(such as {REPOSITORY}/{REPOSITORY}:0.1.0), which are this machine's own file system"
    )


def search_path() -> str:
    """PATH inside the container: Trireme's own environment first."""
    return f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def resolve(path: str) -> str:
    """Where ``path`` ends up in the image once the links on the way to it are followed.

    Mount points must be named so: a link to an absolute path would lead bubblewrap out of the new root.
    """
    resolved = "/"
    parts = [part for part in path.split("/") if part]
    for _ in range(40 + len(parts)):
        if not parts:
            return resolved
        step = os.path.normpath(f"{resolved}/{parts.pop(0)}").replace("//", "/")
        destination = _link(step)
        if destination is None:
            resolved = step
            continue
        parts = [part for part in destination.split("/") if part] + parts
        if destination.startswith("/"):
            resolved = "/"
    raise ValueError(f"{path}: too many symbolic links")


def _link(path: str) -> str | None:
    if path in _PRIVATE_LINKS:
        return _PRIVATE_LINKS[path]
    if not path.startswith((*_HOST_DIRECTORIES, *_MAYBE_MERGED)) or not Path(path).is_symlink():
        return None
    return str(Path(path).readlink())


def entries(targets: frozenset[str]) -> Iterator[Entry]:
    """The image's root, parents before children, with room for mounts at ``targets`` (resolved paths)."""
    for path in _HOST_DIRECTORIES:
        yield from _show(path, targets)
    for path in _MAYBE_MERGED:
        if Path(path).is_symlink():
            yield Link(path, str(Path(path).readlink()))
        elif Path(path).is_dir():
            yield from _show(path, targets)
    for path in _EMPTY:
        yield Directory(path)
    for path in _SHARED:
        yield Directory(path, 0o1777)
    for path, destination in _PRIVATE_LINKS.items():
        yield Link(path, destination)
    yield Bind("/sys", "/sys")


def programs() -> tuple[Bind, ...]:
    """What Trireme runs from, where that is outside of the image's own directories."""
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(trireme.__file__).parent]
    outside = [path for path in wanted if not path.is_relative_to("/usr") and not path.is_relative_to("/opt")]
    outermost = [path for path in outside if not any(parent in outside for parent in path.parents)]
    return tuple(Bind(str(path), str(path)) for path in dict.fromkeys(outermost))


def _show(directory: str, targets: frozenset[str]) -> Iterator[Entry]:
    """``directory`` as one bind, or entry by entry where a mount point has to be made below it."""
    if not any(target.startswith(f"{directory}/") for target in targets):
        yield Bind(directory, directory)
        return
    yield Directory(directory)
    with os.scandir(directory) as found:
        children = sorted(found, key=lambda child: child.name)
    for child in children:
        if child.path in targets:
            continue
        if child.is_symlink():
            yield Link(child.path, str(Path(child.path).readlink()))
        elif child.is_dir(follow_symlinks=False):
            if _public(child):
                yield from _show(child.path, targets)
        elif child.is_file(follow_symlinks=False) and _public(child):
            yield Bind(child.path, child.path)


def _public(entry: "os.DirEntry[str]") -> bool:
    """An image holds what anyone may read: the host's private keys and password hashes stay outside."""
    return bool(entry.stat(follow_symlinks=False).st_mode & 0o004)
