"""What the adapter makes of real logs and real words of a server. The logs are of MariaDB 10.11.19, Galera 26.4.23."""

from pathlib import Path

import pytest

from trireme.adapters.mariadb import datadir
from trireme.adapters.mariadb.grastate import Grastate, write_position
from trireme.adapters.mariadb.log import (
    ConnectionSeen,
    FatalSeen,
    LogEvent,
    LogParser,
    TransferSeen,
    ViewSeen,
)
from trireme.adapters.mariadb.notify import Notification, NotifiedMember, parse_notification
from trireme.adapters.mariadb.recover import judge_output
from trireme.api.position import Position

LOGS = Path(__file__).parent / "mariadb_logs"
UUID = "128e1806-e746-11f1-9188-9f882114eba3"


def events(name: str) -> list[LogEvent]:
    parser = LogParser()
    lines = (LOGS / name).read_text().split("\n")
    return [event for line in lines if (event := parser.feed(line)) is not None]


def test_a_joiner_by_ist_is_told_past_views_that_it_was_not_in() -> None:
    views = [event for event in events("joins_by_ist.log") if isinstance(event, ViewSeen)]
    all_three = ("recipe-0", "recipe-2", "recipe-1")
    assert views[:3] == [
        ViewSeen(UUID, 3, True, all_three, -1),
        ViewSeen(UUID, 7, True, ("recipe-0", "recipe-1"), -1),
        ViewSeen(UUID, 9, True, ("recipe-0", "recipe-1", "recipe-2"), 2),
    ]


def test_a_member_that_leaves_in_order_sees_its_position_as_a_view_of_itself() -> None:
    seen = events("joins_by_sst_and_leaves.log")
    assert [event for event in seen if isinstance(event, ViewSeen)][-2:] == [
        ViewSeen(UUID, 6, False, ("recipe-2",), 0),
        ViewSeen(UUID, 6, False, (), -1),
    ]
    assert [(event.kind, event.role, event.step) for event in seen if isinstance(event, TransferSeen)] == [
        ("sst", "joiner", "began"),
        ("sst", "joiner", "completed"),
    ]


def test_steps_of_an_ist_on_both_sides() -> None:
    seen = [event for event in events("joins_by_ist.log") if isinstance(event, TransferSeen)]
    assert [(event.kind, event.role, event.step, event.detail) for event in seen] == [
        ("ist", "joiner", "began", "3 writesets, seqnos 7-9"),
        ("ist", "joiner", "completed", f"{UUID}:9"),
    ]


@pytest.mark.parametrize(
    ("name", "connections"),
    [
        ("joins_by_ist.log", [True]),
        ("joins_by_sst_and_leaves.log", [True, False]),
        ("ist_falls_short.log", [True, False]),
    ],
)
def test_when_the_server_is_in_the_group(name: str, connections: list[bool]) -> None:
    """After an IST that came short, wsrep_connected stays ON though the connection is closed for good."""
    assert [event.open for event in events(name) if isinstance(event, ConnectionSeen)] == connections


def test_a_garbled_view_block_does_not_grow() -> None:
    parser = LogParser()
    parser.feed("View:")
    for number in range(10_000):
        parser.feed(f"\t{number}: {UUID}, a")
    assert parser.feed("=====") is None or len(parser._members) <= 256


def test_a_refused_bootstrap_is_advised() -> None:
    line = (
        "2026-11-23 14:00:14 0 [ERROR] WSREP: It may not be safe to bootstrap the cluster from this node. It"
    )
    event = LogParser().feed(line)
    assert isinstance(event, FatalSeen) and "agents elect" in event.advice
    assert not event.setting


def test_a_setting_that_the_server_does_not_take_is_named() -> None:
    line = "2026-11-25 13:52:11 0 [ERROR] /usr/sbin/mariadbd: unknown variable 'no_such_setting=1'"
    event = LogParser().feed(line)
    assert isinstance(event, FatalSeen) and event.setting
    assert event.advice.startswith("unknown variable 'no_such_setting=1': my.cnf has a setting")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"--status donor --uuid {UUID} --primary yes --index 1 --members "
            f"{UUID}/demo-0/10.0.0.1:3306,{UUID}/demo-1/10.0.0.2:3306",
            Notification(
                "donor",
                UUID,
                True,
                1,
                (
                    NotifiedMember(UUID, "demo-0", "10.0.0.1:3306"),
                    NotifiedMember(UUID, "demo-1", "10.0.0.2:3306"),
                ),
            ),
        ),
        (
            f"--status disconnected --uuid {UUID} --primary no --index -1\n",
            Notification("disconnected", UUID, False, -1, ()),
        ),
        ("--status joiner", Notification("joiner", None, False, None, ())),
        (
            "nonsense --index x --members //",
            Notification("", None, False, None, (NotifiedMember("", "", ""),)),
        ),
    ],
)
def test_notifications(line: str, expected: Notification) -> None:
    assert parse_notification(line) == expected


