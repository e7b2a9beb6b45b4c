"""Every state of a Service's endpoints in order, as a node's proxy hears of them."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from tests.servers.sandboxed import Cluster


class EndpointWatch:
    """From ``with`` on, to its end: which pods the Service led to. A proxy goes by each state that it happens to see."""

    def __init__(self, cluster: Cluster, service: str) -> None:
        self._process = subprocess.Popen(
            [
                cluster.kubernetes.kubectl,
                f"--namespace={cluster.namespace}",
                "get",
                "endpointslices",
                f"--selector=kubernetes.io/service-name={service}",
                "--watch",
                "--output-watch-events",
                "--output=json",
            ],
            env={**os.environ, "KUBECONFIG": str(cluster.kubernetes.kubeconfig)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[frozenset[str]] = []
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._first.wait(30), "the watch hears of nothing"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._thread.join(10)

    def _read(self) -> None:
        slices: dict[str, frozenset[str]] = {}
        for event in self._events():
            name = event["object"]["metadata"]["name"]
            slices[name] = frozenset() if event["type"] == "DELETED" else frozenset(_usable(event["object"]))
            now = frozenset[str]().union(*slices.values())
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)
            self._first.set()

    def _events(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        text, decoder = "", json.JSONDecoder()
        for line in self._process.stdout:
            text += line
            with suppress(json.JSONDecodeError):  # it goes on in the next line
                yield decoder.raw_decode(text)[0]
                text = ""


def _usable(piece: dict[str, Any]) -> Iterator[str]:
    """Ready, or ending: where no other is, proxies lead clients to those that serve until they end."""
    for endpoint in piece.get("endpoints") or ():
        if endpoint["conditions"].get("ready") or endpoint["conditions"].get("terminating"):
            yield endpoint["targetRef"]["name"]
