"""Leases and Events, as operators write them: leader election, and moments that Go can read."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.api_client import Answer, Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import causes
from trireme.sandbox.store.interface import Object

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
EVENTS = "/api/v1/namespaces/default/events"
MOMENT = "2026-11-25T04:00:00.123456Z"


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        yield ready


def lease(holder: str, renewed: str = MOMENT, **spec: object) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "leader"},
        "spec": {"holderIdentity": holder, "renewTime": renewed, **spec},
    }


async def test_of_two_who_want_the_lease_one_gets_it(client: Client) -> None:
    born = (await client.ask("POST", LEASES, lease("a"))).body
    assert (await client.ask("POST", LEASES, lease("b"))).code == 409
    both = [{**born, "spec": {**born["spec"], "holderIdentity": holder}} for holder in "bc"]
    codes = [(await client.ask("PUT", f"{LEASES}/leader", each)).code for each in both]
    assert codes == [200, 409]
    assert (await client.ask("GET", f"{LEASES}/leader")).body["spec"]["holderIdentity"] == "b"


UNREADABLE = [
    ("2026-11-25T04:00:00Z", 'cannot parse "Z" as ".000000"'),
    ("2026-11-25T04:00:00.123Z", 'cannot parse ".123Z" as ".000000"'),
    ("2026-11-25T04:00:00.123456789Z", 'cannot parse "789Z" as "Z07:00"'),
    ("2026-11-25 04:00:00.123456Z", 'cannot parse " 04:00:00.123456Z" as "T"'),
    ("soon", 'cannot parse "soon" as "2006"'),
]


@pytest.mark.parametrize(("text", "expected"), UNREADABLE, ids=[each[0] for each in UNREADABLE])
async def test_a_moment_that_go_cannot_read(client: Client, text: str, expected: str) -> None:
    answer = await client.ask("POST", LEASES, lease("a", text))
    start = f'parsing time "{text}" as "2006-01-02T15:04:05.000000Z07:00": '
    assert answer.code == 400 and answer.message.endswith(start + expected)


async def test_moments_are_kept_in_utc(client: Client) -> None:
    answer = await client.ask("POST", LEASES, lease("a", "2026-11-25T06:00:00.123456+02:00"))
    assert answer.body["spec"]["renewTime"] == MOMENT


async def test_a_lease_of_no_time(client: Client) -> None:
    answer = await client.ask("POST", LEASES, lease("a", leaseDurationSeconds=0, leaseTransitions=-1))
    assert causes(answer) == [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ]


async def post_event(client: Client, **fields: object) -> Answer:
    about = {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "default"}
    return await client.ask("POST", EVENTS, {"metadata": {"name": "e"}, "involvedObject": about, **fields})


async def test_events_of_both_kinds(client: Client) -> None:
    assert (await post_event(client, reason="Old", firstTimestamp="2026-11-25T04:00:00Z")).code == 201
    assert causes(await post_event(client, eventTime=MOMENT, reason="New")) == [
        "reportingComponent: Required value",
        "reportingInstance: Required value",
        "action: Required value",
    ]
    elsewhere = {"kind": "Pod", "name": "p", "namespace": "other"}
    assert causes(await post_event(client, involvedObject=elsewhere)) == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]
    away = await post_event(client, firstTimestamp="yesterday")
    assert away.code == 400 and 'cannot parse "yesterday" as "2006"' in away.message
