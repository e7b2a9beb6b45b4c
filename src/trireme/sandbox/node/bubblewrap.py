"""The bubblewrap command for one container. Pure: what to show is decided elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from trireme.sandbox.node.image import Bind, Directory, Entry, Link


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """A container's surroundings."""

    hostname: str
    user: int
    group: int
    working_directory: str
    environment: Mapping[str, str]
    image: tuple[Entry, ...]
    programs: tuple[Bind, ...]
    mounts: tuple[Bind, ...]
    """Volumes and generated files; targets are resolved paths."""
    read_only_root: bool


def options(container: Sandboxed) -> list[str]:
    """What goes to ``bwrap --args``: in a file, as the environment may hold secrets.

    The user namespace maps the container's user to the sandbox's own, so that files which it writes in
    volumes remain the sandbox user's to remove. Two binds at nested paths are made parent first.
    """
    return [
        *("--unshare-user", "--uid", str(container.user), "--gid", str(container.group)),
        *("--unshare-pid", "--as-pid-1", "--die-with-parent", "--unshare-ipc"),
        *("--unshare-uts", "--hostname", container.hostname),
        "--clearenv",
        *_flatten(("--setenv", name, value) for name, value in container.environment.items()),
        *_flatten(_entry(entry) for entry in container.image),
        *("--proc", "/proc", "--dev", "/dev"),
        *_flatten(_entry(bind) for bind in _parents_first((*container.programs, *container.mounts))),
        *(("--remount-ro", "/") if container.read_only_root else ()),
        *("--chdir", container.working_directory),
    ]


def _parents_first(binds: Iterable[Bind]) -> list[Bind]:
    return sorted(binds, key=lambda bind: bind.target.count("/"))


def _entry(entry: Entry) -> tuple[str, ...]:
    match entry:
        case Bind(source, target, writable):
            return ("--bind" if writable else "--ro-bind", source, target)
        case Directory(path, mode):
            return ("--perms", f"{mode:04o}", "--dir", path)
        case Link(path, destination):
            return ("--symlink", destination, path)
        case _:
            assert_never(entry)


def _flatten(groups: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for group in groups:
        yield from group
