"""Sets global variables of the running server, each for itself, and says which it refused and why."""

from collections.abc import Mapping
from typing import Any

from trireme.adapters.mariadb.status import Monitor, server_words
from trireme.base.errors import PermanentError, TemporaryError
from trireme.manifests.live_variables import Variable, check_live, literal, normal_name

_SELECT = (
    "SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, READ_ONLY, VARIABLE_SCOPE, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE,"
    " ENUM_VALUE_LIST FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = '{}'"
)


async def set_variables(monitor: Monitor, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was set, by the server's names, and what was refused and why, by the names as given.

    Raises TemporaryError or UncertainError as ``Monitor.read`` where the server does not answer.
    """
    done: dict[str, str] = {}
    refused: dict[str, str] = {}
    for written, value in values.items():
        try:
            name = normal_name(written)
            check_live(name, value)
            text = literal(await _describe(monitor, name), value)
            await monitor.execute(f"SET GLOBAL {name} = {text}")
        except PermanentError as error:
            refused[written] = server_words(error) or str(error)
        except TemporaryError as error:
            if not server_words(error):
                raise
            refused[written] = server_words(error)
        else:
            done[name] = value
    return done, refused


async def _describe(monitor: Monitor, name: str) -> Variable:
    """``name`` is known to be letters, digits and underscores."""
    rows = await monitor.rows(_SELECT.format(name))
    if not rows:
        raise PermanentError("this server has no such variable")
    return _variable(rows[0])


def _variable(row: tuple[Any, ...]) -> Variable:
    name, kind, read_only, scope, least, most, choices = row
    return Variable(
        name=str(name),
        kind=str(kind),
        read_only=read_only == "YES",
        session_only=scope == "SESSION ONLY",
        least=str(least or ""),
        most=str(most or ""),
        choices=tuple(str(choices).split(",")) if choices else (),
    )
