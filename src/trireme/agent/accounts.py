"""Keeps the accounts' passwords in step with the Secret, and the files that people's commands read with the server.

The kubelet refreshes the Secret's volume (``given``). The writer's agent changes the accounts; every agent hands a
new password on to its own files (``secret``) only when it is valid here, so that ``trireme sql`` never fails.
"""

import asyncio
import logging
import time
from pathlib import Path

from trireme.adapters.mariadb.accounts import native_hash, read_accounts, set_passwords
from trireme.adapters.mariadb.status import Monitor
from trireme.agent.member import Member
from trireme.api.report import Accounts, Phase
from trireme.base.durable import write_durably
from trireme.base.errors import TriremeError
from trireme.base.text import read_text
from trireme.core.accounts import Account, Given, plan, shown

log = logging.getLogger("trireme.agent")

LOOK_SECONDS = 2.0
"""Between looks at the Secret's files: three stat calls."""
CHECK_SECONDS = 30.0
"""Between looks at the accounts themselves, where no file has changed and none is due."""
FILES = {"root": "root-password", "user": "password"}


class AccountKeeper:
    """Runs beside the loop; the last look's outcome is in the member's report."""

    def __init__(self, member: Member, monitor: Monitor, token: bytes) -> None:
        self._member = member
        self._monitor = monitor
        self._token = token
        self._task: asyncio.Task[None] | None = None
        self._looked = self._checked = float("-inf")
        self._seen: object = None
        self._settled = False

    def follow(self) -> None:
        """To be called in each round; cheap."""
        now = time.monotonic()
        idle = self._task is None or self._task.done()
        if idle and self._member.phase is Phase.SYNCED and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._task = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        """Whatever goes wrong is said in the report, and tried again."""
        try:
            files = self._files()
            seen = {path: path.stat().st_mtime_ns for path in files.values()}
            due = time.monotonic() - self._checked >= CHECK_SECONDS or seen != self._seen
            if due or not self._settled:
                self._member.accounts = await self._check(files)
                self._seen, self._checked = seen, time.monotonic()
        except (TriremeError, OSError) as error:
            self._say(
                Accounts(in_step=False, why=f"the accounts cannot be compared with the Secret: {error}")
            )

    def _files(self) -> dict[str, Path]:
        """By user: what the kubelet shows now, else what the member was started with."""
        settings = self._member.settings
        users = {"root": "root", **({settings.user: "user"} if settings.user else {})}
        found = {}
        for user, kind in users.items():
            given = settings.given_dir / FILES[kind]
            found[user] = given if given.exists() else settings.secret_dir / FILES[kind]
        return found

    async def _check(self, files: dict[str, Path]) -> Accounts | None:
        """Compare, change what is due (the writer), hand on what is valid (everybody)."""
        member = self._member
        passwords = {user: read_text(path).rstrip("\n") for user, path in files.items()}
        empty = [files[user].name for user, password in passwords.items() if not password]
        if empty:
            return self._say(
                Accounts(
                    in_step=False, why=f"the Secret has no value for {', '.join(empty)}: nothing is changed"
                )
            )
        if self._token_changed():
            why = "the Secret's token was changed, and members go on with the one they were started with: put it back"
            return self._say(Accounts(in_step=False, why=why))
        since = max(_shown_since(path) for path in files.values())
        given = Given({user: native_hash(password) for user, password in passwords.items()}, since)
        accounts, now = await read_accounts(self._monitor, tuple(passwords))
        if not member.writes:
            self._hand_on(accounts, given, files)
            self._settled = all(shown(accounts, user, given.hashes[user]) for user in files)
            return None
        outcome = plan(accounts, given, now=now, grace=member.settings.password_grace)
        for change in outcome.changes:
            await set_passwords(self._monitor, change.account, change.hashes)
            log.info("changed the password of %s: %s", change.account, change.why)
        if outcome.changes:
            accounts, now = await read_accounts(self._monitor, tuple(passwords))
            outcome = plan(accounts, given, now=now, grace=member.settings.password_grace)
        self._hand_on(accounts, given, files)
        self._settled = outcome.settled
        return self._say(Accounts(in_step=outcome.in_step, why=outcome.why))

    def _hand_on(self, accounts: list[Account], given: Given, files: dict[str, Path]) -> None:
        """A file of ``secret`` follows ``given`` once the password in it is valid on this server."""
        for user, path in files.items():
            target = self._member.settings.secret_dir / path.name
            if path == target or not shown(accounts, user, given.hashes[user]):
                continue
            content = path.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                write_durably(target, content, mode=0o440)
                log.info("the new %s is valid here", path.name)

    def _token_changed(self) -> bool:
        path = self._member.settings.given_dir / "token"
        return path.exists() and path.read_bytes().strip() != self._token

    def _say(self, accounts: Accounts) -> Accounts:
        if accounts != self._member.accounts and not accounts.in_step:
            log.warning("%s", accounts.why)
        self._member.accounts = accounts
        return accounts


def _shown_since(path: Path) -> float:
    """When the kubelet wrote this version of the volume: it swaps the link ``..data``. Else the file's own time."""
    link = path.parent / "..data"
    return link.lstat().st_mtime if link.is_symlink() else path.stat().st_mtime
