"""Moments as Go reads them: what it refuses, an operator would find out in a real cluster only."""

import re
from datetime import UTC, datetime

LAYOUT = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d"),
)
FRACTION = ("", r"(?:\.\d+)?")
MICROSECONDS = (".000000", r"\.\d{6}")
ZONE = ("Z07:00", r"Z|[+-]\d\d:\d\d")


def read_moment(text: str, *, micro: bool) -> str:
    """In UTC, with six digits of a second or none. ``micro``: must have them, as in a Lease. Raises ValueError."""
    position = 0
    layout = (*LAYOUT, MICROSECONDS if micro else FRACTION, ZONE)
    shown = "".join(name for name, _ in layout)
    for name, pattern in layout:
        match = re.compile(pattern).match(text, position)
        if match is None:
            rest = text[position:]
            raise ValueError(f'parsing time "{text}" as "{shown}": cannot parse "{rest}" as "{name}"')
        position = match.end()
    if position != len(text):
        raise ValueError(f'parsing time "{text}": extra text: "{text[position:]}"')
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'parsing time "{text}": {error}') from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")
