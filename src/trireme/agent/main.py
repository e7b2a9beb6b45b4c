"""``trireme agent``: puts the parts together, and ends when the member has left in order."""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path

from trireme.adapters.dns import Resolver
from trireme.adapters.kubernetes import PodAddresses, PodLabels
from trireme.adapters.mariadb.binaries import find_binaries
from trireme.adapters.mariadb.first_start import AGENT_USER
from trireme.adapters.mariadb.notify import NotifyListener
from trireme.adapters.mariadb.status import Monitor
from trireme.adapters.peers import Peers
from trireme.adapters.signing import derive_password, read_token
from trireme.agent.accounts import AccountKeeper
from trireme.agent.act import Actor
from trireme.agent.commands import Commands
from trireme.agent.http import AgentServer
from trireme.agent.launcher import Launcher
from trireme.agent.loop import Loop
from trireme.agent.member import Member
from trireme.agent.observe import Observer
from trireme.agent.records import Records
from trireme.agent.roles import Roles
from trireme.agent.settings import Settings, read_settings
from trireme.agent.upgrades import UpgradeKeeper
from trireme.agent.whereabouts import Whereabouts
from trireme.base.errors import PermanentError
from trireme.base.log import set_up_log

log = logging.getLogger("trireme.agent")

EXIT_CONFIG = 78
"""sysexits' EX_CONFIG: only a person can mend it; the pod's back-off and its termination message say so."""
TERMINATION_LOG = Path("/dev/termination-log")


def main(arguments: list[str]) -> int:
    """``trireme agent [render]``. Returns the exit status."""
    set_up_log()
    try:
        settings = read_settings(os.environ)
        if arguments == ["render"]:
            return asyncio.run(_render(settings))
        if arguments:
            raise PermanentError(f"trireme agent {' '.join(arguments)}: expected nothing, or 'render'")
        return asyncio.run(_run(settings))
    except PermanentError as error:
        log.error("%s", error)
        _leave_word(str(error))
        return EXIT_CONFIG


async def _render(settings: Settings) -> int:
    """Print the configuration of a start by itself (no peers), with the secret blotted out."""
    token = _token(settings)
    member = Member(
        settings=settings, binaries=None, records=Records.open(settings.record_dir, settings.full_name)
    )
    text = Launcher(member, await find_binaries(), token).config_text(peers=(), donors=())
    sys.stdout.write(text.replace(derive_password(token, "sst"), "********"))
    return 0


async def _run(settings: Settings) -> int:
    token = _token(settings)
    binaries = await find_binaries()
    records = Records.open(settings.record_dir, settings.full_name, alone=True)
    member = Member(settings=settings, binaries=binaries, records=records)
    launcher = Launcher(member, binaries, token)
    launcher.config_text(peers=(), donors=())
    peers = Peers(token, settings.http_port, settings.listen_address)
    monitor = Monitor(settings.socket, AGENT_USER, derive_password(token, "agent"))
    actor = Actor(member, peers, launcher, monitor, token)
    server = AgentServer(member, Commands(member, monitor), token)
    listener = NotifyListener(settings.notify_socket, launcher.on_notify)
    beside = (
        Roles(member, PodLabels(settings.namespace)),
        Whereabouts(member, PodAddresses(settings.namespace)),
        AccountKeeper(member, monitor, token),
        UpgradeKeeper(member, token),
    )
    loop = Loop(member, Observer(member, Resolver(), peers, monitor), actor, peers, beside)
    _stop_on_signals(member)
    try:
        await server.start()
    except OSError as error:
        raise PermanentError(
            f"HTTP port {settings.http_port} on {settings.address}: {error.strerror}"
        ) from error
    await listener.start()
    log.info("agent of %s, member %d at %s", settings.full_name, settings.ordinal, settings.address)
    try:
        await loop.run()
    finally:
        await actor.close()
        await launcher.close()
        for part in (listener, server, peers, monitor):
            await part.close()
    return 0


def _stop_on_signals(member: Member) -> None:
    def stop() -> None:
        if member.stop_since is None:
            log.info("asked to stop")
            member.stop_since = time.monotonic()
        member.wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _token(settings: Settings) -> bytes:
    settings.secret("token")
    try:
        return read_token(settings.secret_dir / "token")
    except ValueError as error:
        raise PermanentError(str(error)) from error


def _leave_word(message: str) -> None:
    """Where Kubernetes looks for a container's last words."""
    try:
        TERMINATION_LOG.write_text(message[:4000])
    except OSError:
        log.debug("no termination log")
