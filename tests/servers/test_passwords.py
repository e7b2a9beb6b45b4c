"""Passwords changed in the Secret alone: nobody is locked out at any time (28)."""

import threading
from collections.abc import Iterator

import pymysql
import pytest

from tests.servers.plain import ROOT_PASSWORD, USER_PASSWORD, Agent, PlainCluster, wait_until

pytestmark = pytest.mark.servers

GRACE_SECONDS = 4
NEW_ROOT, NEW_USER = "new root's \\ pässword \"", "new'application"


def show(member: Agent, **keys: str) -> None:
    """What the kubelet shows to this member's agent."""
    for key, value in keys.items():
        (member.home / "given" / key.replace("_", "-")).write_text(value)


def handed_on(member: Agent, key: str) -> str:
    """What `trireme sql` reads in that pod."""
    return (member.home / "secret" / key).read_text()


def may_log_in(member: Agent, user: str, password: str) -> bool:
    try:
        member.sql("SELECT 1", user=user, password=password)
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1045, error
        return False
    return True


@pytest.fixture
def two() -> Iterator[PlainCluster]:
    with PlainCluster(2) as cluster:
        for member in cluster.members:
            (member.home / "given").mkdir()
            member.env["TRIREME_GIVEN_DIR"] = str(member.home / "given")
            member.env["TRIREME_PASSWORD_GRACE_SECONDS"] = str(GRACE_SECONDS)
            show(member, root_password=ROOT_PASSWORD, password=USER_PASSWORD)
        cluster.start().wait_synced()
        yield cluster


def test_a_changed_secret_locks_nobody_out(two: PlainCluster) -> None:
    writer, other = two[0], two[1]
    two.writer()
    wait_until(lambda: writer.status()["accounts"] == in_step(), "the accounts are in step", 30)
    show(other, root_password=NEW_ROOT, password=NEW_USER)
    failed: list[str] = []
    stop = threading.Event()

    def log_in_for_ever() -> None:
        """As a command in a pod does, with what that pod has."""
        while not stop.wait(0.05):
            for member in two.members:
                for user, key in (("root", "root-password"), ("app", "password")):
                    if not may_log_in(member, user, handed_on(member, key)):
                        failed.append(f"{member.name} {user}")

    client = threading.Thread(target=log_in_for_ever)
    client.start()
    try:
        show(writer, root_password=NEW_ROOT, password=NEW_USER)
        for member in two.members:
            wait_until(lambda m=member: handed_on(m, "root-password") == NEW_ROOT, "handed on", 20)  # type: ignore[misc]
            assert may_log_in(member, "root", NEW_ROOT)
            assert may_log_in(member, "app", NEW_USER)
            assert may_log_in(member, "app", USER_PASSWORD)
        wait_until(lambda: not may_log_in(other, "app", USER_PASSWORD), "the old password ends", 30)
        assert not may_log_in(other, "root", ROOT_PASSWORD)
        wait_until(lambda: writer.status()["accounts"] == in_step(), "the accounts are in step", 30)
    finally:
        stop.set()
        client.join(30)
    assert failed == []
    logs = writer.log.read_text() + other.log.read_text() + writer.get("/status")[1].decode()
    assert not any(secret in logs for secret in (NEW_ROOT, NEW_USER, ROOT_PASSWORD, USER_PASSWORD))


def in_step() -> dict[str, object]:
    return {"in_step": True, "why": "the passwords are the Secret's"}


def test_a_secret_that_changed_while_all_were_down_is_applied_afterwards(two: PlainCluster) -> None:
    for member in two.members:
        member.stop()
    for member in two.members:
        show(member, root_password=NEW_ROOT, password=NEW_USER)
        member.secrets(**{"root-password": NEW_ROOT, "password": NEW_USER})
    two.start().wait_synced()
    wait_until(lambda: may_log_in(two[1], "root", NEW_ROOT), "the new password is valid", 30)


def test_what_cannot_be_done_is_said(two: PlainCluster) -> None:
    writer = two.writer()
    show(writer, password="")
    wait_until(lambda: "no value for password" in str(writer.status()["accounts"]), "it says so", 30)
    show(writer, password=USER_PASSWORD, token="another-token-of-32-characters..")
    wait_until(lambda: "the Secret's token was changed" in str(writer.status()["accounts"]), "it says so", 30)
    (writer.home / "given" / "token").unlink()
    writer.sql("ALTER USER app@'%' IDENTIFIED BY 'by hand'")
    wait_until(lambda: "was changed after the Secret" in str(writer.status()["accounts"]), "it says so", 60)
    assert may_log_in(writer, "app", "by hand")
