"""The expression language: tables of expressions and what they come to."""

from typing import Any

import pytest

from trireme.sandbox.apiserver.cel.program import CompileError, compile_program
from trireme.sandbox.apiserver.cel.types import DYN, INT, STRING, list_of, map_of, root_type
from trireme.sandbox.apiserver.cel.values import CelError, UInt
from trireme.sandbox.apiserver.custom.schema import read_schema

SELF = {"a": 1, "s": "5Gi", "l": [1, 2, 3], "m": [{"x": "a"}, {"x": "b"}], "n": None}

VALUES: list[tuple[str, Any]] = [
    ("1 + 2 * 3 - 4", 3),
    ("-7 / 2", -3),
    ("-7 % 2", -1),
    ("7.0 / 2.0", 3.5),
    ("1u + 2u", UInt(3)),
    ("0x1F", 31),
    ("'a' + \"b\" + '''c'''", "abc"),
    (r"r'\d' + '\n\u00e9'", "\\d\né"),
    ("b'ab'.size()", 2),
    ("[1] + [2, 3,]", [1, 2, 3]),
    ("{'a': 1}.a + {'b': 2}['b']", 3),
    ("1 < 2.5 && 'a' < 'b' && !(true == false)", True),
    ("dyn(1) == 1.0 && dyn(1) != true && [1, 2] == [1, 2]", True),
    ("self.a > 0 ? 'x' : 'y'", "x"),
    ("2 in self.l && !('z' in self) && 'a' in self", True),
    ("has(self.a) && !has(self.b)", True),
    ("true || self.b", True),
    ("self.b || true", True),
    ("false && self.b", False),
    ("self.l.all(x, x > 0)", True),
    ("self.l.exists(x, x == 2)", True),
    ("self.m.exists_one(x, x.x == 'a')", True),
    ("self.l.map(x, x * 2)", [2, 4, 6]),
    ("self.l.map(x, x > 1, x * 2)", [4, 6]),
    ("self.l.filter(x, x > 1)", [2, 3]),
    ("self.l.all(i, x, x == i + 1)", True),
    ("{'a': 1, 'b': 2}.all(k, v, v > 0 && k != 'c')", True),
    ("{'a': 1}.exists(k, k == 'a')", True),
    ("self.m.map(x, x.x).join('-')", "a-b"),
    ("size(self.s) == self.s.size()", True),
    ("'Hello'.lowerAscii() + 'é'.upperAscii()", "helloé"),
    ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
    ("'abcd'.substring(1, 3) + 'abcd'.charAt(3)", "bcd"),
    ("'aXbX'.replace('X', '') + 'aXbX'.replace('X', '', 1)", "ababX"),
    ("' x '.trim().indexOf('x')", 0),
    ("self.s.matches('^[0-9]+(Ki|Mi|Gi)$')", True),
    ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
    ("'%s has %d'.format([self.s, self.a])", "5Gi has 1"),
    ("[3, 1, 2].isSorted() || [1, 2].sum() == 3", True),
    ("[3, 1].min() + [3, 1].max() + [5, 7].indexOf(7)", 5),
    ("sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1])", True),
    ("quantity('5Gi').isGreaterThan(quantity('5G'))", True),
    ("quantity('1500').add(quantity('0.5k')).asInteger()", 2000),
    ("quantity('1Ki').compareTo(quantity('1024'))", 0),
    ("isQuantity('12E') && isQuantity('1e3') && !isQuantity('5 Gi')", True),
    ("duration('1h30m').getMinutes()", 90),
    ("timestamp('2026-01-01T00:00:00Z') + duration('24h') == timestamp('2026-01-02T00:00:00Z')", True),
    ("timestamp('2026-11-25T02:03:04Z').getMonth()", 10),
    ("int('3') + int(2.9)", 5),
    ("string(1.5) + string(true) + string(2)", "1.5true2"),
    ("type(self.a) == int && type('') == string", True),
    ("self.?b.orValue(7) + self.?a.orValue(7)", 8),
    ("self.?b.?c.hasValue()", False),
    ("self.l[?9].orValue(0) + optional.of(3).value()", 3),
    ("optional.none().or(optional.of(1)).optMap(x, x + 1).value()", 2),
    ("// a remark\n1", 1),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[each[0][:50] for each in VALUES])
def test_values(text: str, expected: Any) -> None:
    found = compile_program(text, {"self": DYN}, DYN, "").run({"self": SELF})
    assert found == expected and isinstance(found, type(expected))


