"""PersistentVolumes as directories of the sandbox's folder: provisioning, binding, expansion and reclaim."""

import asyncio
import contextlib
import copy
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import (
    annotations_of,
    finished,
    key_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    terminating,
    uid_of,
)
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.controllers.writes import Create, Delete, Emit, Replace, SetStatus, Write, apply
from trireme.sandbox.store.interface import Change, ExistsError, Key, NotFoundError, Object, Store

log = logging.getLogger(__name__)

PROVISIONER = "trireme.dev/directory"
DEFAULT_CLASS = "standard"
DEFAULT_CLASS_ANNOTATION = "storageclass.kubernetes.io/is-default-class"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
IN_USE_FINALIZER = "kubernetes.io/pvc-protection"
CLAIM_GROUP, CLAIM_RESOURCE = "", "persistentvolumeclaims"


def default_class() -> Object:
    """The StorageClass that every sandbox starts with."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": DEFAULT_CLASS, "annotations": {DEFAULT_CLASS_ANNOTATION: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim and what decides about it. ``users`` are the unfinished pods that mount it."""

    claim: Object
    classes: Sequence[Object]
    volumes: Sequence[Object]
    users: Sequence[Object]
    directory: Path
    """Where volumes are kept, one directory each."""


def plan_claim(view: ClaimView) -> list[Write]:
    """Protect, bind to the volume that is named, provision one, record an expansion."""
    claim = view.claim
    if terminating(claim):
        return _let_go(view)
    finalizers = claim["metadata"].get("finalizers") or []
    if IN_USE_FINALIZER not in finalizers:
        protected = copy.deepcopy(claim)
        protected["metadata"]["finalizers"] = [*finalizers, IN_USE_FINALIZER]
        return [Replace(CLAIM_GROUP, CLAIM_RESOURCE, protected)]
    if status_of(claim).get("phase") == "Bound":
        return _expand(view)
    wanted = spec_of(claim).get("volumeName")
    for volume in view.volumes:
        reference = spec_of(volume).get("claimRef")
        ours = reference is not None and reference.get("uid") == uid_of(claim)
        if ours or (wanted == name_of(volume) and reference is None):
            return _bind(claim, volume)
    if wanted:
        return [
            Emit(claim, "Warning", "FailedBinding", f'volume "{wanted}" not found, or it has another claim')
        ]
    return _provision(view)


def class_of(claim: Object, classes: Sequence[Object]) -> Object | str:
    """The claim's StorageClass, or why it has none."""
    name = spec_of(claim).get("storageClassName")
    if name is None:
        for found in classes:
            if annotations_of(found).get(DEFAULT_CLASS_ANNOTATION) == "true":
                return found
        return "no persistent volumes available for this claim and no storage class is set"
    for found in classes:
        if name_of(found) == name:
            return found
    return f'storageclass.storage.k8s.io "{name}" not found'


def _let_go(view: ClaimView) -> list[Write]:
    finalizers = view.claim["metadata"].get("finalizers") or []
    if view.users or IN_USE_FINALIZER not in finalizers:
        return []
    released = copy.deepcopy(view.claim)
    released["metadata"]["finalizers"] = [each for each in finalizers if each != IN_USE_FINALIZER]
    return [Replace(CLAIM_GROUP, CLAIM_RESOURCE, released)]


def _provision(view: ClaimView) -> list[Write]:
    claim, found = view.claim, class_of(view.claim, view.classes)
    if isinstance(found, str):
        return [Emit(claim, "Warning", "ProvisioningFailed", found)]
    if found.get("provisioner") != PROVISIONER:
        message = (
            f"provisioner {found.get('provisioner')!r} does not exist in the sandbox; it has {PROVISIONER!r}"
        )
        return [Emit(claim, "Warning", "ProvisioningFailed", message)]
    for field in ("dataSource", "dataSourceRef", "selector"):
        if spec_of(claim).get(field):
            message = f"spec.{field} is not emulated by the sandbox: remove it"
            return [Emit(claim, "Warning", "ProvisioningFailed", message)]
    if spec_of(claim).get("volumeMode", "Filesystem") != "Filesystem":
        message = "volumeMode Block is not emulated by the sandbox: use Filesystem"
        return [Emit(claim, "Warning", "ProvisioningFailed", message)]
    if found.get("volumeBindingMode") == "WaitForFirstConsumer" and not view.users:
        message = "waiting for first consumer to be created before binding"
        return [Emit(claim, "Normal", "WaitForFirstConsumer", message)]
    return [Create("", "persistentvolumes", _volume(view, found))]


def _volume(view: ClaimView, storage_class: Object) -> Object:
    claim = view.claim
    name = f"pvc-{uid_of(claim)}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": _requested(claim)},
            "accessModes": spec_of(claim).get("accessModes") or ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(storage_class),
            "volumeMode": "Filesystem",
            "hostPath": {"path": str(view.directory / name), "type": "DirectoryOrCreate"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace_of(claim),
                "name": name_of(claim),
                "uid": uid_of(claim),
            },
        },
        "status": {"phase": "Bound"},
    }


def _requested(claim: Object) -> str:
    return str((spec_of(claim).get("resources") or {}).get("requests", {}).get("storage", "1Gi"))


