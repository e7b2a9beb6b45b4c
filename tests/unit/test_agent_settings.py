"""The agent's settings: what cannot be is refused before any volume is touched, naming the variable."""

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from trireme.agent.settings import Settings, read_settings
from trireme.base.errors import PermanentError


def settings(**changed: str) -> Settings:
    return read_settings({**ENVIRONMENT, **changed})


@pytest.mark.parametrize("name", ["root", "mariadb.sys", "trireme_sst", "trireme_app"])
def test_an_account_of_mariadbs_or_ours_is_no_application(name: str) -> None:
    with pytest.raises(PermanentError, match=f"^TRIREME_USER='{name}': .* expected another name$"):
        settings(TRIREME_USER=name)


@pytest.mark.parametrize("name", ["mysql", "information_schema", "PERFORMANCE_SCHEMA", "sys"])
def test_a_database_of_mariadbs_is_no_applications(name: str) -> None:
    with pytest.raises(PermanentError, match=f"^TRIREME_DATABASE='{name}': .* expected another name$"):
        settings(TRIREME_DATABASE=name)


def test_other_names_and_none_are_taken() -> None:
    found = settings(TRIREME_USER="trireme", TRIREME_DATABASE="my_sql")
    assert (found.user, found.database) == ("trireme", "my_sql")
    assert (settings().user, settings().database) == ("", "")