def test_a_recovered_position_counts_only_where_the_engine_ended_well() -> None:
    position = Position(UUID, 9)
    assert judge_output(0, position, 0, ()).position == position
    in_doubt = judge_output(0, position, 2, ())
    assert in_doubt.position == position and "2 prepared XA" in in_doubt.detail
    unknown = judge_output(0, Position(UUID, -1), 0, ())
    assert unknown.position is None and unknown.engine_sound
    failed = judge_output(1, position, 0, ("[ERROR] InnoDB: Database page corruption on disk",))
    assert failed.position is None and not failed.engine_sound and "corrupt page" in failed.detail


GRASTATE = "# GALERA saved state\nversion: 2.1\nuuid:    {}\nseqno:   {}\nsafe_to_bootstrap: {}\n"


def test_a_directory_is_described_as_found(tmp_path: Path) -> None:
    nothing = datadir.inspect(tmp_path)
    assert nothing.empty and not nothing.exists and nothing.writable and nothing.problem is None
    data = tmp_path / "data"
    data.mkdir()
    (data / "lost+found").mkdir()
    assert datadir.inspect(tmp_path).empty
    (data / "grastate.dat").write_text(GRASTATE.format(UUID, 9, 1))
    (data / "mariadb_upgrade_info").write_text("11.4.5-MariaDB")
    (tmp_path / "photos").mkdir()
    facts = datadir.inspect(tmp_path)
    assert facts.grastate == Grastate(position=Position(UUID, 9), safe_to_bootstrap=True, version="2.1")
    assert facts.foreign == ("photos",) and facts.server_version == "11.4.5-MariaDB" and not facts.empty


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty file"),
        ("\0" * 512, "empty file"),
        ("uuid: x\nseqno: 1", "'uuid: x"),
        ("seqno: 3", "seqno: 3"),
    ],
)
def test_a_grastate_that_cannot_be_read_is_quoted(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grastate.dat").write_text(content)
    facts = datadir.inspect(tmp_path)
    assert facts.grastate is None and facts.grastate_error is not None and words in facts.grastate_error


def test_a_missing_volume_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    assert "No such file" in (datadir.inspect(tmp_path / "absent").problem or "")


def test_a_position_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_position(tmp_path / datadir.DATA, Position(UUID, 77), safe_to_bootstrap=False)
    facts = datadir.inspect(tmp_path)
    assert facts.grastate is not None and facts.grastate.position == Position(UUID, 77)


def test_marks_of_a_broken_transfer_are_found_and_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / ".sst").mkdir(parents=True)
    assert not datadir.inspect(tmp_path).transfer_broke_off
    (data / ".sst" / "ibdata1").touch()
    (data / "sst_in_progress").touch()
    (data / "ibdata1").touch()
    assert datadir.inspect(tmp_path).transfer_marks == ("sst_in_progress", ".sst")
    assert datadir.clean_transfer_leftovers(tmp_path) == ("sst_in_progress", ".sst")
    assert datadir.clean_transfer_leftovers(tmp_path) == ()
    assert [entry.name for entry in data.iterdir()] == ["ibdata1"]


def test_what_is_set_aside_keeps_its_content_and_is_pruned_oldest_first(tmp_path: Path) -> None:
    places = []
    for number in range(3):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "file").write_bytes(b"x" * 4096)
        places.append(datadir.set_aside(tmp_path, "Joined: no Primary/ever", f"2026112{number}T000000Z"))
    assert datadir.set_aside(tmp_path, "nothing", "20261124T000000Z") is None
    assert [place.name for place in places if place] == [
        f"2026112{n}T000000Z-joined-no-primary-ever" for n in range(3)
    ]
    assert datadir.aside_bytes(tmp_path) >= 3 * 4096
    assert datadir.prune_aside(tmp_path, 1) == (
        "20261121T000000Z-joined-no-primary-ever",
        "20261120T000000Z-joined-no-primary-ever",
    )
    assert places[2] is not None and (places[2] / "file").exists()


def test_what_is_set_aside_last_stays_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Fails where the name alone tells which copy is the newest."""
    for stamp in ("20271124T000000Z", "20261124T000000Z"):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / stamp).touch()
        datadir.set_aside_alone(tmp_path, "rebuild", stamp)
    assert [place.name for place in (tmp_path / "aside").iterdir()] == ["20261124T000000Z-rebuild"]
    assert datadir.set_aside_alone(tmp_path, "nothing is there", "20261125T000000Z") is None
    assert (tmp_path / "aside" / "20261124T000000Z-rebuild" / "20261124T000000Z").exists()