def _bind(claim: Object, volume: Object) -> list[Write]:
    bound = copy.deepcopy(claim)
    bound["spec"]["volumeName"] = name_of(volume)
    bound["spec"].setdefault("storageClassName", spec_of(volume).get("storageClassName", ""))
    bound["spec"].setdefault("volumeMode", "Filesystem")
    bound["metadata"]["annotations"] = {
        **annotations_of(claim),
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
    }
    bound["status"] = {
        "phase": "Bound",
        "accessModes": spec_of(volume)["accessModes"],
        "capacity": spec_of(volume)["capacity"],
    }
    taken = copy.deepcopy(volume)
    taken["spec"]["claimRef"] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
    }
    taken["status"] = {"phase": "Bound"}
    return [Replace("", "persistentvolumes", taken), Replace(CLAIM_GROUP, CLAIM_RESOURCE, bound)]


def _expand(view: ClaimView) -> list[Write]:
    """A directory has no size of its own: the new one is recorded, and that is all."""
    claim, requested = view.claim, _requested(view.claim)
    if (status_of(claim).get("capacity") or {}).get("storage") == requested:
        return []
    capacity = {"storage": requested}
    status = SetStatus(key_of("", CLAIM_RESOURCE, claim), {**status_of(claim), "capacity": capacity})
    writes: list[Write] = [status]
    for volume in view.volumes:
        if name_of(volume) == spec_of(claim).get("volumeName"):
            grown = copy.deepcopy(volume)
            grown["spec"]["capacity"] = capacity
            writes.insert(0, Replace("", "persistentvolumes", grown))
    return writes


class ClaimController:
    """Binds claims to directories."""

    name = "persistentvolumeclaim"

    def __init__(self, store: Store, clock: Clock, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._recorder = Recorder(store, "persistentvolume-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {
            ("", CLAIM_RESOURCE): itself,
            ("", "pods"): _claims_of_pod,
            ("", "persistentvolumes"): _claim_of_volume,
            ("storage.k8s.io", "storageclasses"): self._unbound_claims,
        }

    async def reconcile(self, key: Key) -> float | None:
        try:
            claim = self._store.get(key)
        except NotFoundError:
            return None
        pods = self._store.list("", "pods", key.namespace)
        view = ClaimView(
            claim,
            self._store.list("storage.k8s.io", "storageclasses"),
            self._store.list("", "persistentvolumes"),
            [pod for pod in pods if key.name in claim_names(pod) and not finished(pod)],
            self._directory,
        )
        writes = plan_claim(view)
        for write in writes:
            if isinstance(write, Create):
                Path(write.obj["spec"]["hostPath"]["path"]).mkdir(mode=0o777, parents=True, exist_ok=True)
        with contextlib.suppress(ExistsError):
            apply(self._store, self._recorder, writes)
        return None

    def _unbound_claims(self, change: Change) -> Iterable[Key]:
        for claim in self._store.list("", CLAIM_RESOURCE):
            if status_of(claim).get("phase") != "Bound":
                yield key_of("", CLAIM_RESOURCE, claim)


class VolumeController:
    """Releases volumes whose claim is gone, and removes their directories where the policy says so."""

    name = "persistentvolume"

    def __init__(self, store: Store, clock: Clock, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._recorder = Recorder(store, "persistentvolume-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {("", "persistentvolumes"): itself, ("", CLAIM_RESOURCE): _volume_of_claim}

    async def reconcile(self, key: Key) -> float | None:
        try:
            volume = self._store.get(key)
        except NotFoundError:
            return None
        reference = spec_of(volume).get("claimRef")
        if reference is None:
            if status_of(volume).get("phase") != "Available":
                apply(self._store, self._recorder, [SetStatus(key, {"phase": "Available"})])
            return None
        if self._claim_lives(reference):
            return None
        if status_of(volume).get("phase") != "Released":
            apply(self._store, self._recorder, [SetStatus(key, {"phase": "Released"})])
        if spec_of(volume).get("persistentVolumeReclaimPolicy") == "Delete":
            await self._remove(volume)
            apply(self._store, self._recorder, [Delete(key, uid_of(volume))])
        return None

    def _claim_lives(self, reference: Object) -> bool:
        key = Key("", CLAIM_RESOURCE, reference["namespace"], reference["name"])
        try:
            return uid_of(self._store.get(key)) == str(reference["uid"])
        except NotFoundError:
            return False

    async def _remove(self, volume: Object) -> None:
        """Only a directory that this sandbox made is ever removed. Raises OSError; the runner tries again."""
        path = self._directory / name_of(volume)
        ours = annotations_of(volume).get(PROVISIONED_BY) == PROVISIONER
        if ours and await asyncio.to_thread(path.is_dir):
            log.info("volume %s: its claim is gone, removing %s", name_of(volume), path)
            await asyncio.to_thread(shutil.rmtree, path)


def claim_names(pod: Object) -> set[str]:
    """The names of the claims that the pod mounts."""
    volumes = spec_of(pod).get("volumes") or ()
    return {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}


def _claims_of_pod(change: Change) -> Iterable[Key]:
    return [Key("", CLAIM_RESOURCE, change.key.namespace, name) for name in claim_names(change.new)]


def _claim_of_volume(change: Change) -> Iterable[Key]:
    reference = spec_of(change.new).get("claimRef")
    return (Key("", CLAIM_RESOURCE, reference["namespace"], reference["name"]),) if reference else ()


def _volume_of_claim(change: Change) -> Iterable[Key]:
    name = spec_of(change.new).get("volumeName")
    return (Key("", "persistentvolumes", "", name),) if name else ()
