"""A Secret that the spec names and that is not there is said, with the field; nothing waits for it in silence."""

from typing import Any

import pytest

from trireme.adapters.cluster_api import Object, RefusedError
from trireme.operator.observe import no_token
from trireme.operator.secrets import Secrets

REFERENCE = {"passwordSecretKeyRef": {"name": "shop", "key": "password"}}


class Api:
    def __init__(self, **found: Object) -> None:
        self.found = found
        self.refusal = 404
        self.asked: list[str] = []

    async def get(self, path: str) -> Object:
        self.asked.append(path)
        name = path.rpartition("/")[2]
        if name not in self.found:
            raise RefusedError("server", path, self.refusal, "no")
        return self.found[name]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "spec.passwordSecretKeyRef: Secret shop is not there; create it with the key password"),
        (
            {"shop": {"data": {"other": "eA=="}}},
            "spec.passwordSecretKeyRef: Secret shop has no key password; add it",
        ),
        ({"shop": {}}, "spec.passwordSecretKeyRef: Secret shop has no key password; add it"),
        ({"shop": {"data": {"password": "eA=="}}}, None),
    ],
)
async def test_what_is_missing_is_said(found: dict[str, Any], said: str | None) -> None:
    assert await Secrets(Api(**found), "default", "demo").missing(REFERENCE) == said


async def test_what_was_missing_is_asked_for_again_and_what_was_there_is_not() -> None:
    api = Api()
    secrets = Secrets(api, "default", "demo")
    assert await secrets.missing(REFERENCE)
    api.found["shop"] = {"data": {"password": "eA=="}}
    assert await secrets.missing(REFERENCE) is None
    assert await secrets.missing(REFERENCE) is None
    assert len(api.asked) == 2


async def test_an_operator_that_may_not_look_claims_nothing() -> None:
    api = Api()
    api.refusal = 403
    assert await Secrets(api, "default", "demo").missing(REFERENCE) is None


async def test_the_cluster_makes_its_own_secret_itself() -> None:
    api = Api()
    assert await Secrets(api, "default", "shop").missing(REFERENCE) is None
    assert api.asked == []


def test_a_secret_that_is_gone_is_told_from_one_that_may_not_be_read() -> None:
    """Somebody deleted it: "the operator cannot read the cluster's Secret yet" was all that was said."""
    assert no_token("demo", 404).startswith(
        "the Secret demo with the agents' token is not there; if somebody deleted it"
    )
    assert no_token("demo", 403) == "the operator may not read the Secret demo (403)"
