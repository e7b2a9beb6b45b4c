"""The image: this machine's programs and Trireme, without its secrets."""

from pathlib import Path

import pytest

import trireme
from tests.sandbox.node_support import container, laboratory, make_pod
from trireme.sandbox.node.image import Bind, Link, entries, programs, read_images, refusal, resolve
from trireme.sandbox.node.preflight import check_containers


@pytest.mark.parametrize("name", ["trireme", "trireme/trireme:0.1.0", "localhost:5000/a/trireme@sha256:00"])
def test_images_that_exist(name: str) -> None:
    assert refusal(name, {}) is None


@pytest.mark.parametrize("name", ["mariadb:10.11", "trireme/agent", "docker.io/trireme/triremes:1"])
def test_images_that_do_not(name: str) -> None:
    assert name in (refusal(name, {}) or "")


def test_mount_points_are_named_without_links() -> None:
    assert resolve("/var/run/secrets/x") == "/run/secrets/x"
    assert resolve("/var/lib/mysql/") == "/var/lib/mysql"
    assert resolve("/bin/x") == str(Path("/bin").resolve() / "x")


def test_this_machine_makes_containers() -> None:
    check_containers()


async def test_trireme_runs_inside_as_any_user(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = "id -u; command -v trireme; python -c 'import aiohttp, trireme; print(trireme.__name__)'; ls -A /root"
        user = {"runAsUser": 1000660000}
        lab.create("pods", make_pod(container(script), securityContext=user, restartPolicy="Never"))
        await lab.until_phase("Succeeded")
        number, program, package = lab.log().splitlines()
        assert (number, package) == ("1000660000", "trireme")
        assert program.endswith("/bin/trireme")


async def test_the_hosts_private_files_are_not_in_the_image(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = "ls /etc/shadow /etc/gshadow 2>/dev/null; cat /etc/resolv.conf; echo $TRIREME_NAMESERVERS"
        lab.create("pods", make_pod(container(script), restartPolicy="Never"))
        await lab.until_phase("Succeeded")
        assert lab.log().splitlines() == [
            "search default.svc.cluster.local svc.cluster.local cluster.local",
            "nameserver 127.9.255.10",
            "options ndots:5",
            "127.9.255.10:5353",
        ]


async def test_a_root_file_system_is_writable_only_in_part(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        script = "touch /tmp/a /run/b /var/lib/c && echo written; touch /usr/d || echo refused"
        lab.create("pods", make_pod(container(script), restartPolicy="Never"))
        await lab.until_phase("Succeeded")
        assert [line for line in lab.log().splitlines() if "touch" not in line] == ["written", "refused"]
        assert any("writable root" in message for message in lab.events("NotEmulated"))


def _root(folder: Path) -> Path:
    """An image's root with nothing but a Python that is this machine's, and a Trireme."""
    package = folder / "opt/trireme/lib/python3.99/site-packages/trireme"
    package.mkdir(parents=True)
    for name in ("usr", "etc", "var"):
        (folder / name).mkdir()
    (folder / "bin").symlink_to("usr/bin")
    return folder


def test_the_root_of_another_image_is_shown_in_its_place(tmp_path: Path) -> None:
    root = _root(tmp_path)
    shown = {entry.target: entry.source for entry in entries(frozenset(), root) if isinstance(entry, Bind)}
    assert shown["/usr"] == str(root / "usr")
    assert Link("/bin", "usr/bin") in set(entries(frozenset(), root))
    assert resolve("/bin/x", root) == "/usr/bin/x"
    (own,) = programs(root)
    assert (own.source, own.target) == (
        str(Path(trireme.__file__).parent),
        "/opt/trireme/lib/python3.99/site-packages/trireme",
    )


def test_an_image_without_trireme_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "images.json"
    file.write_text(f'{{"mine:1": "{tmp_path}"}}')
    assert "/opt/trireme" in (refusal("mine:1", read_images(file)) or "")
    _root(tmp_path)
    assert refusal("mine:1", read_images(file)) is None
    assert read_images(None) == read_images(tmp_path / "nothing") == {}
