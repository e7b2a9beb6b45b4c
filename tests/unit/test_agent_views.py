"""Views as the server tells them: in its log, and by a call for each; between which of them none may be missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from tests.unit.test_agent_roles import SYNCED
from trireme.adapters.mariadb.binaries import Binaries
from trireme.adapters.mariadb.log import ViewSeen
from trireme.adapters.mariadb.notify import Notification, NotifiedMember
from trireme.agent.launcher import Launcher
from trireme.agent.member import Member
from trireme.agent.records import Records
from trireme.agent.settings import read_settings
from trireme.api.position import View
from trireme.core.situation import Launch

NOWHERE = Path("/nonexistent")
BINARIES = Binaries(server=NOWHERE, install_db=NOWHERE, tzinfo=None, provider=NOWHERE, version=(10, 11, 19))


class Told:
    """Member 0, and what its server tells it."""

    def __init__(self, folder: Path) -> None:
        environment = {
            **ENVIRONMENT,
            "TRIREME_NAMESPACE": "test",
            "TRIREME_POD_IP": "127.0.0.1",
            "TRIREME_DATA_ROOT": str(folder),
        }
        records = Records.open(folder / "trireme", "test/demo")
        self.member = Member(settings=read_settings(environment), binaries=None, records=records)
        self._launcher = Launcher(self.member, BINARIES, b"")

    async def view(self, seqno: int, *members: int, primary: bool = True) -> None:
        names = tuple(f"demo-{ordinal}" for ordinal in members)
        self._launcher._on_event(ViewSeen("history", seqno, primary, names, 0))
        each = tuple(NotifiedMember(name, name, "") for name in names)
        await self._launcher.on_notify(Notification("synced", "history", primary, 0, each))

    def has(self, seqno: int, *, primary: bool) -> None:
        """What a look at the server finds."""
        self.member.status = replace(SYNCED, primary=primary, state_uuid="history", last_committed=seqno)

    @property
    def views(self) -> list[int]:
        return [view.seqno for view in self.member.report().views]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


async def test_a_joiner_that_applied_what_it_missed_was_not_told_of_the_views_in_it(told: Told) -> None:
    """It left after view 20, and the others went on as view 23. A look at its server falls between the increment and the
    view that it joins by. Fails where that view counts as the next one to 20: in the next election what members 1 and 2
    know as view 23 would prove its data to be of another branch."""
    told.member.note_view(View("history", 20, (0, 1, 2)))
    told.member.launch, told.member.unbroken = Launch.JOIN, False
    told.has(27, primary=False)
    await told.view(28, 0, 1)
    assert told.views == [28]
    await told.view(29, 0, 1, 2)
    assert told.views == [28, 29]


async def test_a_bootstraps_first_view_is_told_from_others_each_time_that_the_server_tells_it(
    told: Told,
) -> None:
    """Once as it joined, once as it is Synced. Fails where the second time makes another view of it."""
    told.member.launch, told.member.unbroken = Launch.BOOTSTRAP, True
    for _ in range(2):
        await told.view(20, 0)
        assert [view.founded for view in told.member.report().views] == [True]
    await told.view(21, 0, 1)
    assert [view.founded for view in told.member.report().views] == [True, False]
    assert told.member.report().joined_at is None


async def test_who_was_cut_off_and_applied_what_it_missed_neither(told: Told) -> None:
    """The same of a server that runs on without a Primary, while the others have a view of their own."""
    told.member.launch = Launch.JOIN
    await told.view(20, 0, 1, 2)
    await told.view(22, 0, primary=False)
    told.has(27, primary=False)
    await told.view(28, 0, 1, 2)
    assert told.views == [28]


async def test_who_lost_the_primary_and_is_in_the_very_next_view_missed_none(told: Told) -> None:
    told.member.launch = Launch.JOIN
    await told.view(20, 0, 1, 2)
    await told.view(22, 0, primary=False)
    told.has(22, primary=False)
    assert not told.member.report().whole
    await told.view(23, 0, 1, 2)
    assert told.views == [20, 23]
    assert told.member.report().whole
