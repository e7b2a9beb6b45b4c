"""Which variables may be set live, and as what literal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trireme.base.errors import PermanentError
from trireme.manifests.live_variables import Variable, check_live, literal, normal_name


def variable(kind: str, least: str = "", most: str = "", *choices: str) -> Variable:
    return Variable("x", kind, False, False, least, most, choices)


COUNT = variable("BIGINT UNSIGNED", "10", "100000")
SIZE = variable("BIGINT UNSIGNED", "2097152", "9223372036854775807")
CHOICE = variable("ENUM", "", "", "OFF", "ON", "FORCE")

LITERALS: list[tuple[Variable, str, str]] = [
    (COUNT, "200", "200"),
    (SIZE, "128M", "134217728"),
    (SIZE, "1g", "1073741824"),
    (variable("DOUBLE", "0", "31536000"), "0.5", "0.5"),
    (variable("BOOLEAN"), "on", "'ON'"),
    (variable("BOOLEAN"), "0", "'OFF'"),
    (variable("BOOLEAN"), "", "'ON'"),
    (CHOICE, "force", "'force'"),
    (CHOICE, "2", "2"),
    (variable("SET"), "STRICT_TRANS_TABLES,NO_ZERO_DATE", "'STRICT_TRANS_TABLES,NO_ZERO_DATE'"),
    (variable("VARCHAR"), "it's a \\ path", "'it''s a \\\\ path'"),
]

REFUSED: list[tuple[Variable, str, str]] = [
    (COUNT, "abc", "is not a whole number"),
    (COUNT, "1; DROP TABLE t", "is not a whole number"),
    (COUNT, "-5", "out of range: from 10 to 100000"),
    (COUNT, "1G", "out of range"),
    (variable("DOUBLE"), "1e5 OR 1", "is not a number"),
    (variable("BOOLEAN"), "perhaps", "neither ON nor OFF"),
    (CHOICE, "x' OR 1", "is none of OFF, ON, FORCE"),
    (Variable("x", "VARCHAR", True, False), "a", "takes a restart"),
    (Variable("x", "VARCHAR", False, True), "a", "has no global value"),
]


@pytest.mark.parametrize(("of", "value", "expected"), LITERALS)
def test_literals(of: Variable, value: str, expected: str) -> None:
    assert literal(of, value) == expected


@pytest.mark.parametrize(("of", "value", "said"), REFUSED)
def test_values_that_cannot_be(of: Variable, value: str, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        literal(of, value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("wsrep_on", "OFF", "loses what is written to it"),
        ("wsrep_cluster_address", "gcomm://", "invariant 1"),
        ("wsrep_provider_options", "gcs.fc_limit=64; pc.ignore_sb=yes", "pc.ignore_sb: both halves"),
        ("read_only", "ON", "must take writes"),
        ("wsrep_desync", "ON", "flow control"),
        ("init_connect", "x" * 5000, "longer than"),
    ],
)
def test_what_breaks_an_invariant_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        check_live(name, value)


def test_what_breaks_none_is_not() -> None:
    check_live("wsrep_provider_options", "gcs.fc_limit=64")
    check_live("wsrep_on", "ON")
    check_live("max_connections", "500")


def test_names_are_the_servers() -> None:
    assert normal_name("Max-Connections") == "max_connections"
    assert normal_name("loose-slow_query_log") == "slow_query_log"
    for bad in ("", "a b", "x;y", "@@x", "x'", "größe", "GLOBAL x"):
        with pytest.raises(PermanentError, match="is not the name"):
            normal_name(bad)


@given(st.text(max_size=40))
def test_no_text_leaves_its_quotes(value: str) -> None:
    """Read as the server reads it: what follows the opening quote is one string, up to the end."""
    text = literal(variable("VARCHAR"), value)
    inner, read, at = text[1:-1], "", 0
    while at < len(inner):
        assert inner[at] != "'" or inner[at + 1 : at + 2] == "'"
        at += 1 if inner[at] in "\\'" else 0
        read += inner[at]
        at += 1
    assert read == value
