"""The images there are: this machine's own programs, shown read-only, plus Trireme where it is installed; and roots
of other images that the sandbox was told of, with this Trireme in the place of theirs."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import trireme

REPOSITORY = "trireme"
"""The last part of every accepted image name."""

USER = 999
GROUP = 0
"""Who containers run as unless the pod says otherwise: the USER of deploy/Containerfile."""

HOST = Path("/")
"""The root of the image that is this machine."""

INSTALLED = "opt/trireme"
"""Where an image has Trireme, with a Python and libraries of its own (deploy/Containerfile)."""

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


def read_images(file: Path | None) -> dict[str, Path]:
    """Names of other images, and where their roots are on the host. Raises ValueError for a file that is none."""
    if file is None or not file.exists():
        return {}
    return {str(name): Path(root) for name, root in json.loads(file.read_text()).items()}


def unusable(root: Path) -> str | None:
    """Why a directory cannot be an image's root here, or None."""
    if root == HOST or (root.is_absolute() and _package(root) is not None):
        return None
    return f"{root} is not the root of an image with Trireme in it: no /{INSTALLED}, as deploy/Containerfile makes it"


def refusal(image: str, others: Mapping[str, Path]) -> str | None:
    """Why an image cannot be had here, or None."""
    if image in others:
        return unusable(others[image])
    name = image.partition("@")[0]
    repository = name.rpartition("/")[2].partition(":")[0]
    if repository == REPOSITORY:
        return None
    return (
        f'failed to pull image "{image}": the sandbox has only images named "{REPOSITORY}" '
        f"(such as {REPOSITORY}/{REPOSITORY}:0.1.0), which are this machine's own file system, "
        "and those of `trireme sandbox up --image`"
    )


def search_path(root: Path) -> str:
    """PATH inside the container: Trireme's own environment first."""
    own = sys.prefix if root == HOST else f"/{INSTALLED}"
    return f"{own}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _package(root: Path) -> Path | None:
    return next(iter(sorted((root / INSTALLED).glob("lib/python3*/site-packages/trireme"))), None)


def resolve(path: str, root: Path = HOST) -> str:
    """Where ``path`` ends up in the image once the links on the way to it are followed.

    Mount points must be named so: a link to an absolute path would lead bubblewrap out of the new root.
    """
    resolved = "/"
    parts = [part for part in path.split("/") if part]
    for _ in range(40 + len(parts)):
        if not parts:
            return resolved
        step = os.path.normpath(f"{resolved}/{parts.pop(0)}").replace("//", "/")
        destination = _link(step, root)
        if destination is None:
            resolved = step
            continue
        parts = [part for part in destination.split("/") if part] + parts
        if destination.startswith("/"):
            resolved = "/"
    raise ValueError(f"{path}: too many symbolic links")


def _link(path: str, root: Path) -> str | None:
    if path in _PRIVATE_LINKS:
        return _PRIVATE_LINKS[path]
    if not path.startswith((*_HOST_DIRECTORIES, *_MAYBE_MERGED)) or not _in(root, path).is_symlink():
        return None
    return str(_in(root, path).readlink())


def _in(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def entries(targets: frozenset[str], root: Path = HOST) -> Iterator[Entry]:
    """The image's root, parents before children, with room for mounts at ``targets`` (resolved paths)."""
    for path in _HOST_DIRECTORIES:
        yield from _show(path, targets, root)
    for path in _MAYBE_MERGED:
        if _in(root, path).is_symlink():
            yield Link(path, str(_in(root, path).readlink()))
        elif _in(root, path).is_dir():
            yield from _show(path, targets, root)
    for path in _EMPTY:
        yield Directory(path)
    for path in _SHARED:
        yield Directory(path, 0o1777)
    for path, destination in _PRIVATE_LINKS.items():
        yield Link(path, destination)
    yield Bind("/sys", "/sys")


def programs(root: Path = HOST) -> tuple[Bind, ...]:
    """What Trireme runs from, where that is outside of the image's own directories; in another image, this Trireme."""
    package = _package(root) if root != HOST else None
    if package is not None:
        return (Bind(str(Path(trireme.__file__).parent), f"/{package.relative_to(root)}"),)
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(trireme.__file__).parent]
    outside = [path for path in wanted if not path.is_relative_to("/usr") and not path.is_relative_to("/opt")]
    outermost = [path for path in outside if not any(parent in outside for parent in path.parents)]
    return tuple(Bind(str(path), str(path)) for path in dict.fromkeys(outermost))


def _show(directory: str, targets: frozenset[str], root: Path) -> Iterator[Entry]:
    """``directory`` as one bind, or entry by entry where a mount point has to be made below it."""
    if not any(target.startswith(f"{directory}/") for target in targets):
        yield Bind(str(_in(root, directory)), directory)
        return
    yield Directory(directory)
    with os.scandir(_in(root, directory)) as found:
        children = sorted(found, key=lambda child: child.name)
    for child in children:
        target = f"{directory}/{child.name}"
        if target in targets:
            continue
        if child.is_symlink():
            yield Link(target, str(Path(child.path).readlink()))
        elif child.is_dir(follow_symlinks=False):
            if _public(child):
                yield from _show(target, targets, root)
        elif child.is_file(follow_symlinks=False) and _public(child):
            yield Bind(child.path, target)


def _public(entry: "os.DirEntry[str]") -> bool:
    """An image holds what anyone may read: the host's private keys and password hashes stay outside."""
    return bool(entry.stat(follow_symlinks=False).st_mode & 0o004)
