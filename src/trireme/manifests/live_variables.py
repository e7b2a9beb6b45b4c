"""What of a server's variables may be set while it runs, and the literal to set it to. Pure.

Values are written as in my.cnf (``128M``, ``ON``). What would break an invariant there is refused here, too.
"""

import re
from dataclasses import dataclass

from trireme.base.errors import PermanentError
from trireme.manifests.user_config import why_refused

LONGEST_VALUE = 4000

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_INTEGER = re.compile(r"(-?\d{1,20})([kmgtpe]?)", re.IGNORECASE)
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
_SUFFIX = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}
_BOOLEAN = {"": "ON", "1": "ON", "on": "ON", "true": "ON", "yes": "ON"} | dict.fromkeys(
    ("0", "off", "false", "no"), "OFF"
)
_OWN = {
    "read_only": "the writer must take writes",
    "wsrep_desync": "state transfers set it by themselves, and flow control would not see this member",
    "wsrep_reject_queries": "the member would be in the Services and refuse its clients",
    "wsrep_sst_donor": "Trireme sets it for each start from what it knows of the cluster",
    "wsrep_sst_donor_rejects_queries": "the donor would be in the Services and refuse its clients",
    "wsrep_osu_method": "schema changes outside of total order make members differ",
    "wsrep_mode": "it is the same on all members from their start",
}
"""Beside what my.cnf may not say."""


@dataclass(frozen=True, slots=True)
class Variable:
    """As information_schema.SYSTEM_VARIABLES describes it; bounds as text, empty where there are none."""

    name: str
    kind: str
    read_only: bool
    session_only: bool
    least: str = ""
    most: str = ""
    choices: tuple[str, ...] = ()


def normal_name(written: str) -> str:
    """As the server calls it. Raises PermanentError for what is no variable's name, or is never set live."""
    name = written.strip().lower().replace("-", "_").removeprefix("loose_")
    if not _NAME.fullmatch(name):
        raise PermanentError(f"{written[:64]!r} is not the name of a variable")
    return name


def check_live(name: str, value: str) -> None:
    """Raises PermanentError with the reason why Trireme refuses this setting, whatever the server says."""
    if len(value.encode()) > LONGEST_VALUE or "\0" in value:
        raise PermanentError(f"its value is longer than {LONGEST_VALUE} bytes, or not text")
    if name in _OWN:
        raise PermanentError(_OWN[name])
    why = why_refused(name, value.strip())
    if why is not None:
        raise PermanentError(why)


def literal(variable: Variable, value: str) -> str:
    """SQL for ``value``: a number, or a string in quotes. Raises PermanentError that says what is expected."""
    if variable.read_only:
        raise PermanentError("it is read-only while the server runs: it takes a restart")
    if variable.session_only:
        raise PermanentError("it is each connection's own: it has no global value")
    text = value.strip()
    if "INT" in variable.kind:
        return _integer(variable, text)
    if variable.kind == "DOUBLE":
        return _decimal(variable, text)
    if variable.kind == "BOOLEAN":
        if text.lower() not in _BOOLEAN:
            raise PermanentError(f"{value!r} is neither ON nor OFF")
        return _quoted(_BOOLEAN[text.lower()])
    if variable.kind == "ENUM":
        return _choice(variable, text)
    return _quoted(value)


def _integer(variable: Variable, text: str) -> str:
    found = _INTEGER.fullmatch(text)
    if found is None:
        raise PermanentError(f"{text!r} is not a whole number (K, M, G or T may follow it)")
    number = int(found[1]) << _SUFFIX[found[2].lower()]
    _check_bounds(variable, text, number)
    return str(number)


def _decimal(variable: Variable, text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise PermanentError(f"{text!r} is not a number")
    _check_bounds(variable, text, float(text))
    return text


def _check_bounds(variable: Variable, text: str, number: float) -> None:
    """The server would take the nearest value it can, and only warn."""
    try:
        low, high = float(variable.least or "-inf"), float(variable.most or "inf")
    except ValueError:
        return
    if not low <= number <= high:
        raise PermanentError(f"{text} is out of range: from {variable.least} to {variable.most}")


def _choice(variable: Variable, text: str) -> str:
    if text.isdecimal() and int(text) < len(variable.choices):
        return text
    if text.lower() not in {choice.lower() for choice in variable.choices}:
        raise PermanentError(f"{text!r} is none of {', '.join(variable.choices)}")
    return _quoted(text)


def _quoted(text: str) -> str:
    """For a session whose sql_mode is empty."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
