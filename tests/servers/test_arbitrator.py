"""Two members and an arbitrator: one member dies, and the other goes on (31)."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.servers.plain import NAMESPACE, TOKEN, PlainCluster, wait_until

pytestmark = pytest.mark.servers


class Arbitrator:
    """``trireme arbitrator`` as a plain process, with an address of its own and no name in DNS."""

    def __init__(self, cluster: PlainCluster) -> None:
        self.address = f"127.{cluster.net}.1.99"
        home = cluster.home / "arbitrator"
        (home / "secret").mkdir(parents=True)
        (home / "secret" / "token").write_text(TOKEN)
        home.chmod(0o755)
        self.log = home / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "TRIREME_CLUSTER": "demo",
            "TRIREME_NAMESPACE": NAMESPACE,
            "TRIREME_POD_IP": self.address,
            "TRIREME_SERVICE": "demo-internal",
            "TRIREME_SECRET_DIR": str(home / "secret"),
            "TRIREME_NAMESERVERS": cluster.nameserver,
            "TMPDIR": str(home),
        }
        program = str(Path(sys.executable).with_name("trireme"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([program, "arbitrator"], env=environment, stdout=log, stderr=log)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.address}:8080{path}", timeout=3) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def says(self, words: str) -> bool:
        return words in str(msgspec.json.decode(self.get("/status")[1])["why"])


@pytest.fixture
def voting() -> Iterator[tuple[PlainCluster, Arbitrator]]:
    with PlainCluster(2) as cluster:
        arbitrator = Arbitrator(cluster)
        try:
            wait_until(lambda: arbitrator.says("a vote without data never makes one"), "it waits", 20)
            cluster.start()
            for member in cluster.members:
                member.wait_phase("Synced")
            wait_until(arbitrator.ready, "it votes", 30)
            yield cluster, arbitrator
            arbitrator.process.send_signal(signal.SIGTERM)
            assert arbitrator.process.wait(20) == 0
        finally:
            arbitrator.process.kill()
            arbitrator.process.wait(10)
            sys.stderr.write(arbitrator.log.read_text()[-20000:])


def test_either_member_may_die_and_views_name_members_only(voting: tuple[PlainCluster, Arbitrator]) -> None:
    two, arbitrator = voting
    two[0].sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    for dies, stays in ((0, 1), (1, 0)):
        wait_until(lambda: two.views() == {(0, 1)}, "the view has both members, and nobody else", 20)
        two[dies].crash()
        wait_until(lambda stays=stays: two[stays].get("/primary")[0] == 200, "the other takes the writes", 20)  # type: ignore[misc]
        two[stays].sql(f"INSERT INTO app.t VALUES ({dies})")
        assert two.views() == {(stays,)}
        assert arbitrator.ready()
        assert "trireme_arbitrator_group_size 2" in arbitrator.get("/metrics")[1]
        two[dies].start()
        two[dies].wait_phase("Synced")
        wait_until(arbitrator.ready, "it votes", 30)
    assert two[0].sql("SELECT COUNT(*) FROM app.t") == [(2,)]


def test_it_never_stays_alone_and_members_bootstrap_without_it(
    voting: tuple[PlainCluster, Arbitrator],
) -> None:
    two, arbitrator = voting
    two[0].stop()
    two[1].stop()
    wait_until(lambda: not arbitrator.ready(), "no Primary without data is left", 20)
    two.start()
    for member in two.members:
        member.wait_phase("Synced")
    wait_until(arbitrator.ready, "it votes again", 30)
    for member in two.members:
        member.crash()
    two.start()
    for member in two.members:
        member.wait_phase("Synced")
    wait_until(arbitrator.ready, "it votes again", 40)
    assert two.views() == {(0, 1)}
