"""Whether the Secrets that a spec refers to are there: a pod whose Secret is missing waits for ever, and says nothing."""

import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from trireme.adapters.cluster_api import Object, RefusedError
from trireme.operator.kinds import SECRET

THERE_SECONDS = 300.0
"""What was there is asked for again after so long; what was not, each time."""
REFERENCES = ("rootPasswordSecretKeyRef", "passwordSecretKeyRef")


class Reader(Protocol):
    async def get(self, path: str) -> Object: ...


class Secrets:
    """Those of one namespace. Nothing of their values is kept."""

    def __init__(self, api: Reader, namespace: str, own: str) -> None:
        """``own``: the cluster's own Secret, which its first member makes."""
        self._api = api
        self._namespace = namespace
        self._own = own
        self._there: dict[tuple[str, str], float] = {}

    async def missing(self, spec: Mapping[str, Any]) -> str | None:
        """What is missing, with the field that asks for it; None where all is there, or where it cannot be told.

        Raises as the API's reads, but for refusals.
        """
        for field, name, key in references(spec):
            asked = self._there.get((name, key), float("-inf"))
            if name == self._own or time.monotonic() - asked < THERE_SECONDS:
                continue
            try:
                found = await self._api.get(SECRET.path(self._namespace, name))
            except RefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return f"spec.{field}: Secret {name} is not there; create it with the key {key}"
                continue
            if not (found.get("data") or {}).get(key):
                return f"spec.{field}: Secret {name} has no key {key}; add it"
            self._there[name, key] = time.monotonic()
        return None


def references(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """``(field, Secret, key)`` of each."""
    for field in REFERENCES:
        if found := spec.get(field):
            yield field, found["name"], found["key"]
