"""`trireme secret provide`: the init container that hands the cluster's Secret to the agent as files.

No password is in any manifest, and none is a default. At the first start ever member 0 generates what the
Secret lacks and the other members wait for it; keys that a person gave are kept. docs/plain.md, "The Secret",
says why it is done here. Standard library only: all pods of a new cluster start this at once and wait for it.
"""

import os
import secrets
import signal
import string
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, assert_never

from trireme.adapters.secret_store import SecretStore
from trireme.base.durable import write_durably
from trireme.base.errors import PermanentError, TemporaryError, TriremeError

KEYS = ("root-password", "password", "token")
"""What the Secret holds: root's password, the application user's, and what the agents know each other by."""

WAIT_SECONDS = 600.0
"""How long to wait for the API server or for member 0 before the pod's restart policy takes over."""

POLL_SECONDS = 0.3
"""Between two looks at the Secret. Only the first start ever polls, for about as long as member 0 takes."""

PASSWORD_ALPHABET = string.ascii_letters + string.digits
PASSWORD_LENGTH = 24
"""142 bits, in characters that need no quoting in a shell, a URL or an option file."""

TERMINATION_LOG = Path("/dev/termination-log")

Content: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True)
class Provide:
    """The Secret is complete: write its files."""

    content: Content


@dataclass(frozen=True)
class Generate:
    """Add these missing keys to the Secret, then look again."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Member 0 will generate the missing keys."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class Refuse:
    """This member has data, made with passwords that are not there: new ones would not fit it."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class RefuseEmpty:
    """These keys are there without a value: a person's mistake, and not ours to overwrite."""

    empty: tuple[str, ...]


Decision: TypeAlias = Provide | Generate | Wait | Refuse | RefuseEmpty


def decide(content: Content, *, ordinal: int, has_data: bool) -> Decision:
    """Say what to do about a Secret with this ``content``, as the member ``ordinal``.

    Only member 0 generates: one writer needs no agreement, and a first bootstrap waits for all anyway.
    """
    empty = tuple(key for key in KEYS if content.get(key) == b"")
    if empty:
        return RefuseEmpty(empty)
    missing = tuple(key for key in KEYS if key not in content)
    if not missing:
        return Provide({key: content[key] for key in KEYS})
    if has_data:
        return Refuse(missing)
    return Generate(missing) if ordinal == 0 else Wait(missing)


def generate(keys: tuple[str, ...]) -> Content:
    """Make a random value for each of ``keys``."""
    return {key: _random_text().encode() for key in keys}


def _random_text() -> str:
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(PASSWORD_LENGTH))


def read_files(directory: Path) -> Content:
    """Read the keys that the Secret's volume shows; it is empty while there is no Secret."""
    return {key: (directory / key).read_bytes() for key in KEYS if (directory / key).is_file()}


def write_files(directory: Path, content: Content) -> None:
    """Write the files for the agent. Its user and group alone may read them."""
    for key, value in content.items():
        write_durably(directory / key, value, mode=0o440)


def provide(store: SecretStore, *, given: Path, into: Path, ordinal: int, has_data: bool) -> str:
    """Have the Secret's files in ``into`` when this returns; the answer says where they came from.

    The API server is asked only if ``given`` shows no complete Secret: never after a first start. What ``given``
    shows wins: passwords that a person keeps in another Secret are only there.
    PermanentError says what a person must do; TemporaryError ends a wait of WAIT_SECONDS.
    """
    shown = decide(read_files(given), ordinal=ordinal, has_data=has_data)
    if isinstance(shown, Provide):
        write_files(into, shown.content)
        return "complete"
    deadline = time.monotonic() + WAIT_SECONDS
    generated, why = "complete now", ""
    while time.monotonic() < deadline:
        said_before = why
        try:
            known = {**store.read(), **read_files(given)}
            decision = decide(known, ordinal=ordinal, has_data=has_data)
            match decision:
                case Provide(content):
                    write_files(into, content)
                    return generated
                case Generate(missing):
                    if store.add(generate(missing)):
                        generated = f"generated {', '.join(missing)}"
                    continue
                case Wait(missing):
                    why = f"waits for member 0 to generate {', '.join(missing)}"
                case Refuse(missing):
                    raise PermanentError(_refusal(missing))
                case RefuseEmpty(empty):
                    raise PermanentError(_refusal_of_empty(empty))
                case _:
                    assert_never(decision)
        except TemporaryError as error:
            why = str(error)
        if why != said_before:
            sys.stderr.write(f"trireme secret: {why}\n")
        time.sleep(POLL_SECONDS)
    raise TemporaryError(f"gave up after {WAIT_SECONDS:.0f} s: {why}")


def _refusal(missing: tuple[str, ...]) -> str:
    return (
        f"the Secret lacks {', '.join(missing)}, but this member has data that was made with them. "
        f"Generating others would lock everybody out: restore the Secret from where you keep it, "
        "or from a member that still runs: it has the same files in /etc/trireme/secret"
    )


def _refusal_of_empty(empty: tuple[str, ...]) -> str:
    return (
        f"the Secret has no value for {', '.join(empty)}: an empty password is none. "
        f"Give a value, or remove the key to have one generated"
    )


def _leave_word(message: str) -> None:
    """Where Kubernetes looks for a container's last words; outside of a pod there is no such place."""
    with suppress(OSError):
        TERMINATION_LOG.write_text(message)


def main(arguments: list[str]) -> int:
    """Run the command; 0 when the files are there, 1 with one line on standard error when they cannot be."""
    if "--help" in arguments:
        sys.stdout.write(f"{__doc__}\n")
        return 0
    if arguments != ["provide"]:
        sys.stderr.write("usage: trireme secret provide   (the init container of a database pod)\n")
        return 2
    # PID 1 ignores signals that it has no handler for: a pod deleted while it waits would take its whole grace period.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        pod, cluster = _variable("TRIREME_POD_NAME"), _variable("TRIREME_CLUSTER")
        data = Path(_variable("TRIREME_DATA_ROOT", "/var/lib/mysql")) / "data"
        said = provide(
            SecretStore(_variable("TRIREME_NAMESPACE"), cluster),
            given=Path(_variable("TRIREME_GIVEN_DIR", "/etc/trireme/given")),
            into=Path(_variable("TRIREME_SECRET_DIR", "/etc/trireme/secret")),
            ordinal=_ordinal(pod),
            has_data=has_data(data),
        )
    except (TriremeError, OSError) as error:
        sys.stderr.write(f"trireme secret: {error}\n")
        _leave_word(str(error))
        return 1
    sys.stderr.write(f"{pod}: Secret {cluster}: {said}\n")
    return 0


def has_data(data: Path) -> bool:
    """What another uid wrote and keeps for itself is data, too; the agent says what to do about it."""
    try:
        return data.is_dir() and any(data.iterdir())
    except PermissionError:
        return True


def _variable(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise PermanentError(f"the environment variable {name} is not set")
    return value


def _ordinal(pod: str) -> int:
    ordinal = pod.rpartition("-")[2]
    if not ordinal.isdecimal():
        raise PermanentError(f"the pod's name {pod!r} does not end in an ordinal, as a StatefulSet's pods do")
    return int(ordinal)
