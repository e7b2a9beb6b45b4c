"""`trireme secret provide` with the rights of deploy/plain, against a Kubernetes API on a real socket."""

import asyncio
from pathlib import Path

import pytest
import yaml

from tests.sandbox.api_support import Laboratory
from trireme.adapters.secret_store import SecretStore
from trireme.base.errors import PermanentError
from trireme.cli.secret import KEYS, provide

PLAIN = Path(__file__).parents[2] / "deploy/plain"
RBAC = "rbac.authorization.k8s.io"


def read(name: str) -> dict[str, object]:
    """One object of deploy/plain, as if applied to the namespace default."""
    loaded: dict[str, object] = yaml.safe_load((PLAIN / name).read_text())
    assert isinstance(loaded["metadata"], dict)
    loaded["metadata"]["namespace"] = "default"
    for subject in loaded.get("subjects", ()):  # type: ignore[attr-defined]
        subject["namespace"] = "default"
    return loaded


@pytest.fixture
def account(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files and variables of a pod of ServiceAccount demo, with the Role that binds it."""
    lab.put("", "serviceaccounts", read("serviceaccount.yaml"))
    lab.put(RBAC, "roles", read("role.yaml"))
    lab.put(RBAC, "rolebindings", read("rolebinding.yaml"))
    directory = lab.directory / "serviceaccount"
    directory.mkdir()
    (directory / "token").write_text(lab.server.mint_token("default", "demo"))
    (directory / "ca.crt").write_bytes(lab.server.ca_certificate.read_bytes())
    host, _, port = lab.server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    return directory


async def start(account: Path, ordinal: int, *, has_data: bool = False) -> dict[str, bytes]:
    """Run one member's init container; return the files that its agent gets."""
    given, into = account / f"given-{ordinal}", account / f"into-{ordinal}"
    given.mkdir()
    into.mkdir()
    store = SecretStore("default", "demo", account)
    await asyncio.to_thread(provide, store, given=given, into=into, ordinal=ordinal, has_data=has_data)
    return {path.name: path.read_bytes() for path in into.iterdir()}


async def test_all_members_of_a_new_cluster_get_the_same(account: Path) -> None:
    first, *others = await asyncio.gather(*(start(account, ordinal) for ordinal in (2, 1, 0)))
    assert set(first) == set(KEYS)
    assert others == [first, first]


async def test_a_chosen_password_is_kept(lab: Laboratory, account: Path) -> None:
    chosen = {"metadata": {"name": "demo", "namespace": "default"}, "data": {"password": "bWluZQ=="}}
    lab.put("", "secrets", {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", **chosen})
    content = await start(account, 0)
    assert content["password"] == b"mine"
    assert set(content) == set(KEYS)


async def test_nobody_overwrites_what_another_wrote(account: Path) -> None:
    store = SecretStore("default", "demo", account)
    assert await asyncio.to_thread(store.add, {"token": b"one"})
    assert not await asyncio.to_thread(store.add, {"token": b"two"})
    assert await asyncio.to_thread(store.read) == {"token": b"one"}


async def test_a_lost_secret_is_not_made_anew_beside_data(account: Path) -> None:
    with pytest.raises(PermanentError, match="restore the Secret"):
        await start(account, 0, has_data=True)


async def test_the_role_reaches_no_other_secret(account: Path) -> None:
    other = SecretStore("default", "other", account)
    with pytest.raises(PermanentError, match="may not read Secret other"):
        await asyncio.to_thread(other.read)
    with pytest.raises(PermanentError, match="may not create or fill Secret other"):
        await asyncio.to_thread(other.add, {"token": b"x"})
