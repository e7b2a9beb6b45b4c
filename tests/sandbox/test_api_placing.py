"""What a pod may ask of the scheduler, and what of it must be there."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.api_client import Client
from tests.sandbox.api_support import Laboratory, pod
from trireme.sandbox.store.interface import Object

PODS = "/api/v1/namespaces/default/pods"
CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
CLASS = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as made:
        yield made


@pytest.mark.parametrize(
    ("toleration", "words"),
    [
        ({}, 'operator: Invalid value: "": operator must be Exists when `key` is empty'),
        ({"key": "a b"}, 'key: Invalid value: "a b": name part must consist of'),
        ({"key": "a", "value": "b c"}, 'operator: Invalid value: "b c": a valid label must be'),
        (
            {"operator": "Exists", "value": "b"},
            'operator: Invalid value: "b": value must be empty when `operator` is',
        ),
        (
            {"operator": "Exists", "tolerationSeconds": 1},
            "effect: Invalid value: \"\": effect must be 'NoExecute'",
        ),
    ],
)
async def test_tolerations(client: Client, toleration: Object, words: str) -> None:
    answer = await client.ask("POST", PODS, pod(tolerations=[toleration]))
    assert answer.code == 422 and f"spec.tolerations[0].{words}" in answer.message


async def test_a_priority_class_must_be_there(client: Client) -> None:
    refused = await client.ask("POST", PODS, pod(priorityClassName="high"))
    words = 'pods "p" is forbidden: no PriorityClass with name high was found'
    assert (refused.code, refused.message) == (403, words)
    high = {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"}
    assert (await client.ask("POST", CLASSES, {**CLASS, **high})).code == 201
    spec = (await client.ask("POST", PODS, pod(priorityClassName="high"))).body["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")


async def test_a_priority_class_for_all(client: Client) -> None:
    usual = {**CLASS, "metadata": {"name": "usual"}, "value": 7, "globalDefault": True}
    assert (await client.ask("POST", CLASSES, usual)).code == 201
    spec = (await client.ask("POST", PODS, pod())).body["spec"]
    assert (spec["priorityClassName"], spec["priority"]) == ("usual", 7)
