"""A pod's volumes as directories of the host."""

import shutil
from pathlib import Path

from trireme.sandbox.node.assembly import Volume
from trireme.sandbox.node.environment import ConfigError
from trireme.sandbox.node.projection import Sources, publish, volume_files
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store


class Volumes:
    """What is mounted in one pod; ``directory`` holds a folder for each volume and goes with the pod."""

    def __init__(self, store: Store, directory: Path, sources: Sources) -> None:
        self._store = store
        self._directory = directory
        self._sources = sources

    def set_up(self, pod: Object) -> dict[str, Volume]:
        """Each volume by name, made or brought up to date. Raises VolumeError."""
        return {volume["name"]: self._set_up(pod, volume) for volume in pod["spec"].get("volumes") or ()}

    def refresh(self, pod: Object) -> None:
        """Write what changed in ConfigMaps, Secrets and labels; an object that has gone leaves its files."""
        for volume in pod["spec"].get("volumes") or ():
            try:
                files = volume_files(pod, volume, self._sources)
            except (ConfigError, NotFoundError):
                continue
            if files is not None:
                publish(self._directory / volume["name"], files)

    def remove(self) -> None:
        """Delete all but persistent volumes."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _set_up(self, pod: Object, volume: Object) -> Volume:
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]
            return Volume(self._claimed(pod, claim["claimName"]), writable=not claim.get("readOnly"))
        path = self._directory / str(volume["name"])
        try:
            files = volume_files(pod, volume, self._sources)
            if files is None and "emptyDir" not in volume:
                kinds = ", ".join(key for key in volume if key != "name")
                raise ConfigError(f"a volume of kind {kinds} is not emulated by the sandbox")
            path.mkdir(parents=True, exist_ok=True)
            if files is None:
                path.chmod(0o777)
            else:
                publish(path, files)
        except (ConfigError, NotFoundError) as error:
            raise VolumeError(volume["name"], str(error)) from error
        return Volume(path, writable=files is None)

    def _claimed(self, pod: Object, claim: str) -> Path:
        namespace = pod["metadata"]["namespace"]
        try:
            found = self._store.get(Key("", "persistentvolumeclaims", namespace, claim))
            name = (found.get("spec") or {}).get("volumeName", "")
            volume = self._store.get(Key("", "persistentvolumes", "", name))
        except NotFoundError as error:
            raise VolumeError(claim, f"claim {namespace}/{claim} is not bound: {error}") from error
        path = Path(volume["spec"]["hostPath"]["path"])
        if not path.is_dir():
            raise VolumeError(claim, f"the directory {path} of PersistentVolume {name} does not exist")
        return path


class VolumeError(Exception):
    """A volume cannot be set up (the kubelet's FailedMount)."""

    def __init__(self, volume: str, why: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')
