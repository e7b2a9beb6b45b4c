"""docs/proof.md names a test for each failure of the field, and the test is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAILURES = 32
ROWS = {
    int(row[1]): row[2]
    for row in re.finditer(r"^\| (\d+) \| .* \| (.*) \|$", (ROOT / "docs/proof.md").read_text(), re.MULTILINE)
}
OPEN = {23, 27}
"""What Trireme cannot do at all yet."""


def test_all_are_there() -> None:
    assert list(ROWS) == list(range(1, FAILURES + 1))
    assert {number for number, said in ROWS.items() if said.startswith("open: ")} == OPEN


@pytest.mark.parametrize("number", sorted(ROWS.keys() - OPEN))
def test_each_has_a_test(number: int) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", ROWS[number])
    assert named
    for path, name in named:
        tests = {
            each.name
            for each in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
        }
        assert (name or tests) and (not name or name in tests), f"{path} has no {name}"
