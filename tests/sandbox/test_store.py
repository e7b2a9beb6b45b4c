"""The store alone: versions, conflicts, deletion, watches, and what a new process finds after ``kill -9``."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trireme.base.errors import PermanentError
from trireme.sandbox.store.interface import (
    Change,
    ConflictError,
    ExistsError,
    GoneError,
    Key,
    NotFoundError,
    Object,
)
from trireme.sandbox.store.journal import JOURNAL
from trireme.sandbox.store.memory import MemoryStore, open_store


def config_map(name: str, **data: str) -> Object:
    return {"metadata": {"namespace": "ns", "name": name}, "data": dict(data)}


def pod(name: str, **spec: object) -> Object:
    return {"metadata": {"namespace": "ns", "name": name}, "spec": dict(spec)}


def cm_key(name: str) -> Key:
    return Key("", "configmaps", "ns", name)


POD = Key("", "pods", "ns", "p")


class TestWrites:
    def test_create_fills_what_only_the_store_knows(self) -> None:
        made = MemoryStore().create("", "pods", pod("p"))
        assert made["metadata"]["resourceVersion"] == "1"
        assert made["metadata"]["generation"] == 1
        assert made["metadata"]["uid"] and made["metadata"]["creationTimestamp"].endswith("Z")

    def test_generate_name_adds_five_characters(self) -> None:
        made = MemoryStore().create("", "pods", {"metadata": {"namespace": "ns", "generateName": "job-"}})
        assert made["metadata"]["name"].startswith("job-") and len(made["metadata"]["name"]) == 9

    def test_a_name_is_taken_once(self) -> None:
        store = MemoryStore()
        store.create("", "configmaps", config_map("a"))
        with pytest.raises(ExistsError, match='configmaps "a" already exists'):
            store.create("", "configmaps", config_map("a"))

    def test_a_stale_version_conflicts(self) -> None:
        store = MemoryStore()
        first = store.create("", "configmaps", config_map("a", x="1"))
        store.update("", "configmaps", {**first, "data": {"x": "2"}})
        with pytest.raises(ConflictError, match="the object has been modified"):
            store.update("", "configmaps", {**first, "data": {"x": "3"}})

    def test_writing_the_same_is_no_write(self) -> None:
        store = MemoryStore()
        made = store.create("", "configmaps", config_map("a", x="1"))
        assert store.update("", "configmaps", made) == made
        assert store.version == 1

    def test_generation_counts_changes_of_the_desired_state_only(self) -> None:
        store = MemoryStore()
        store.create("", "pods", pod("p"))
        store.mutate(POD, lambda p: p.update(status={"phase": "Running"}))
        store.mutate(POD, lambda p: p["metadata"].update(labels={"a": "b"}))
        assert store.get(POD)["metadata"]["generation"] == 1
        store.mutate(POD, lambda p: p["spec"].update(nodeName="n"))
        assert store.get(POD)["metadata"]["generation"] == 2

    def test_what_a_caller_does_to_its_object_later_does_not_matter(self) -> None:
        store, given = MemoryStore(), config_map("a", x="1")
        store.create("", "configmaps", given)
        given["data"]["x"] = "changed"
        assert store.get(cm_key("a"))["data"] == {"x": "1"}

    def test_a_dry_run_leaves_no_trace(self) -> None:
        store = MemoryStore()
        store.create("", "configmaps", config_map("a"), dry_run=True)
        assert store.version == 0 and store.list("", "configmaps") == []


class TestDelete:
    def test_at_once_without_finalizers(self) -> None:
        store = MemoryStore()
        store.create("", "configmaps", config_map("a"))
        store.delete(cm_key("a"))
        with pytest.raises(NotFoundError):
            store.get(cm_key("a"))

    def test_finalizers_hold_until_the_last_is_gone(self) -> None:
        store, obj = MemoryStore(), config_map("a")
        obj["metadata"]["finalizers"] = ["x", "y"]
        store.create("", "configmaps", obj)
        assert store.delete(cm_key("a"))["metadata"]["deletionTimestamp"]
        store.mutate(cm_key("a"), lambda o: o["metadata"].update(finalizers=["y"]))
        assert store.get(cm_key("a"))
        store.mutate(cm_key("a"), lambda o: o["metadata"].update(finalizers=[]))
        assert store.list("", "configmaps") == []

    def test_a_pod_on_a_node_gets_its_grace_and_the_node_the_last_word(self) -> None:
        store = MemoryStore()
        store.create("", "pods", pod("p", nodeName="n", terminationGracePeriodSeconds=60))
        assert store.delete(POD)["metadata"]["deletionGracePeriodSeconds"] == 60
        assert store.delete(POD, grace_seconds=5)["metadata"]["deletionGracePeriodSeconds"] == 5
        assert store.delete(POD, grace_seconds=30)["metadata"]["deletionGracePeriodSeconds"] == 5
        store.delete(POD, grace_seconds=0)
        assert store.list("", "pods") == []

    @pytest.mark.parametrize("status", [{}, {"phase": "Succeeded"}])
    def test_a_pod_without_a_node_or_finished_goes_at_once(self, status: Object) -> None:
        store = MemoryStore()
        store.create("", "pods", {**pod("p", **({"nodeName": "n"} if status else {})), "status": status})
        store.delete(POD)
        assert store.list("", "pods") == []

    def test_of_another_object_of_that_name_is_refused(self) -> None:
        store = MemoryStore()
        store.create("", "configmaps", config_map("a"))
        with pytest.raises(ConflictError, match="Precondition failed"):
            store.delete(cm_key("a"), uid="another")


class TestWatch:
    async def test_resumes_after_a_version_and_follows(self) -> None:
        store = MemoryStore()
        store.create("", "configmaps", config_map("a"))
        seen = store.version
        store.create("", "configmaps", config_map("b"))
        watch = store.watch("", "configmaps", "ns", since=seen)
        assert (await anext(watch)).new["metadata"]["name"] == "b"
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        store.delete(cm_key("a"))
        change = await asyncio.wait_for(waiting, 1)
        assert (change.kind, change.key.name, change.version) == ("DELETED", "a", 3)
        assert watch.caught_up

    async def test_what_is_forgotten_is_gone(self) -> None:
        store = MemoryStore(history_limit=3)
        slow = store.watch("", "configmaps")
        for number in range(5):
            store.create("", "configmaps", config_map(f"a{number}"))
        assert (await anext(store.watch("", "configmaps", since=2))).version == 3
        with pytest.raises(GoneError):
            store.watch("", "configmaps", since=1)
        with pytest.raises(GoneError):
            await anext(slow)

    def test_listeners_see_every_change_in_order_though_one_writes(self) -> None:
        store, seen = MemoryStore(), list[int]()

        def follow(change: Change) -> None:
            if change.version == 1:
                store.create("", "configmaps", config_map("b"))

        store.subscribe(follow)
        store.subscribe(lambda change: seen.append(change.version))
        store.create("", "configmaps", config_map("a"))
        assert seen == [1, 2]


class TestFiles:
    def test_objects_and_versions_survive_a_restart(self, tmp_path: Path) -> None:
        store = open_store(tmp_path)
        for name in "abc":
            store.create("", "configmaps", config_map(name))
        store.delete(cm_key("c"))
        store.close()
        again = open_store(tmp_path)
        assert [o["metadata"]["name"] for o in again.list("", "configmaps")] == ["a", "b"]
        assert again.version == 4
        with pytest.raises(GoneError):
            again.watch("", "configmaps", since=3)

    def test_a_torn_last_line_did_not_happen(self, tmp_path: Path) -> None:
        store = open_store(tmp_path)
        store.create("", "configmaps", config_map("a"))
        store.close()
        with (tmp_path / JOURNAL).open("ab") as file:
            file.write(b'[2,"","configmaps","ns","b",{"metad')
        again = open_store(tmp_path)
        assert len(again.list("", "configmaps")) == 1
        again.create("", "configmaps", config_map("c"))
        again.close()
        assert [o["metadata"]["name"] for o in open_store(tmp_path).list("", "configmaps")] == ["a", "c"]

    def test_one_owner_at_a_time(self, tmp_path: Path) -> None:
        store = open_store(tmp_path)
        with pytest.raises(PermanentError, match="in use by another sandbox"):
            open_store(tmp_path)
        store.close()

    def test_killed_in_the_middle_of_writing_it_keeps_what_it_acknowledged(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path\n"
            "from trireme.sandbox.store import memory\n"
            "memory.COMPACT_AFTER = 50\n"
            "store = memory.open_store(Path(sys.argv[1]))\n"
            "for number in range(10**6):\n"
            "    store.create('', 'configmaps', {'metadata': {'namespace': 'ns', 'name': f'{number:07}'}})\n"
            "    print(number, flush=True)\n"
        )
        writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(230)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(10)
        writer.stdout.close()
        kept = [int(o["metadata"]["name"]) for o in open_store(tmp_path).list("", "configmaps")]
        assert kept[: len(acknowledged)] == acknowledged
        assert kept == list(range(len(kept)))
