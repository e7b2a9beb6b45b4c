"""Settings that change while the agent runs: files win over the environment, and a bad one names itself."""

from pathlib import Path

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from trireme.agent.live import Live, read_live
from trireme.agent.settings import read_settings
from trireme.base.errors import PermanentError
from trireme.core.terms import Founder

DEFAULT = Live(members=3)


def test_without_files_the_environment_counts(tmp_path: Path) -> None:
    assert read_live(tmp_path / "absent", DEFAULT) == DEFAULT


def test_files_win(tmp_path: Path) -> None:
    (tmp_path / "TRIREME_MEMBERS").write_text("5\n")
    (tmp_path / "TRIREME_MISSING_MEMBERS").write_text("MajorityAfter=300\n")
    (tmp_path / "TRIREME_NEW_CLUSTER").write_text("0:4f1c09aa3b7d2e61\n")
    founder = Founder(ordinal=0, volume="4f1c09aa3b7d2e61")
    assert read_live(tmp_path, DEFAULT) == Live(members=5, patience=300.0, founder=founder)


def test_wait_wins_over_a_majority_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "TRIREME_MISSING_MEMBERS").write_text("Wait")
    assert read_live(tmp_path, Live(members=3, patience=60.0)).patience is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIREME_MEMBERS", "0"),
        ("TRIREME_MEMBERS", "three"),
        ("TRIREME_MISSING_MEMBERS", "Majority"),
        ("TRIREME_MISSING_MEMBERS", "MajorityAfter=0"),
        ("TRIREME_NEW_CLUSTER", "yes"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / name).write_text(value)
    with pytest.raises(PermanentError, match=f"{name}='{value}': expected"):
        read_live(tmp_path, DEFAULT)


def test_what_is_set_live_comes_last_in_the_next_start(tmp_path: Path) -> None:
    env = {
        **ENVIRONMENT,
        "TRIREME_CONFIG_DIR": str(tmp_path / "config"),
        "TRIREME_LIVE_DIR": str(tmp_path / "live"),
    }
    settings = read_settings(env)
    assert settings.user_config == ""
    for name, text in (("config", "[mariadbd]\nport = 3306"), ("live", "[mariadbd]\nmax_connections = 9\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "my.cnf").write_text(text)
    assert settings.user_config == "[mariadbd]\nport = 3306\n[mariadbd]\nmax_connections = 9\n"
