"""FIELD FAILURES 10, 11, 19 and kin: directories that a crash, a disk or a person damaged; servers killed in bad moments.

9 (first-start SQL where data may be) is in test_mariadb_adapter_ends.py; 16 is in test_resuming.py.
"""

import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from functools import partial

import pymysql
import pytest

from tests.servers.faults import crash_all, starved
from tests.servers.ledger import writing
from tests.servers.plain import Agent, PlainCluster, wait_until

pytestmark = pytest.mark.servers


def test_11_state_files_that_are_empty_zeroed_or_garbage(three: PlainCluster) -> None:
    """As a crash leaves them. Fails when one is trusted, or when a file that cannot be read stops a member."""
    history = three.histories()
    with writing(three, "state_files") as ledger:
        crash_all(three.members)
        for member, text in zip(
            three.members, ("", "\0" * 4096, "uuid: nonsense\nseqno: 10^6\n"), strict=True
        ):
            (member.volume / "data" / "grastate.dat").write_text(text)
            (member.volume / "data" / "gvwstate.dat").write_text(text or "my_uuid: nobody\n#vwbeg\n")
        three.start().wait_synced()
        ledger.wait_for_more()
    assert three.histories() == history
    ledger.assert_nothing_lost()


def test_a_corrupt_storage_engine_takes_a_new_copy_and_the_old_one_is_kept(three: PlainCluster) -> None:
    """Pages flipped on one disk. Fails when a position is made up, when it crash-loops, or when the rest is deleted."""
    with writing(three, "flipped_pages") as ledger:
        three[1].crash()
        space = three[1].volume / "data" / "ibdata1"
        with space.open("r+b") as file:
            for page in range(3, 60):
                file.seek(page * 16384 + 100)
                file.write(b"\xa5" * 512)
        three[1].start()
        three.wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()
    assert "InnoDB" in three[1].log.read_text()
    assert list((three[1].volume / "aside").iterdir())


def test_10_data_of_another_cluster_is_not_compared_and_not_overwritten(three: PlainCluster) -> None:
    """The same names, another history, a higher seqno. Fails when seqnos are compared without uuids."""
    own, kept = three[2].volume / "data", three[2].volume.parent / "data.kept"
    with PlainCluster(1) as stranger:
        stranger.start().wait_synced()
        stranger[0].sql("CREATE TABLE app.strange (id INT PRIMARY KEY AUTO_INCREMENT)")
        for _ in range(200):
            stranger[0].sql("INSERT INTO app.strange VALUES ()")
        assert stranger[0].stop() == 0
        three[2].crash()
        own.rename(kept)
        shutil.copytree(stranger[0].volume / "data", own)
    before = sorted(path.name for path in own.iterdir())
    three[2].start().wait_phase("Blocked")
    assert "not overwritten" in three[2].status()["why"]
    assert not three[2].status()["running"]
    assert sorted(path.name for path in own.iterdir()) == before
    three[2].crash()
    shutil.rmtree(own)
    kept.rename(own)
    three[2].start()
    three.wait_synced()


def test_all_are_killed_while_the_schema_changes(three: PlainCluster) -> None:
    """In the middle of a DDL grastate.dat has a zero uuid on all three. Fails when that counts as having no data."""
    history = three.histories()
    three.writer().sql("CREATE OR REPLACE TABLE app.shape (id INT PRIMARY KEY)")
    over = threading.Event()

    def change(member: Agent) -> None:
        number = 0
        with suppress(pymysql.Error, OSError), member.connect() as connection, connection.cursor() as cursor:
            while not over.is_set():
                number += 1
                cursor.execute(f"ALTER TABLE app.shape ADD COLUMN c{number} INT, FORCE")

    with writing(three, "during_ddl") as ledger:
        changing = threading.Thread(target=change, args=(three.writer(),), daemon=True)
        changing.start()
        time.sleep(1)
        crash_all(three.members)
        over.set()
        changing.join(40)
        three.start().wait_synced()
        ledger.wait_for_more()
    assert three.histories() == history
    ledger.assert_nothing_lost()


