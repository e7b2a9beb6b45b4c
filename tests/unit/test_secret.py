"""`trireme secret provide`: what is done about a Secret, and the files that the agent gets."""

import os
from pathlib import Path

import pytest

from trireme.adapters.secret_store import SecretStore
from trireme.base.errors import PermanentError
from trireme.cli.secret import (
    KEYS,
    Content,
    Decision,
    Generate,
    Provide,
    Refuse,
    RefuseEmpty,
    Wait,
    decide,
    generate,
    has_data,
    main,
    provide,
)

COMPLETE = {"root-password": b"r", "password": b"p", "token": b"t"}
CHOSEN = {"password": b"mine"}
REST = ("root-password", "token")


@pytest.mark.parametrize(
    ("situation", "content", "ordinal", "has_data", "expected"),
    [
        ("a new cluster, member 0", {}, 0, False, Generate(KEYS)),
        ("a new cluster, another member", {}, 2, False, Wait(KEYS)),
        ("a person chose one password", CHOSEN, 0, False, Generate(REST)),
        ("the same, another member", CHOSEN, 1, False, Wait(REST)),
        ("a value is empty", COMPLETE | {"token": b""}, 0, False, RefuseEmpty(("token",))),
        ("a value is empty, another member", {"token": b""}, 1, False, RefuseEmpty(("token",))),
        ("complete", COMPLETE, 0, False, Provide(COMPLETE)),
        ("complete, with data", COMPLETE, 0, True, Provide(COMPLETE)),
        ("keys of others are not handed on", COMPLETE | {"x": b"y"}, 1, True, Provide(COMPLETE)),
        ("lost, and member 0 has data", {}, 0, True, Refuse(KEYS)),
        ("lost, and another member has data", {}, 1, True, Refuse(KEYS)),
    ],
)
def test_what_to_do(
    situation: str, content: Content, ordinal: int, has_data: bool, expected: Decision
) -> None:
    assert decide(content, ordinal=ordinal, has_data=has_data) == expected, situation


def test_generated_values_differ_and_need_no_quoting() -> None:
    values = [*generate(KEYS).values(), *generate(KEYS).values()]
    assert len(set(values)) == len(values)
    assert all(len(value) == 24 and value.isalnum() for value in values)


def test_a_complete_volume_needs_no_api(tmp_path: Path) -> None:
    given, into = tmp_path / "given", tmp_path / "into"
    given.mkdir()
    into.mkdir()
    for key, value in COMPLETE.items():
        (given / key).write_bytes(value)
    nowhere = SecretStore("default", "demo", account=tmp_path / "no-service-account")
    provide(nowhere, given=given, into=into, ordinal=1, has_data=True)
    assert {path.name: path.read_bytes() for path in into.iterdir()} == COMPLETE
    assert {path.stat().st_mode & 0o777 for path in into.iterdir()} == {0o440}


class TokenOnly(SecretStore):
    """A Secret that has the token, while a person keeps the passwords in another one."""

    def read(self) -> Content:
        return {"token": b"t"}


def test_passwords_of_another_secret_are_in_the_volume_only(tmp_path: Path) -> None:
    given, into = tmp_path / "given", tmp_path / "into"
    given.mkdir()
    into.mkdir()
    (given / "root-password").write_bytes(b"r")
    (given / "password").write_bytes(b"p")
    provide(TokenOnly("default", "demo"), given=given, into=into, ordinal=1, has_data=False)
    assert {path.name: path.read_bytes() for path in into.iterdir()} == COMPLETE


def test_outside_a_pod_it_says_what_is_missing(tmp_path: Path) -> None:
    nowhere = SecretStore("default", "demo", account=tmp_path / "no-service-account")
    with pytest.raises(PermanentError, match="no way to the Kubernetes API"):
        provide(nowhere, given=tmp_path, into=tmp_path, ordinal=0, has_data=False)


def test_what_another_uid_keeps_for_itself_is_data(tmp_path: Path) -> None:
    """Fails where it ends with "Permission denied": the agent, which says what to do, never starts."""
    (tmp_path / "data").mkdir(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        assert has_data(tmp_path / "data")
    finally:
        os.seteuid(os.getuid())
    assert not has_data(tmp_path / "not-there")


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "usage: trireme secret provide" in capsys.readouterr().err
    assert main(["provide", "--help"]) == 0
