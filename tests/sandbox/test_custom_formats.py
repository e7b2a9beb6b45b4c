"""Formats of strings and numbers: each line is a real API server's answer (1.36)."""

import pytest

from tests.sandbox.api_client import Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import CRDS, causes, definition, version
from trireme.sandbox.apiserver.custom.formats import CHECKS, integer_fits, string_fits

FORMATS: list[tuple[str, list[str], list[str]]] = [
    (
        "date-time",
        ["2026-11-25T04:00:00Z", "2026-11-25T04:00:00.5+01:00", "2026-11-25t04:00:00z"],
        ["2026-11-25 04:00:00Z", "2026-11-25T04:00Z", "2026-13-25T04:00:00Z", "x", ""],
    ),
    ("date", ["2026-11-25"], ["2026-2-1", "20261125", "2026-02-30", ""]),
    (
        "duration",
        ["5m", "1h30m", "1.5h", "-3s", "3 days", "2d", "1w", "1 hour", "PT5M", "0", "1h 30m"],
        ["90", ""],
    ),
    ("byte", ["YQ==", "/+8="], ["YQ", "a b", ""]),
    ("ipv4", ["1.2.3.4", "01.2.3.4"], ["1.2.3", "::1", ""]),
    ("ipv6", ["::1", "::ffff:1.2.3.4"], ["1.2.3.4", "fe80::1%eth0", ""]),
    ("cidr", ["10.0.0.0/8", "10.0.0.1/8", "::/0"], ["10.0.0.0", "10.0.0.0/33", ""]),
    ("mac", ["01:23:45:67:89:ab", "01-23-45-67-89-ab", "0123.4567.89ab"], ["x", ""]),
    (
        "hostname",
        ["db", "a.example", "A-1.example", "ä.de"],
        ["a.b", "-a", "a_b", "a..b", "a.", "1.2.3.4", ""],
    ),
    ("email", ["a@b", "a@b.c", "Bob <a@b.c>"], ["a", "a b@c", ""]),
    ("uri", ["http://a/b", "/a", "a:b", "mailto:x"], ["a/b", "", "http://[::1", "a b"]),
    (
        "uuid",
        ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
        ["{123e4567-e89b-12d3-a456-426614174000}", "x", ""],
    ),
    ("uuid4", ["123e4567-e89b-42d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-426614174000"]),
    ("password", ["x", ""], []),
    ("no-such-format", ["x", ""], []),
]


@pytest.mark.parametrize(("name", "right", "wrong"), FORMATS, ids=[each[0] for each in FORMATS])
def test_strings(name: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not string_fits(name, text)] == []
    assert [text for text in wrong if string_fits(name, text)] == []


def test_every_format_is_in_the_table() -> None:
    untried = set(CHECKS) - {each[0] for each in FORMATS}
    assert untried == {"datetime", "uuid3", "uuid5"}


def test_integers() -> None:
    assert integer_fits("int32", 2**31 - 1) and not integer_fits("int32", 2**31)
    assert integer_fits("int64", -(2**63)) and integer_fits("uint32", -1)


async def test_what_nobody_knows_is_ignored_with_a_warning(lab: Laboratory) -> None:
    crd = definition(
        version(x={"type": "string", "format": "wobbly"}, y={"type": "integer", "format": "uint32"})
    )
    async with Client(lab) as client:
        answer = await client.ask("POST", CRDS, crd)
        assert answer.code == 201
        assert answer.warnings == ['unrecognized format "uint32"', 'unrecognized format "wobbly"']
        odd = definition(version(x={"type": "number", "multipleOf": 0.5}))
        (cause,) = causes(await client.ask("POST", f"{CRDS}?dryRun=All", odd))
        assert cause.startswith(
            "spec.validation.openAPIV3Schema.properties[spec].properties[x].multipleOf: Invalid"
        )
