"""RESULTS.md: one section per phase. A run replaces the sections of its own phases and keeps the others."""

import re
from pathlib import Path

from bench.run import Result, Row, Table

HEAD = """\
# Measured

Written by `python -m bench` (or `make bench`): do not edit. Every figure is a *median [lowest-highest]* of the
rounds of one run, and matters only beside the floor that was measured in the same rounds, alternating with it:
the ratio is taken round by round. Other programs on the machine slow both. What it means: docs/performance.md.

To repeat: `make bench`, or `.venv/bin/python -m bench p1 p3` for some phases; `--rounds N` for more of them.
"""


def write(path: Path, results: dict[str, Result], machine: str) -> None:
    """Replace the sections of ``results``, by the phase's name; keep those of other phases."""
    sections = _sections(path.read_text()) if path.exists() else {}
    for result in results.values():
        sections[result.title] = _section(result, machine)
    path.write_text("\n".join([HEAD, *(sections[title] for title in sorted(sections))]))


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {
        title: f"## {title}\n{body.rstrip()}\n" for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def _section(result: Result, machine: str) -> str:
    parts = [f"## {result.title}\n", f"{machine}\n", f"{result.what}\n"]
    parts += [_table(table) for table in result.tables]
    parts += [f"- {remark}" for remark in result.remarks]
    return "\n".join(parts).rstrip() + "\n"


def _table(table: Table) -> str:
    rounds = max(len(row.ours.values) for row in table.rows)
    heads = [f"n = {rounds}", table.ours, *([table.floor, "ratio"] if table.floor else [])]
    lines = [heads, ["---"] * len(heads), *(_cells(row, len(heads)) for row in table.rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _cells(row: Row, count: int) -> list[str]:
    cells = [row.what, row.ours.text(row.digits)]
    cells += [row.floor.text(row.digits) if row.floor else "", row.ratio.text() if row.ratio else ""]
    return cells[:count]
