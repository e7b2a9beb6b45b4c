"""Applications that write all the time, and a book of every commit that was acknowledged to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench.load import Access, Writers

from tests.servers.plain import USER_PASSWORD, Agent, PlainCluster


class Ledger:
    """What was acknowledged to clients that follow the writer, as behind ``demo-primary``."""

    def __init__(self, cluster: PlainCluster, table: str) -> None:
        self._cluster = cluster
        self._table = f"app.{table}"
        self.writers = Writers(Access(self._writer, "app", USER_PASSWORD), self._table)

    def assert_nothing_lost(self, *members: Agent) -> int:
        """Every one of these (or of all) has every commit, and the same rows. Returns how many were acknowledged."""
        asked = members or self._cluster.members
        self.writers.stop()
        lost = self.writers.lost(Access(partial(_address, each), "app", USER_PASSWORD) for each in asked)
        assert lost == 0, f"{lost} of {self.writers.commits} acknowledged commits are not on every member"
        sums = {member.sql("SET wsrep_sync_wait = 1", f"CHECKSUM TABLE {self._table}")[0] for member in asked}
        assert len(sums) == 1, f"the members' rows differ: {sums}"
        return self.writers.commits

    def wait_for_more(self, commits: int = 20, seconds: float = 60) -> None:
        self.writers.wait_for_commits(commits, seconds)

    def _writer(self) -> str:
        """Raises OSError while nobody says that it is the writer."""
        for member in self._cluster.members:
            if member.process is not None and member.takes_writes():
                return member.address
        raise ConnectionError("nobody takes the writes")


def _address(member: Agent) -> str:
    return member.address


@contextmanager
def writing(cluster: PlainCluster, table: str = "ledger") -> Iterator[Ledger]:
    """Four clients write into a new table of this name until exit, whatever happens to the cluster."""
    ledger = Ledger(cluster, table)
    with ledger.writers:
        yield ledger
