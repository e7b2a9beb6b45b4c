"""The files of ConfigMap, Secret, downward API and projected volumes, and how they are put on disk."""

import base64
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trireme.sandbox.node.environment import ConfigError, References, field_value
from trireme.sandbox.node.resources import container_resource
from trireme.sandbox.store.interface import Object

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    mode: int = DEFAULT_MODE


Files = Mapping[str, File]
"""By path relative to the volume's root."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What projected files are made of. ``token(audience, seconds)`` is a ServiceAccount token of this pod."""

    references: References
    token: Callable[[str, int], str]


def volume_files(pod: Object, volume: Object, sources: Sources) -> Files | None:
    """The files of a volume of the four projecting kinds; None for any other. Raises ConfigError."""
    for kind in ("configMap", "secret", "downwardAPI", "projected"):
        if kind in volume:
            source: dict[str, Any] = volume[kind] or {}
            mode = source.get("defaultMode", DEFAULT_MODE)
            if kind == "secret":
                source = {**source, "name": source.get("secretName")}
            parts: list[Object] = source.get("sources") or [] if kind == "projected" else [{kind: source}]
            return {path: file for part in parts for path, file in _part(pod, part, mode, sources)}
    return None


def _part(pod: Object, part: Object, mode: int, sources: Sources) -> Iterator[tuple[str, File]]:
    kind, source = next(iter(part.items()))
    match kind:
        case "configMap":
            yield from _keys(_config_map(source, sources.references), source, mode, "config map")
        case "secret":
            yield from _keys(_secret(source, sources.references), source, mode, "secret")
        case "downwardAPI":
            for item in source.get("items") or ():
                yield item["path"], File(_downward(pod, item).encode(), item.get("mode", mode))
        case "serviceAccountToken":
            token = sources.token(source.get("audience", ""), source.get("expirationSeconds", 3600))
            yield source["path"], File(token.encode(), 0o600 if mode == DEFAULT_MODE else mode)
        case _:
            raise ConfigError(f"projected volume source {kind!r} is not emulated by the sandbox")


def _config_map(source: Object, references: References) -> dict[str, bytes] | None:
    found = references.config_map(source["name"])
    if found is None:
        if not source.get("optional"):
            raise ConfigError(f'configmap "{source["name"]}" not found')
        return None
    texts = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    return texts | {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}


def _secret(source: Object, references: References) -> dict[str, bytes] | None:
    found = references.secret(source["name"])
    if found is None:
        if not source.get("optional"):
            raise ConfigError(f'secret "{source["name"]}" not found')
        return None
    return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}


def _keys(data: dict[str, bytes] | None, source: Object, mode: int, kind: str) -> Iterator[tuple[str, File]]:
    if data is None:
        return
    items: list[dict[str, Any]] = source.get("items") or [{"key": key, "path": key} for key in data]
    for item in items:
        if item["key"] in data:
            yield item["path"], File(data[item["key"]], item.get("mode", mode))
        elif not source.get("optional"):
            raise ConfigError(f"{kind} references non-existent key: {item['key']}")


def _downward(pod: Object, item: Object) -> str:
    if "fieldRef" in item:
        return field_value(pod, item["fieldRef"]["fieldPath"])
    return container_resource(pod, pod["spec"]["containers"][0], item["resourceFieldRef"])


def publish(directory: Path, files: Files) -> bool:
    """Make ``directory`` hold exactly ``files``; a reader sees all old or all new ones. True if it changed.

    As the kubelet does: the files are in a hidden directory, ``..data`` is a link to it, and each name links
    through ``..data``. Raises OSError, and ConfigError for a path that leaves the volume.
    """
    current = directory / "..data"
    if current.is_symlink() and _read(current) == dict(files):
        return False
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=directory))
    fresh.chmod(0o755)
    for path, file in files.items():
        _write(fresh, path, file)
    old = directory / current.readlink() if current.is_symlink() else None
    link = directory / "..data_tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(current)
    _link_names(directory, {Path(path).parts[0] for path in files})
    if old is not None:
        shutil.rmtree(old)
    return True


def _write(root: Path, path: str, file: File) -> None:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ConfigError(f"path {path!r} must be relative to the volume and must not contain '..'")
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(file.content)
        os.fchmod(opened.fileno(), file.mode)


def _read(root: Path) -> dict[str, File]:
    found = (path for path in root.resolve().rglob("*") if path.is_file())
    return {
        str(path.relative_to(root.resolve())): File(path.read_bytes(), path.stat().st_mode & 0o7777)
        for path in found
    }


def _link_names(directory: Path, names: set[str]) -> None:
    for present in directory.iterdir():
        if present.is_symlink() and not present.name.startswith("..") and present.name not in names:
            present.unlink()
    for name in names:
        with contextlib.suppress(FileExistsError):
            (directory / name).symlink_to(Path("..data") / name)
