"""get, list and watch over plain HTTP: versions, selectors, chunks, bookmarks, tables, and who may ask."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.api_client import Client
from tests.sandbox.api_support import Laboratory
from trireme.sandbox.store.interface import Key, Object

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def config_map(name: str, **labels: str) -> Object:
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as made:
        yield made


def names(listing: Object) -> list[str]:
    return [item["metadata"]["name"] for item in listing["items"]]


class TestList:
    @pytest.mark.parametrize(
        ("selector", "expected"),
        [
            ("labelSelector=tier%3Dfront", ["a", "b"]),
            ("labelSelector=tier!%3Dfront", ["c", "d"]),
            ("labelSelector=tier%20in%20(front,back)", ["a", "b", "c"]),
            ("labelSelector=tier%20notin%20(front)", ["c", "d"]),
            ("labelSelector=!tier", ["d"]),
            ("labelSelector=tier,x%3D1", ["b"]),
            ("fieldSelector=metadata.name%3Dc", ["c"]),
            ("fieldSelector=metadata.name!%3Dc,metadata.namespace%3Ddefault", ["a", "b", "d"]),
        ],
    )
    async def test_selectors(
        self, lab: Laboratory, client: Client, selector: str, expected: list[str]
    ) -> None:
        for obj in (
            config_map("a", tier="front"),
            config_map("b", tier="front", x="1"),
            config_map("c", tier="back"),
            config_map("d"),
        ):
            lab.put("", "configmaps", obj)
        assert names((await client.ask("GET", f"{CONFIG_MAPS}?{selector}")).body) == expected

    async def test_chunks_show_one_moment(self, lab: Laboratory, client: Client) -> None:
        for number in range(5):
            lab.put("", "configmaps", config_map(f"c{number}"))
        first = (await client.ask("GET", f"{CONFIG_MAPS}?limit=2")).body
        lab.store.delete(Key("", "configmaps", "default", "c4"))
        token = first["metadata"]["continue"]
        rest = (await client.ask("GET", f"{CONFIG_MAPS}?limit=9&continue={token}")).body
        assert (names(first), first["metadata"]["remainingItemCount"]) == (["c0", "c1"], 3)
        assert names(rest) == ["c2", "c3", "c4"]
        assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}

    async def test_a_version_that_does_not_exist_yet(self, client: Client) -> None:
        answer = await client.ask("GET", f"{CONFIG_MAPS}?resourceVersion=99999")
        assert (answer.code, answer.body["reason"]) == (504, "Timeout")

    @pytest.mark.parametrize(
        ("path", "code", "message"),
        [
            (f"{CONFIG_MAPS}/nosuch", 404, 'configmaps "nosuch" not found'),
            ("/api/v1/namespaces/default/nosuch", 404, "the server could not find the requested resource"),
            (f"{CONFIG_MAPS}?fieldSelector=data.x%3D1", 400, '"data.x" is not a known field selector'),
            (f"{CONFIG_MAPS}?labelSelector=a%20in%20(b", 400, "unable to parse requirement"),
            (f"{CONFIG_MAPS}?resourceVersion=x", 400, "invalid resource version"),
            (f"{CONFIG_MAPS}?continue=x", 400, "continue key is not valid"),
        ],
    )
    async def test_errors_are_status_objects(
        self, client: Client, path: str, code: int, message: str
    ) -> None:
        answer = await client.ask("GET", path)
        assert answer.code == answer.body["code"] == code
        assert message in answer.message

    async def test_metadata_only(self, lab: Laboratory, client: Client) -> None:
        lab.put("", "configmaps", {**config_map("a"), "data": {"big": "content"}})
        accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        answer = await client.ask("GET", CONFIG_MAPS, Accept=accept)
        assert answer.body["kind"] == "PartialObjectMetadataList"
        assert "data" not in answer.body["items"][0]


class TestWatch:
    async def test_begins_with_what_is_there_then_follows(self, lab: Laboratory, client: Client) -> None:
        lab.put("", "configmaps", config_map("a"))
        events = client.watch(CONFIG_MAPS)
        assert (await anext(events))["type"] == "ADDED"
        lab.put("", "configmaps", config_map("b"))
        lab.store.delete(Key("", "configmaps", "default", "b"))
        seen = [
            (event["type"], event["object"]["metadata"]["name"])
            for event in [await anext(events) for _ in "12"]
        ]
        assert seen == [("ADDED", "b"), ("DELETED", "b")]
        await events.aclose()

    async def test_resumes_after_a_version(self, lab: Laboratory, client: Client) -> None:
        version = lab.put("", "configmaps", config_map("a"))["metadata"]["resourceVersion"]
        lab.put("", "configmaps", config_map("b"))
        events = client.watch(f"{CONFIG_MAPS}?resourceVersion={version}")
        assert (await anext(events))["object"]["metadata"]["name"] == "b"
        await events.aclose()

    async def test_what_begins_or_ceases_to_match_is_added_or_deleted(
        self, lab: Laboratory, client: Client
    ) -> None:
        lab.put("", "configmaps", config_map("a"))
        version = lab.store.version
        key = Key("", "configmaps", "default", "a")
        lab.store.mutate(key, lambda o: o["metadata"].update(labels={"x": "1"}))
        lab.store.mutate(key, lambda o: o.update(data={"k": "v"}))
        lab.store.mutate(key, lambda o: o["metadata"].update(labels={}))
        events = client.watch(f"{CONFIG_MAPS}?labelSelector=x&resourceVersion={version}")
        assert [(await anext(events))["type"] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
        await events.aclose()

    async def test_initial_events_end_in_a_bookmark(self, lab: Laboratory, client: Client) -> None:
        lab.put("", "configmaps", config_map("a"))
        query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
        events = client.watch(f"{CONFIG_MAPS}?{query}")
        assert (await anext(events))["type"] == "ADDED"
        mark = await anext(events)
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert mark["object"]["metadata"]["resourceVersion"] == str(lab.store.version)
        await events.aclose()

    async def test_a_version_of_another_life_is_gone(self, client: Client) -> None:
        (event,) = [event async for event in client.watch(f"{CONFIG_MAPS}?resourceVersion=99999")]
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
            "ERROR",
            410,
            "Expired",
        )

    async def test_ends_after_its_time(self, client: Client) -> None:
        async with asyncio.timeout(5):
            assert [
                event async for event in client.watch(f"{CONFIG_MAPS}?timeoutSeconds=1&resourceVersion=1")
            ] == []

    async def test_tables_name_their_columns_once(self, lab: Laboratory, client: Client) -> None:
        lab.put("", "configmaps", config_map("a"))
        lab.put("", "configmaps", config_map("b"))
        events = client.watch(CONFIG_MAPS, Accept=TABLE)
        first, second = await anext(events), await anext(events)
        assert [column["name"] for column in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
        assert second["object"]["columnDefinitions"] is None
        assert second["object"]["rows"][0]["cells"][:2] == ["b", 0]
        await events.aclose()

    async def test_stopping_the_server_ends_watches(self, lab: Laboratory, client: Client) -> None:
        events = client.watch(f"{CONFIG_MAPS}?resourceVersion={lab.store.version}")
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await lab.server.stop()
            await asyncio.gather(waiting, return_exceptions=True)


class TestWho:
    async def test_health_is_for_everybody_the_rest_is_not(self, lab: Laboratory) -> None:
        async with Client(lab, token="wrong") as stranger:
            assert (await stranger.ask("GET", CONFIG_MAPS)).code == 401
            assert (await stranger.ask("GET", "/readyz", Authorization="")).body == "ok"
            assert (await stranger.ask("GET", "/api/v1/namespaces", Authorization="")).code == 401

    async def test_a_token_dies_with_its_account_and_its_pod(self, lab: Laboratory) -> None:
        pod = lab.put("", "pods", {"metadata": {"name": "p", "namespace": "default"}, "spec": {}})
        token = lab.server.mint_token(
            "default", "default", pod_name="p", pod_uid=pod["metadata"]["uid"], audience="", seconds=600
        )
        async with Client(lab, token) as account:
            assert (await account.ask("GET", CONFIG_MAPS)).code == 403
            lab.store.delete(Key("", "pods", "default", "p"))
            assert (await account.ask("GET", CONFIG_MAPS)).code == 401
        forever = lab.server.mint_token("default", "default")
        lab.store.delete(Key("", "serviceaccounts", "default", "default"))
        async with Client(lab, forever) as account:
            assert (await account.ask("GET", CONFIG_MAPS)).code == 401

    async def test_a_changed_token_is_none(self, lab: Laboratory) -> None:
        head, claims, signature = lab.server.mint_token("default", "default").split(".")
        async with Client(lab, f"{head}.{claims[:-2]}AA.{signature}") as forger:
            assert (await forger.ask("GET", CONFIG_MAPS)).code == 401
