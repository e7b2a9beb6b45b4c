"""Pods that are not created: whoever refuses one says it in an Event of the StatefulSet, and nowhere else."""

import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

from trireme.adapters.cluster_api import Object, RefusedError
from trireme.operator.kinds import EVENT

MISSING_SECONDS = 5.0
"""A restart leaves a member without a pod for less."""
AGAIN_SECONDS = 5.0
"""Between two looks at the Events."""
BEFORE = re.compile(r"^create Pod \S+ in StatefulSet \S+ failed error: ")


class Reader(Protocol):
    async def get(self, path: str, parameters: list[tuple[str, str]]) -> Object: ...


class Uncreated:
    """Of one cluster. Nothing is asked while every member has a pod."""

    def __init__(self, api: Reader, namespace: str, name: str) -> None:
        self._api = api
        self._namespace, self._name = namespace, name
        self._asked = float("-inf")
        self._said: dict[int, str] = {}

    async def words(self, missing: Mapping[int, float], uid: str) -> dict[int, str]:
        """Why members have no pod, where it is known. ``missing``: seconds without one; ``uid``: the StatefulSet's.

        Raises as the API's reads, but for refusals: then it is not known.
        """
        long = [ordinal for ordinal, seconds in missing.items() if seconds > MISSING_SECONDS]
        if not long:
            self._said = {}
            return {}
        if time.monotonic() - self._asked > AGAIN_SECONDS:
            self._asked = time.monotonic()
            self._said = said(await self._events(uid), self._name)
        return {ordinal: self._said[ordinal] for ordinal in long if ordinal in self._said}

    async def _events(self, uid: str) -> list[Any]:
        fields = f"involvedObject.uid={uid},reason=FailedCreate,type=Warning"
        try:
            found = await self._api.get(EVENT.collection(self._namespace), [("fieldSelector", fields)])
        except RefusedError:
            return []
        return list(found.get("items") or ())


def said(events: list[Any], name: str) -> dict[int, str]:
    """The latest of each member, without what everybody knows."""
    found = {}
    for event in sorted(
        events, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or "")
    ):
        message = str(event.get("message", ""))
        pod = re.search(rf"\bPod {re.escape(name)}-(\d+) ", message)
        if pod is not None:
            found[int(pod[1])] = BEFORE.sub("", message)
    return found
