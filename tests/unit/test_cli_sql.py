"""``trireme sql``: whom it connects to, and what the client in the pod gets."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from pathlib import Path

import pytest

from tests.unit.cli_kubernetes import V4, FakeKubernetes
from tests.unit.core.seen import fresh, joining, synced
from tests.unit.test_cli_status import TRIREME, Ran, environment

CLIENT = """#!/bin/sh
echo "arguments: $*"
my_print_defaults "$1" client
env | grep -i -e "root's" -e "the app's" -e mysql_pwd && echo "the environment tells"
cat
exit 3
"""
"""In place of the mariadb client: shows what it was given, with MariaDB's own reading of option files."""


@pytest.fixture
def pod(tmp_path: Path) -> dict[str, str]:
    """A pod's environment, with the client and the Secret's files."""
    programs, secret = tmp_path / "bin", tmp_path / "secret"
    programs.mkdir()
    secret.mkdir()
    (programs / "mariadb").write_text(CLIENT)
    (programs / "mariadb").chmod(0o755)
    (secret / "root-password").write_text("root's")
    (secret / "password").write_text("the app's")
    return {
        "path": f"{programs}:{os.environ['PATH']}",
        "TRIREME_SECRET_DIR": str(secret),
        "TRIREME_RUN_DIR": "/run/here",
        "TRIREME_USER": "app",
    }


def kubernetes_with(pod: dict[str, str], protocols: tuple[str, ...] | None = None) -> FakeKubernetes:
    inside = {name: value for name, value in pod.items() if name != "path"}
    kubernetes = FakeKubernetes(path=pod["path"], environment=inside)
    if protocols is not None:
        kubernetes.protocols = protocols
    kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
    return kubernetes


async def sql(config: Path, *arguments: str, stdin: bytes = b"") -> Ran:
    process = await asyncio.create_subprocess_exec(
        TRIREME,
        "sql",
        *arguments,
        env=environment(config),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), 30)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Ran(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", V4])
async def test_a_statement_goes_to_the_writer(protocol: str, pod: dict[str, str], tmp_path: Path) -> None:
    async with kubernetes_with(pod, (protocol,)).serving() as kubernetes:
        config = kubernetes.kubeconfig(tmp_path)
        ran = await sql(config, "-e", "SELECT 'größer'", "--", "--skip-ssl", "app")
    assert ran == Ran(
        3,
        r"arguments: --defaults-file=/dev/fd/3 --prompt=demo-0 [\d]>  --skip-ssl app" + "\n"
        "--user=root\n--socket=/run/here/mysqld.sock\n--password=root's\nSELECT 'größer'",
        "",
    )
    paths = [path for path, _ in kubernetes.asked]
    assert "/pods/demo-0/exec?container=mariadb" in paths[-1]
    assert "SELECT" not in paths[-1]


async def test_standard_input_goes_to_the_client_to_its_end(pod: dict[str, str], tmp_path: Path) -> None:
    dump = b"INSERT INTO t VALUES (1);\n" * 20_000
    async with kubernetes_with(pod).serving() as kubernetes:
        ran = await sql(kubernetes.kubeconfig(tmp_path), stdin=dump)
    assert ran.status == 3
    assert ran.out.endswith("\n--password=root's\n" + dump.decode())


async def test_an_old_kubernetes_cannot_end_the_input(pod: dict[str, str], tmp_path: Path) -> None:
    async with kubernetes_with(pod, (V4,)).serving() as kubernetes:
        ran = await sql(kubernetes.kubeconfig(tmp_path), stdin=b"SELECT 1")
    assert ran.status == 2
    assert "older than 1.30" in ran.err


@pytest.mark.parametrize("password", ["pa\"s\\s #w0rd'", " blanks ", "%s $HOME `id` \\n", "#", '"quoted"'])
async def test_any_password_arrives_as_it_is(password: str, pod: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret/root-password").write_text(password)
    async with kubernetes_with(pod).serving() as kubernetes:
        ran = await sql(kubernetes.kubeconfig(tmp_path), "-e", "SELECT 1")
    assert f"\n--password={password}\n" in ran.out


async def test_the_applications_user_has_its_own_password(pod: dict[str, str], tmp_path: Path) -> None:
    async with kubernetes_with(pod).serving() as kubernetes:
        ran = await sql(kubernetes.kubeconfig(tmp_path), "-u", "app", "-e", "SELECT 1")
        other = await sql(kubernetes.kubeconfig(tmp_path), "-u", "eve", "-e", "SELECT 1")
    assert "--user=app\n--socket=/run/here/mysqld.sock\n--password=the app's\n" in ran.out
    assert "--user=eve\n--socket=/run/here/mysqld.sock\nSELECT 1" in other.out


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((), "demo-0"), (("--role", "secondary"), "demo-1"), (("--member", "2"), "demo-2")],
)
async def test_whom_it_connects_to(
    arguments: tuple[str, ...], name: str, pod: dict[str, str], tmp_path: Path
) -> None:
    async with kubernetes_with(pod).serving() as kubernetes:
        ran = await sql(kubernetes.kubeconfig(tmp_path), *arguments, "-e", "SELECT 1")
    assert rf"--prompt={name} [\d]>" in ran.out


FAILURES = {
    "no writer": ((), "demo has no writer now (no Primary yet, 1 of 2 members answer and none has data: "),
    "no secondary": (("--role", "secondary"), "demo has no ready secondary now"),
    "no such member": (("--member", "7"), "demo has no pod of member 7"),
    "no such cluster": (("nix",), "there is no cluster nix"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failure_is_one_line_and_status_two(case: str, tmp_path: Path) -> None:
    arguments, said = FAILURES[case]
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", fresh(0), wanted=2)
        ran = await sql(kubernetes.kubeconfig(tmp_path), *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_several_clusters_want_a_name(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0, size=1), wanted=1)
        kubernetes.add_cluster("shop", wanted=0)
        ran = await sql(kubernetes.kubeconfig(tmp_path))
    assert "namespace default has several clusters, name one: demo, shop" in ran.err


async def test_who_may_not_exec_is_told_so(tmp_path: Path) -> None:
    async with FakeKubernetes(forbidden={"exec"}).serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), joining(1))
        ran = await sql(kubernetes.kubeconfig(tmp_path))
    assert ran.err == (
        'trireme: you may not do that: exec is forbidden: User "eve" cannot get resource "exec" '
        "(it takes the rights to get and to create pods/exec)\n"
    )


async def test_a_terminal_is_passed_through(tmp_path: Path) -> None:
    """Every key as it is (Ctrl-C too), sizes at the start and when they change, and the terminal as it was."""
    ours, theirs = pty.openpty()
    resize(theirs, 80)
    before = termios.tcgetattr(theirs)
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
        process = await asyncio.create_subprocess_exec(
            TRIREME,
            "sql",
            env=environment(kubernetes.kubeconfig(tmp_path)),
            stdin=theirs,
            stdout=theirs,
            start_new_session=True,
        )
        await shown(ours, b"size 80")
        os.write(ours, b"select\x03")
        await shown(ours, b"SELECT\x03")
        resize(theirs, 132)
        process.send_signal(signal.SIGWINCH)
        await shown(ours, b"size 132")
        os.write(ours, b"\x04")
        assert await asyncio.wait_for(process.wait(), 10) == 7
    assert kubernetes.sizes == [(80, 24), (132, 24)]
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


async def shown(terminal: int, wanted: bytes) -> None:
    """Read until the terminal has shown this."""
    seen = b""
    while wanted not in seen:
        seen += await asyncio.wait_for(asyncio.to_thread(os.read, terminal, 1024), 10)
