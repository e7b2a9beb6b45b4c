"""What goes with its owner, what a namespace holds, and how many may be disrupted."""

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.workloads import clock, cluster, names, running, until
from trireme.sandbox.controllers.disruption import budget_status
from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.expiry import EventExpiry
from trireme.sandbox.controllers.garbage import GarbageCollector
from trireme.sandbox.controllers.namespaces import NamespaceController
from trireme.sandbox.controllers.objects import owner_reference
from trireme.sandbox.store.interface import Key, NotFoundError, Object
from trireme.sandbox.store.memory import MemoryStore


def config_map(name: str, owner: Object | None = None, **metadata: Any) -> Object:
    owners = {"ownerReferences": [owner_reference(owner)]} if owner else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", **owners, **metadata},
    }


def key(name: str) -> Key:
    return Key("", "configmaps", "default", name)


def family() -> MemoryStore:
    """A grandmother, a mother, a child; and a stranger."""
    store = MemoryStore()
    eldest = store.create("", "configmaps", config_map("eldest"))
    middle = store.create("", "configmaps", config_map("middle", eldest))
    store.create("", "configmaps", config_map("youngest", middle))
    store.create("", "configmaps", config_map("stranger"))
    return store


class TestGarbage:
    async def test_in_the_background_what_is_owned_follows(self) -> None:
        store = family()
        async with cluster(store, [GarbageCollector(store, clock)]):
            store.delete(key("eldest"))
            await until(store, lambda: names(store, "configmaps") == ["stranger"])

    async def test_in_the_foreground_the_owner_goes_last(self) -> None:
        store = family()
        store.mutate(key("youngest"), lambda obj: obj["metadata"].update(finalizers=["test/hold"]))
        async with cluster(store, [GarbageCollector(store, clock)]):
            store.delete(key("eldest"), propagation="Foreground")
            await until(store, lambda: store.get(key("youngest"))["metadata"].get("deletionTimestamp"))
            assert names(store, "configmaps") == ["eldest", "middle", "stranger", "youngest"]
            store.mutate(key("youngest"), lambda obj: obj["metadata"]["finalizers"].remove("test/hold"))
            await until(store, lambda: names(store, "configmaps") == ["stranger"])

    async def test_orphans_stay(self) -> None:
        store = family()
        async with cluster(store, [GarbageCollector(store, clock)]):
            store.delete(key("eldest"), propagation="Orphan")
            await until(store, lambda: "eldest" not in names(store, "configmaps"))
            assert "ownerReferences" not in store.get(key("middle"))["metadata"]
            assert "youngest" in names(store, "configmaps")

    async def test_one_of_two_owners_is_enough(self) -> None:
        store = family()
        other = store.get(key("stranger"))
        store.mutate(
            key("middle"), lambda obj: obj["metadata"].update(ownerReferences=[owner_reference(other)])
        )
        async with cluster(store, [GarbageCollector(store, clock)]):
            store.delete(key("eldest"))
            await until(store, lambda: len(store.get(key("middle"))["metadata"]["ownerReferences"]) == 1)
            assert "youngest" in names(store, "configmaps")

    async def test_an_owner_of_the_same_name_is_another_owner(self) -> None:
        store = family()
        store.delete(key("eldest"))
        store.create("", "configmaps", config_map("eldest"))
        async with cluster(store, [GarbageCollector(store, clock)]):
            await until(store, lambda: names(store, "configmaps") == ["eldest", "stranger"])


class TestNamespaces:
    @pytest.fixture
    def controller(self, tmp_path: Path) -> tuple[MemoryStore, NamespaceController]:
        (tmp_path / "ca.crt").write_text("CERTIFICATE")
        store = MemoryStore()
        return store, NamespaceController(store, clock, tmp_path / "ca.crt")

    def create(self, store: MemoryStore, name: str) -> Key:
        store.create("", "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return Key("", "namespaces", "", name)

    async def test_is_born_with_an_account_and_the_ca(
        self, controller: tuple[MemoryStore, NamespaceController]
    ) -> None:
        store, namespaces = controller
        async with cluster(store, [namespaces]):
            shop = self.create(store, "shop")
            await until(store, lambda: names(store, "configmaps"))
            assert store.get(Key("", "configmaps", "shop", "kube-root-ca.crt"))["data"] == {
                "ca.crt": "CERTIFICATE"
            }
            assert names(store, "serviceaccounts") == ["default"]
            assert store.get(shop)["status"] == {"phase": "Active"}
            store.delete(Key("", "serviceaccounts", "shop", "default"))
            await until(store, lambda: names(store, "serviceaccounts") == ["default"])

    async def test_goes_when_it_is_empty(self, controller: tuple[MemoryStore, NamespaceController]) -> None:
        store, namespaces = controller
        async with cluster(store, [namespaces]):
            shop, other = self.create(store, "shop"), self.create(store, "other")
            await until(store, lambda: len(names(store, "configmaps")) == 2)
            held = config_map("held", namespace="shop", finalizers=["test/hold"])
            store.create("", "configmaps", held)
            store.delete(shop)
            await until(store, lambda: store.get(shop)["status"] == {"phase": "Terminating"})
            await until(store, lambda: names(store, "configmaps") == ["kube-root-ca.crt", "held"])
            store.mutate(
                Key("", "configmaps", "shop", "held"), lambda obj: obj["metadata"].update(finalizers=[])
            )
            await until(store, lambda: names(store, "namespaces") == ["other"])
            with pytest.raises(NotFoundError):
                store.get(shop)
            assert store.get(other)["status"] == {"phase": "Active"}


async def test_events_go_after_an_hour() -> None:
    store = MemoryStore()
    subject = store.create("", "configmaps", config_map("subject"))
    for age, message in ((3601, "old"), (3590, "young")):
        Recorder(store, "test", lambda age=age: clock() - timedelta(seconds=age)).emit(  # type: ignore[misc]
            subject, "Normal", "Test", message
        )
    async with cluster(store, [EventExpiry(store, clock)]):
        await until(store, lambda: [event["message"] for event in store.list("", "events")] == ["young"])


class TestBudget:
    def status(self, ready: int, **spec: Any) -> Object:
        pod = {"metadata": {"name": "x", "namespace": "default"}}
        pods = [running(copy.deepcopy(pod), "127.99.16.1", ready=number < ready) for number in range(3)]
        budget = {"metadata": {"name": "demo", "generation": 2}, "spec": spec}
        return budget_status(budget, pods, 3, "2026-11-23T12:00:00Z")

    @pytest.mark.parametrize(
        ("ready", "spec", "allowed"),
        [
            (3, {"maxUnavailable": 1}, 1),
            (2, {"maxUnavailable": 1}, 0),
            (1, {"maxUnavailable": 1}, 0),
            (3, {"minAvailable": 2}, 1),
            (3, {"minAvailable": "50%"}, 1),
            (3, {"minAvailable": 3}, 0),
        ],
    )
    def test_allows(self, ready: int, spec: dict[str, Any], allowed: int) -> None:
        found = self.status(ready, **spec)
        assert found["disruptionsAllowed"] == allowed
        assert (found["expectedPods"], found["currentHealthy"]) == (3, ready)
        assert found["observedGeneration"] == 2