FAILURES = [
    ("self.b", "no such key: b"),
    ("self.b || false", "no such key: b"),
    ("self.l[3]", "index out of bounds: 3"),
    ("1 / (self.a - 1)", "division by zero"),
    ("9223372036854775807 + self.a", "integer overflow"),
    ("self.s + 1", "no such overload"),
    ("self.s.charAt(9)", "index out of range: 9"),
    ("quantity('x').sign()", "quantities must match the regular expression"),
    ("optional.none().value()", "optional.none() dereference"),
    ("int('x')", 'type conversion error from "x" to int'),
    ("'%x'.format([1])", "the sandbox does not emulate format's %x"),
]


@pytest.mark.parametrize(("text", "expected"), FAILURES, ids=[each[0] for each in FAILURES])
def test_expressions_without_a_value(text: str, expected: str) -> None:
    program = compile_program(text, {"self": DYN}, DYN, "")
    with pytest.raises(CelError) as caught:
        program.run({"self": SELF})
    assert str(caught.value).startswith(expected)


SCHEMA = read_schema(
    {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "f": {"type": "number"},
            "s": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            "l": {"type": "array", "items": {"type": "string"}},
            "m": {"type": "object", "additionalProperties": {"type": "integer"}},
            "a-b": {"type": "string"},
            "namespace": {"type": "string"},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
            "either": {"x-kubernetes-int-or-string": True},
        },
    }
)
SCOPE = {"self": root_type(SCHEMA)}


@pytest.mark.parametrize(
    "text",
    [
        "self.n + 1",
        "self.f + 1.0",
        "self.at + duration('1h')",
        "self.l.all(x, x.startsWith('a'))",
        "self.m['k'] + self.m.k",
        "self.a__dash__b + self.__namespace__",
        "self.metadata.name + self.kind",
        "self.either == 1 || self.either == '1'",
        "type(self.either) == string",
    ],
)
def test_what_fits_its_types(text: str) -> None:
    compile_program(text, SCOPE, DYN, "")


MISFITS = [
    ("self.nn", "undefined field 'nn'"),
    ("self.metadata.labels", "undefined field 'labels'"),
    ("self.any", "undefined field 'any'"),
    ("other", "undeclared reference to 'other' (in container '')"),
    ("self.n == 'x'", "found no matching overload for '_==_' applied to '(int, string)'"),
    ("self.f + 1", "found no matching overload for '_+_' applied to '(double, int)'"),
    ("self.n.foo", "type 'int' does not support field selection"),
    ("self.n.startsWith('a')", "found no matching overload for 'startsWith' applied to 'int.(string)'"),
    ("self.l.map(x, x + 1)", "found no matching overload for '_+_' applied to '(string, int)'"),
    ("self.l.all(x, x)", "expected type 'bool' but found 'string'"),
    ("self.n.all(x, true)", "expression of type 'int' cannot be range of a comprehension"),
    ("self.s && true", "found no matching overload for '_&&_' applied to '(string, bool)'"),
    ("self.n > 0 ? 1 : 'a'", "found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
    ("nope(self.n)", "undeclared reference to 'nope' (in container '')"),
    ("isIP(self.s)", "the sandbox does not emulate the CEL function 'isIP'"),
    ("has(self)", "invalid argument to has() macro"),
    ("self.n +", "Syntax error: mismatched input '<EOF>'"),
    ("self.n # 1", "Syntax error: token recognition error"),
    ("self.import", "reserved identifier: import"),
    ("'a\\q'", "Syntax error: unable to unescape string"),
    ("(" * 300 + "1" + ")" * 300, "expression recursion limit exceeded"),
]


@pytest.mark.parametrize(("text", "expected"), MISFITS, ids=[each[0][:40] for each in MISFITS])
def test_what_does_not_fit(text: str, expected: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile_program(text, SCOPE, DYN, "")
    assert expected in str(caught.value)


def test_an_error_shows_its_place() -> None:
    with pytest.raises(CompileError) as caught:
        compile_program("self.n > 0 &&\n  self.nn > 0", SCOPE, DYN, "")
    expected = "compilation failed: ERROR: <input>:2:7: undefined field 'nn'\n |   self.nn > 0\n | ......^"
    assert str(caught.value) == expected


def test_types_print_as_people_write_them() -> None:
    assert str(map_of(STRING, list_of(INT))) == "map(string, list(int))"
