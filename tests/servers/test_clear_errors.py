"""Each mistake ends in a sentence that names what was found, what was expected and what to do; nothing is lost."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.plain import PlainCluster

pytestmark = pytest.mark.servers


@pytest.fixture
def one() -> Iterator[PlainCluster]:
    with PlainCluster(1) as cluster:
        yield cluster


def refuses(cluster: PlainCluster) -> str:
    """Start the agent, which is to end with EX_CONFIG; its log."""
    assert cluster[0].start().join(20) == 78
    return cluster[0].log.read_text()


@pytest.mark.parametrize("key", ["token", "root-password", "password"])
def test_a_missing_secret_key(one: PlainCluster, key: str) -> None:
    (one[0].home / "secret" / key).unlink()
    if key == "token":
        assert f"secret key '{key}'" in refuses(one)
    else:
        one.start()
        one[0].wait_phase("Blocked")
        assert f"secret key '{key}'" in one[0].status()["why"]
        one[0].secrets(**{key: "given at last"})
        one[0].wait_phase("Synced")


def test_a_short_token(one: PlainCluster) -> None:
    one[0].secrets(token="short")
    assert "at least 16" in refuses(one)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRIREME_MEMBERS", "three", "TRIREME_MEMBERS='three': expected a whole number from 1"),
        ("TRIREME_POD_NAME", "demo", "expected a name that ends in its ordinal"),
        ("TRIREME_POD_IP", "nowhere", "TRIREME_POD_IP='nowhere': expected an IP address"),
        ("TRIREME_CLUSTER", "", "TRIREME_CLUSTER is not set"),
    ],
)
def test_an_impossible_setting(one: PlainCluster, name: str, value: str, words: str) -> None:
    one[0].env[name] = value
    assert words in refuses(one)


def test_a_server_setting_that_would_break_an_invariant(one: PlainCluster) -> None:
    one[0].my_cnf("[mariadbd]\nmax_connections=50\nwsrep_on=OFF\n")
    log = refuses(one)
    assert "wsrep_on" in log
    assert "line 3" in log


def test_a_port_in_use_and_then_free(one: PlainCluster) -> None:
    with socket.create_server((one[0].address, 3306)):
        one.start()
        one[0].wait_phase("Blocked")
        assert "3306" in one[0].status()["why"]
        assert one[0].address in one[0].status()["why"]
    one[0].wait_phase("Synced")


def test_an_unwritable_volume(one: PlainCluster) -> None:
    one[0].volume.chmod(0o500)
    try:
        log = refuses(one)
    finally:
        one[0].volume.chmod(0o755)
    assert "must be able to write" in log


def test_a_volume_that_another_uid_wrote(one: PlainCluster) -> None:
    """runAsUser was changed. Once the group may write to it, as with fsGroupChangePolicy Always, the new uid serves."""
    one.start()
    one.wait_synced()
    one[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)", "INSERT INTO app.t VALUES (1)")
    one[0].stop()
    hand_over(one[0].volume, 0o600)
    assert re.search(r"must be able to write to the data volume.*set the pod's fsGroup", refuses(one))
    hand_over(one[0].volume, 0o660)
    one[0].start()
    one[0].wait_phase("Synced")
    assert one[0].sql("SELECT COUNT(*) FROM app.t") == [(1,)]


def hand_over(top: Path, mode: int) -> None:
    """To another uid, where this one is root; else only what its owner may do changes."""
    for path in (top, *top.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, 65534, 0)
            path.chmod(mode | 0o2110 if path.is_dir() else mode)
        elif path.is_file():
            path.chmod(0o600 if mode & 0o060 else 0o400)


def test_a_volume_with_somebody_elses_data(one: PlainCluster) -> None:
    (one[0].volume / "ibdata1").write_bytes(b"precious")
    one.start()
    one[0].wait_phase("Blocked")
    assert "ibdata1" in one[0].status()["why"]
    assert (one[0].volume / "ibdata1").read_bytes() == b"precious"


def test_a_volume_of_another_cluster(one: PlainCluster) -> None:
    one.start()
    one.wait_synced()
    one[0].stop()
    one[0].env["TRIREME_NAMESPACE"] = "elsewhere"
    assert "belongs to cluster default/demo" in refuses(one)


def test_a_record_that_cannot_be_read_is_kept(one: PlainCluster) -> None:
    record = one[0].volume / "trireme" / "member.json"
    record.parent.mkdir()
    record.write_text("{ half")
    assert "cannot be read" in refuses(one)
    assert record.read_text() == "{ half"


def test_a_corrupt_grastate_is_no_empty_disk(one: PlainCluster) -> None:
    one.start()
    one.wait_synced()
    one[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)", "INSERT INTO app.t VALUES (1)")
    one[0].stop()
    (one[0].volume / "data" / "grastate.dat").write_bytes(b"\x00garbage\xff")
    one.start()
    one[0].wait_phase("Synced")
    assert one[0].sql("SELECT COUNT(*) FROM app.t") == [(1,)]


def test_a_token_that_is_not_the_datas(one: PlainCluster) -> None:
    one.start()
    one.wait_synced()
    one[0].stop()
    one[0].secrets(token="another-token-of-sufficient-length")
    one.start()
    one[0].wait_why("denied")


def test_a_missing_binary(one: PlainCluster) -> None:
    one[0].hidden = [
        str(Path(found).resolve()) for name in ("mariadbd", "mysqld") if (found := shutil.which(name))
    ]
    assert "mariadbd or mysqld not found" in refuses(one)