def restarted(member: Agent, before: int) -> bool:
    return int(member.status()["restarts"]) > before


def test_a_server_that_is_killed_again_and_again(three: PlainCluster) -> None:
    """As for want of memory. Fails when the agent gives up, hammers without a pause, or the others suffer."""
    member = next(each for each in three.members if each is not three.writer())
    with writing(three, "out_of_memory") as ledger:
        for number in range(4):
            wait_until(lambda: member.status()["running"], "its server is started again", 30)
            begun = member.status()["restarts"]
            with suppress(IndexError, ProcessLookupError):
                member.signal_server(signal.SIGKILL)
            wait_until(partial(restarted, member, begun), f"kill {number + 1} is noticed", 10)
            assert member.get("/livez")[0] == 200
        ledger.wait_for_more()
        three.wait_synced()
    ledger.assert_nothing_lost()


def test_servers_that_get_little_cpu_are_not_suspected(three: PlainCluster) -> None:
    """Each stands still for 1.2 s at a time, as under a CPU quota. Fails with a shorter evs.suspect_timeout."""
    views = {member.status()["last_view"]["seqno"] for member in three.members}
    pids = [[member.server_pid()] for member in three.members]
    with (
        writing(three, "starved") as ledger,
        starved(lambda: pids[0], 0.15, 1.2),
        starved(lambda: pids[1], 0.2, 1.2),
        starved(lambda: pids[2], 0.25, 1.2),
    ):
        ledger.wait_for_more(5, 60)
        time.sleep(15)
    three.wait_synced()
    assert {member.status()["last_view"]["seqno"] for member in three.members} == views
    ledger.assert_nothing_lost()


def is_slow(member: Agent) -> bool:
    server = member.status()["server"]
    return server is not None and bool(server["slow"])


def test_a_member_that_holds_all_writes_up_says_so(three: PlainCluster) -> None:
    """Somebody locks a table there. All are Synced, and clients wait. Fails where nothing tells who it is, or where the
    others say it of themselves."""
    late = next(each for each in three.members if each is not three.writer())
    with writing(three, "held_up") as ledger:
        ledger.wait_for_more()
        with late.connect() as session, session.cursor() as cursor:
            cursor.execute("LOCK TABLES app.held_up READ")
            wait_until(lambda: is_slow(late), "the slow member says so", 60)
            assert [each for each in three.members if is_slow(each)] == [late]
            assert {each.phase() for each in three.members} == {"Synced"}
        assert "makes all writes wait for it" in late.log.read_text()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()


def leave_in_doubt(member: Agent, *statements: str) -> None:
    """Galera refuses XA, so a server without it prepares the transaction in the stopped member's data, and is killed."""
    script, log = member.home / "xa.sql", member.home / "xa.log"
    script.write_text("".join(f"{each};\n" for each in statements))
    command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={member.volume / 'data'}"]
    command += ["--skip-networking", f"--socket={member.home / 'xa.sock'}", f"--init-file={script}"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: "ready for connections" in log.read_text(errors="replace"), "it is prepared", 30)
    finally:
        server.kill()
        server.wait(10)
    assert "[ERROR]" not in log.read_text(errors="replace")


def test_19_prepared_xa_transactions_in_doubt(three: PlainCluster) -> None:
    """On one disk after a crash of all. Fails when recovery stops at them, or when they cost a commit."""
    three.writer().sql("CREATE OR REPLACE TABLE app.xa (id INT PRIMARY KEY)")
    with writing(three, "in_doubt") as ledger:
        crash_all(three.members)
        said = len(three[0].log.read_text())
        leave_in_doubt(
            three[0], "XA START 'x'", "INSERT INTO app.xa VALUES (1)", "XA END 'x'", "XA PREPARE 'x'"
        )
        three.start().wait_synced()
        ledger.wait_for_more()
    ledger.assert_nothing_lost()
    assert "1 prepared XA transactions are in doubt" in three[0].log.read_text()[said:]
