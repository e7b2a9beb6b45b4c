"""The manifests in a sandbox that itself ends, in order or not, and under an ordinary user."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ordinary import readable_by_all
from tests.servers.sandboxed import PLAIN, Cluster, Sandbox, User, sandbox, wait_until
from tests.servers.writing_client import WritingClient

pytestmark = pytest.mark.servers

NOBODY = 65534


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tri-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def user(home: Path) -> User | None:
    """Root runs it as `nobody`, where that user can read this checkout; everybody else as themselves."""
    if os.geteuid() != 0 or not readable_by_all(Path(__file__)):
        return None
    os.chown(home, NOBODY, NOBODY)
    return User(NOBODY, home)


@pytest.fixture(scope="module")
def mine(user: User | None) -> Iterator[Sandbox]:
    with sandbox(user) as made:
        said = made.command("up", "-k", str(PLAIN), seconds=180)
        assert "Ready after" in said
        assert "To connect to demo:" in said
        yield made


@pytest.fixture
def demo(mine: Sandbox) -> Cluster:
    return Cluster(mine.kubernetes, "default")


def ended(pid: int) -> bool:
    """Nothing of it runs any more, whether or not the machine's init has taken note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_an_ordinary_user_forms_a_cluster(mine: Sandbox, demo: Cluster, user: User | None) -> None:
    demo.wait_synced()
    assert Path(f"/proc/{mine.pid}").stat().st_uid == (user.uid if user else os.geteuid())
    demo.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    assert demo.sql("SET wsrep_sync_wait = 1", "SELECT id FROM t", through="demo-secondary") == [(1,)]


def test_down_and_up(mine: Sandbox, demo: Cluster) -> None:
    history = demo.wait_synced()
    with WritingClient(demo, "before_down") as client:
        mine.command("down")
        mine.command("up")
        assert demo.wait_synced() == history
        client.wait_for_more()
    assert {pod: client.lost(pod) for pod in demo.pods()} == {f"demo-{n}": set() for n in range(3)}


@pytest.mark.parametrize("how", ["kill -9 of the sandbox", "down --now"])
def test_power_loss(mine: Sandbox, demo: Cluster, how: str) -> None:
    history = demo.wait_synced()
    with WritingClient(demo, "before_power_loss") as client:
        if how == "down --now":
            mine.command("down", "--now")
        else:
            os.kill(mine.pid, signal.SIGKILL)
            wait_until(lambda: ended(mine.pid), "the process is gone", 20)
        mine.command("up")
        assert demo.wait_synced() == history
        client.wait_for_more()
    assert {pod: client.lost(pod) for pod in demo.pods()} == {f"demo-{n}": set() for n in range(3)}
