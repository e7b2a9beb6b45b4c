"""From a pod's words to a container's surroundings: user, environment, mounts, command."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trireme.sandbox.node import image
from trireme.sandbox.node.bubblewrap import Sandboxed
from trireme.sandbox.node.environment import ConfigError, References, expand, resolve
from trireme.sandbox.node.image import Bind
from trireme.sandbox.node.interface import Endpoint, NodeSettings
from trireme.sandbox.store.interface import Object

TERMINATION_LOG = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume that is set up: what of it is on the host."""

    path: Path
    writable: bool


@dataclass(frozen=True, slots=True)
class Assembled:
    """A container ready to start."""

    surroundings: Sandboxed
    command: tuple[str, ...]


def assemble(
    pod: Object,
    container: Object,
    *,
    settings: NodeSettings,
    references: References,
    volumes: Mapping[str, Volume],
    generated: Mapping[str, Path],
    root: Path = image.HOST,
) -> Assembled:
    """``generated`` are files of the node's own, by the path they are shown at; ``root``: of the container's image.
    Raises ConfigError."""
    user, group = _identity(pod, container)
    variables = resolve(pod, container, references, _base(pod, settings, root))
    mounts = [
        *_volume_mounts(container, volumes, variables, root),
        *(
            Bind(str(source), target, writable=target == termination_path(container))
            for target, source in generated.items()
        ),
    ]
    targets = frozenset(mount.target for mount in mounts)
    return Assembled(
        Sandboxed(
            hostname=hostname(pod),
            user=user,
            group=group,
            working_directory=container.get("workingDir") or image.WORKING_DIRECTORY,
            environment=variables,
            image=tuple(image.entries(targets, root)),
            programs=image.programs(root),
            mounts=tuple(mounts),
            read_only_root=bool((container.get("securityContext") or {}).get("readOnlyRootFilesystem")),
        ),
        _command(container, variables),
    )


def hostname(pod: Object) -> str:
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])


def termination_path(container: Object) -> str:
    return str(container.get("terminationMessagePath") or TERMINATION_LOG)


def _identity(pod: Object, container: Object) -> tuple[int, int]:
    asked = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    user = int(asked.get("runAsUser", image.USER))
    if user == 0 and asked.get("runAsNonRoot"):
        raise ConfigError(
            f"container's runAsUser breaks non-root policy (pod: {pod['metadata']['name']!r}, "
            f"container: {container['name']})"
        )
    return user, int(asked.get("runAsGroup", image.GROUP))


def _base(pod: Object, settings: NodeSettings, root: Path) -> dict[str, str]:
    """What the container runtime and the kubelet set before the pod's own variables."""
    return {
        "PATH": image.search_path(root),
        "HOSTNAME": hostname(pod),
        "HOME": "/",
        "KUBERNETES_SERVICE_HOST": settings.api.address,
        "KUBERNETES_SERVICE_PORT": str(settings.api.port),
        "KUBERNETES_SERVICE_PORT_HTTPS": str(settings.api.port),
        **_nameserver(settings.nameserver),
    }


def _nameserver(server: Endpoint) -> dict[str, str]:
    """Trireme's own variable for what /etc/resolv.conf cannot say: a port other than 53."""
    return {} if server.port == 53 else {"TRIREME_NAMESERVERS": f"{server.address}:{server.port}"}


def _volume_mounts(
    container: Object, volumes: Mapping[str, Volume], variables: Mapping[str, str], root: Path
) -> Iterator[Bind]:
    for mount in container.get("volumeMounts") or ():
        if mount["name"] not in volumes:
            raise ConfigError(f"volumeMount {mount['name']!r}: the pod has no such volume")
        volume = volumes[mount["name"]]
        source = volume.path
        below = expand(mount.get("subPathExpr") or "", variables) or mount.get("subPath") or ""
        if below:
            source = _sub_path(source, below)
        yield Bind(
            str(source),
            _target(mount["mountPath"], root),
            writable=volume.writable and not mount.get("readOnly"),
        )


def _target(path: str, root: Path) -> str:
    try:
        return image.resolve(path, root)
    except ValueError as error:
        raise ConfigError(f"mountPath {error}") from error


def _sub_path(volume: Path, below: str) -> Path:
    if posixpath.isabs(below) or ".." in below.split("/"):
        raise ConfigError(f"subPath {below!r} must be relative and must not contain '..'")
    path = volume / below
    if not path.exists():
        path.mkdir(parents=True)
    resolved = path.resolve()
    if not resolved.is_relative_to(volume.resolve()):
        raise ConfigError(f"subPath {below!r} leaves its volume")
    return resolved


def _command(container: Object, variables: Mapping[str, str]) -> tuple[str, ...]:
    words = [*(container.get("command") or image.ENTRYPOINT), *(container.get("args") or ())]
    return tuple(expand(word, variables) for word in words)
