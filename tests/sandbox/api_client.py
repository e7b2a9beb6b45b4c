"""A plain HTTP client of the API server, for what kubectl cannot say."""

import json
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp
import yaml

from tests.sandbox.api_support import Laboratory
from trireme.sandbox.store.interface import Object

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any
    warnings: list[str]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Client:
    """Speaks as the administrator, or whoever ``token`` is."""

    def __init__(self, lab: Laboratory, token: str | None = None) -> None:
        config = yaml.safe_load(lab.server.kubeconfig.read_text())
        self._token = token or config["users"][0]["user"]["token"]
        self._url = lab.server.url
        context = ssl.create_default_context(cafile=str(lab.server.ca_certificate))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=SECONDS)
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self, method: str, path: str, body: Any = None, *, media: str = "application/json", **headers: str
    ) -> Answer:
        async with self._session.request(
            method,
            self._url + path,
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": media, **headers},
        ) as answer:
            text = await answer.text()
            warnings = [
                each.split(" - ", 1)[1][1:-1].replace('\\"', '"')
                for each in answer.headers.getall("Warning", [])
            ]
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, json.loads(text) if is_json else text, warnings)

    async def apply(self, path: str, body: Object, manager: str, *, force: bool = False) -> Answer:
        query = f"?fieldManager={manager}" + ("&force=true" if force else "")
        return await self.ask("PATCH", path + query, body, media=APPLY)

    async def watch(self, path: str, **headers: str) -> AsyncGenerator[Object, None]:
        separator = "&" if "?" in path else "?"
        async with self._session.get(
            f"{self._url}{path}{separator}watch=1",
            headers={"Authorization": f"Bearer {self._token}", **headers},
        ) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                yield json.loads(line)
