"""The rules of CONTRIBUTING.md that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50

PYTHON = sorted(
    path for folder in ("src", "tests", "tools", "bench") for path in (ROOT / folder).rglob("*.py")
)
SCRIPTS = sorted(
    path
    for folder in ("tools", ".ci")
    for path in (ROOT / folder).iterdir()
    if path.is_file() and path.read_bytes().startswith(b"#!")
)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def shown(path: Path) -> str:
    """Name a file as a person would, from the project's folder."""
    return str(path.relative_to(ROOT))


# --- code ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PYTHON, ids=shown)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES_OF_A_FILE
    long = {
        f"{each.name} (line {each.lineno}, {each.end_lineno - each.lineno + 1} lines)"
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.end_lineno is not None
        and each.end_lineno - each.lineno >= MOST_LINES_OF_A_FUNCTION
    }
    assert not long


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=shown)
def test_modules_say_what_they_are_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "the first thing in a module is its docstring"


@pytest.mark.parametrize("path", [*PYTHON, *SCRIPTS, *DOCUMENTS], ids=shown)
def test_nothing_is_left_to_do(path: Path) -> None:
    marks = [r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b"]
    found = re.search("|".join(marks), path.read_text())
    assert not found, f"{found}: do it now, or write an issue"


@pytest.mark.parametrize("path", SCRIPTS, ids=shown)
def test_shell_scripts_parse(path: Path) -> None:
    shell = path.read_text().splitlines()[0].rpartition("/")[2].split()[-1]
    subprocess.run([shell, "-n", path], check=True, timeout=10)


# --- documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=shown)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text()))
    broken = [link for link in links if not resolves(link, path)]
    assert not broken


def resolves(link: str, document: Path) -> bool:
    """Say whether a relative link names a file that is there and, if it has one, a heading in it."""
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    target = (document.parent / name).resolve() if name else document
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(document: Path) -> set[str]:
    """Return the document's headings as a Git host makes anchors of them."""
    headings = re.findall(r"^#+ +(.+)$", without_code(document.read_text()), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text: str) -> str:
    """Remove fenced blocks, whose comments look like headings."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        (shown(path), target)
        for path in DOCUMENTS
        for target in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", path.read_text(), flags=re.MULTILINE)
        for target in target
        if target
    }
    assert not {each for each in named if each[1] not in targets}


def test_make_alone_prints_what_there_is() -> None:
    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10)
    for target in ("setup", "check", "test", "demo", "demo-down", "bench"):
        assert f"  make {target} " in run.stdout


def test_commands_in_documents_exist() -> None:
    trireme = Path(sys.executable).with_name("trireme")
    commands = {
        tuple(words.split())
        for path in DOCUMENTS
        for words in re.findall(r"^(?:\$ )?trireme ([a-z]+(?: [a-z]+)?)", path.read_text(), re.MULTILINE)
    }
    for command in sorted(commands):
        run = subprocess.run(
            [trireme, *command, "--help"], check=False, capture_output=True, text=True, timeout=30
        )
        assert run.returncode == 0, f"{command}: {run.stderr}"


# --- dependencies ----------------------------------------------------------------------------------------------


def locked(name: str) -> dict[str, str]:
    """Return the versions in a lock file, by canonical name."""
    text = (ROOT / name).read_text()
    return {
        canonicalize_name(package): version
        for package, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE)
    }


def declared() -> Iterator[tuple[str, Requirement]]:
    """Each requirement of pyproject.toml with the lock file that must satisfy it."""
    groups = PROJECT["dependency-groups"]
    for text in PROJECT["project"]["dependencies"]:
        yield "requirements.lock", Requirement(text)
        yield "requirements-dev.lock", Requirement(text)
    for text in groups["dev"]:
        yield "requirements-dev.lock", Requirement(text)
    for text in groups["build"] + PROJECT["build-system"]["requires"]:
        yield "requirements-build.lock", Requirement(text)


@pytest.mark.parametrize(("lock", "requirement"), list(declared()), ids=str)
def test_locks_satisfy_the_project(lock: str, requirement: Requirement) -> None:
    version = locked(lock).get(canonicalize_name(requirement.name))
    assert version is not None, "run `make lock`"
    assert requirement.specifier.contains(version), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"])
def test_locks_have_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    packages = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert packages
    assert [each.partition("==")[0] for each in packages if "--hash=sha256:" not in each] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"])
def test_locks_hold_nothing_that_the_project_dropped(name: str) -> None:
    packages = re.split(r"^(?=[A-Za-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
    direct = {canonicalize_name(each.partition("==")[0]) for each in packages if "(pyproject.toml" in each}
    assert direct == {canonicalize_name(wanted.name) for lock, wanted in declared() if lock == name}


def test_developers_run_what_users_run() -> None:
    developers = locked("requirements-dev.lock")
    assert locked("requirements.lock").items() <= developers.items()


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/dependencies.md").read_text()
    python = {requirement.name for _, requirement in declared()}
    debian = set(re.findall(r"^([a-z0-9-]+) {2,}\S+$", (ROOT / "tools/debian-packages").read_text(), re.M))
    assert len(debian) > 10
    assert not {name for name in python | debian if f"**{name}**" not in reasons}
