"""Claims and volumes: from a claim to a directory, and back to nothing."""

from functools import partial
from pathlib import Path
from typing import Any

from tests.sandbox.workloads import clock, cluster, names, until
from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.runner import Controller
from trireme.sandbox.controllers.volumes import ClaimController, VolumeController, default_class
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

CLAIM = Key("", "persistentvolumeclaims", "default", "data")


def claim(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def user(name: str = "user") -> Object:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [], "volumes": volumes},
    }


def storage_class(name: str, **fields: Any) -> Object:
    return {**default_class(), "metadata": {"name": name}, **fields}


def store_with(*classes: Object) -> MemoryStore:
    store = MemoryStore()
    for each in (default_class(), *classes):
        store.create("storage.k8s.io", "storageclasses", each)
    return store


def controllers(store: MemoryStore, directory: Path) -> list[Controller]:
    return [ClaimController(store, clock, directory), VolumeController(store, clock, directory)]


def bound(store: MemoryStore) -> bool:
    return bool((store.get(CLAIM).get("status") or {}).get("phase") == "Bound")


def said(store: MemoryStore, reason: str) -> bool:
    return any(reason in each for each in events(store))


def events(store: MemoryStore) -> list[str]:
    return [event["message"] for event in store.list("", "events")]


async def test_a_claim_becomes_a_directory_of_the_default_class(tmp_path: Path) -> None:
    store = store_with()
    store.create("", "persistentvolumeclaims", claim())
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: bound(store))
        found = store.get(CLAIM)
        volume = store.get(Key("", "persistentvolumes", "", found["spec"]["volumeName"]))
        assert found["spec"]["storageClassName"] == "standard"
        assert found["status"]["capacity"] == {"storage": "1Gi"}
        assert volume["spec"]["claimRef"]["uid"] == found["metadata"]["uid"]
        assert Path(volume["spec"]["hostPath"]["path"]).is_dir()
        assert Path(volume["spec"]["hostPath"]["path"]).parent == tmp_path


async def test_a_claim_in_use_is_not_deleted_until_its_pod_is_gone(tmp_path: Path) -> None:
    store = store_with()
    store.create("", "persistentvolumeclaims", claim())
    pod = store.create("", "pods", user())
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: bound(store))
        (directory,) = tmp_path.iterdir()
        (directory / "ibdata1").write_text("data")
        store.delete(CLAIM)
        store.mutate(CLAIM, lambda obj: obj["metadata"].update(labels={"look": "again"}))
        assert names(store, "persistentvolumeclaims") == ["data"]
        store.delete(Key("", "pods", "default", "user"), uid=pod["metadata"]["uid"], grace_seconds=0)
        await until(store, lambda: names(store, "persistentvolumes") == [])
        assert names(store, "persistentvolumeclaims") == []
        assert list(tmp_path.iterdir()) == []


async def test_retain_keeps_the_directory_and_its_volume_can_be_claimed_again(tmp_path: Path) -> None:
    store = store_with(storage_class("kept", reclaimPolicy="Retain"))
    store.create("", "persistentvolumeclaims", claim(storageClassName="kept"))
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: bound(store))
        (volume,) = names(store, "persistentvolumes")
        key = Key("", "persistentvolumes", "", volume)
        store.delete(CLAIM)
        await until(store, lambda: store.get(key)["status"]["phase"] == "Released")
        assert (tmp_path / volume).is_dir()
        store.mutate(key, lambda obj: obj["spec"].pop("claimRef"))
        await until(store, lambda: store.get(key)["status"]["phase"] == "Available")
        store.create("", "persistentvolumeclaims", claim(storageClassName="kept", volumeName=volume))
        await until(store, lambda: bound(store))
        assert store.get(key)["spec"]["claimRef"]["uid"] == store.get(CLAIM)["metadata"]["uid"]


async def test_waits_for_the_first_consumer_where_the_class_says_so(tmp_path: Path) -> None:
    store = store_with(storage_class("late", volumeBindingMode="WaitForFirstConsumer"))
    store.create("", "persistentvolumeclaims", claim(storageClassName="late"))
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: events(store))
        assert events(store) == ["waiting for first consumer to be created before binding"]
        assert not bound(store)
        store.create("", "pods", user())
        await until(store, lambda: bound(store))


async def test_an_expansion_is_recorded(tmp_path: Path) -> None:
    store = store_with()
    store.create("", "persistentvolumeclaims", claim())
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: bound(store))
        store.mutate(CLAIM, lambda obj: obj["spec"]["resources"]["requests"].update(storage="2Gi"))
        await until(store, lambda: store.get(CLAIM)["status"]["capacity"] == {"storage": "2Gi"})
        (volume,) = store.list("", "persistentvolumes")
        assert volume["spec"]["capacity"] == {"storage": "2Gi"}


async def test_what_cannot_be_provisioned_says_why(tmp_path: Path) -> None:
    store = store_with(storage_class("other", provisioner="example.org/disk"))
    reasons = {
        'storageclass.storage.k8s.io "fast" not found': claim(storageClassName="fast"),
        "provisioner 'example.org/disk' does not exist": claim(storageClassName="other"),
        "volumeMode Block is not emulated": claim(volumeMode="Block"),
        "spec.dataSource is not emulated": claim(dataSource={"kind": "VolumeSnapshot", "name": "x"}),
    }
    async with cluster(store, controllers(store, tmp_path)):
        for reason, refused in reasons.items():
            store.create("", "persistentvolumeclaims", refused)
            await until(store, partial(said, store, reason))
            store.delete(CLAIM)
            await until(store, lambda: names(store, "persistentvolumeclaims") == [])


async def test_a_claim_that_was_bound_before_a_restart_stays_bound(tmp_path: Path) -> None:
    store = store_with()
    store.create("", "persistentvolumeclaims", claim())
    async with cluster(store, controllers(store, tmp_path)):
        await until(store, lambda: bound(store))
    before = store.version
    async with cluster(store, controllers(store, tmp_path)):
        Recorder(store, "test", clock).emit(store.get(CLAIM), "Normal", "Marker", "something later")
        await until(store, lambda: events(store))
    assert store.version == before + 1
