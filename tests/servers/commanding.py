"""Signed commands to an agent, as the operator and the command line send them."""

import urllib.error
import urllib.request

import msgspec

from tests.servers.plain import NAMESPACE, TOKEN, Agent
from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, new_nonce, sign, target, verify
from trireme.api.commands import (
    REBUILD_PATH,
    RECOVER_PATH,
    SETTLE_PATH,
    SWITCHOVER_PATH,
    VARIABLES_PATH,
    CommandReply,
    Rebuild,
    Recover,
    Settle,
    Switchover,
)
from trireme.api.commands import Variables as SetVariables

PATHS = {
    Switchover: SWITCHOVER_PATH,
    Rebuild: REBUILD_PATH,
    SetVariables: VARIABLES_PATH,
    Recover: RECOVER_PATH,
    Settle: SETTLE_PATH,
}


def command(
    member: Agent, wish: Switchover | Rebuild | SetVariables | Recover | Settle, *, token: str = TOKEN
) -> CommandReply:
    """What the agent answers; fails where it refuses the signature or its own is not good."""
    path, body = PATHS[type(wish)], msgspec.json.encode(wish)
    nonce = new_nonce(target(NAMESPACE, member.name))
    headers = {NONCE_HEADER: nonce, SIGNATURE_HEADER: sign(token.encode(), "POST", path, nonce, body)}
    request = urllib.request.Request(f"http://{member.address}:8080{path}", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = response.read()
        assert verify(token.encode(), response.headers[SIGNATURE_HEADER], "answer", path, nonce, answer)
    return msgspec.json.decode(answer, type=CommandReply)
