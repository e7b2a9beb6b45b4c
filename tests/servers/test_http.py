"""What the agent says over HTTP, to whom, and what it never says."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.servers.plain import NAMESPACE, ROOT_PASSWORD, TOKEN, USER_PASSWORD, Agent, PlainCluster
from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, derive_password, new_nonce, sign, target
from trireme.api.commands import (
    REBUILD_PATH,
    RECOVER_PATH,
    SETTLE_PATH,
    SWITCHOVER_PATH,
    VARIABLES_PATH,
    CommandReply,
)

pytestmark = pytest.mark.servers
COMMANDS = [SWITCHOVER_PATH, RECOVER_PATH, SETTLE_PATH, REBUILD_PATH, VARIABLES_PATH]
SECRETS = [
    TOKEN,
    USER_PASSWORD,
    ROOT_PASSWORD,
    *(derive_password(TOKEN.encode(), user) for user in ("sst", "agent", "upgrade")),
]


@pytest.fixture(scope="module")
def member() -> Iterator[Agent]:
    with PlainCluster(1) as cluster:
        cluster.start().wait_synced()
        yield cluster[0]


def post(member: Agent, path: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(f"http://{member.address}:8080{path}", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=3) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/primary"])
def test_a_synced_writer_answers_its_probes(member: Agent, path: str) -> None:
    assert member.get(path)[0] == 200


def test_a_writer_is_no_secondary(member: Agent) -> None:
    assert member.get("/secondary")[0] == 503


@pytest.mark.parametrize("path", ["/v1/grant", "/v1/wake", *COMMANDS])
def test_what_changes_something_needs_the_clusters_token(member: Agent, path: str) -> None:
    assert post(member, path, b"{}", {}) == 401
    forged = {NONCE_HEADER: "n", SIGNATURE_HEADER: sign(b"another token of length", "POST", path, "n", b"{}")}
    assert post(member, path, b"{}", forged) == 401


def test_a_signature_covers_path_and_body(member: Agent) -> None:
    signed = {NONCE_HEADER: "n", SIGNATURE_HEADER: sign(TOKEN.encode(), "POST", "/v1/wake", "n", b"{}")}
    assert post(member, "/v1/wake", b"{}", signed) == 200
    assert post(member, "/v1/wake", b"{ }", signed) == 401
    assert post(member, "/v1/grant", b"{}", signed) == 401


def test_a_signed_request_that_makes_no_sense_is_refused_in_words(member: Agent) -> None:
    body = b'{"candidacy": 1}'
    signed = {NONCE_HEADER: "n", SIGNATURE_HEADER: sign(TOKEN.encode(), "POST", "/v1/grant", "n", body)}
    assert post(member, "/v1/grant", body, signed) == 400


@pytest.mark.parametrize("path", COMMANDS)
def test_nothing_of_a_stranger_is_an_error_of_ours(member: Agent, path: str) -> None:
    assert post(member, path, b"\xff", {NONCE_HEADER: "\xff\xfe", SIGNATURE_HEADER: "\xe9"}) == 401


def test_a_command_is_carried_out_once_and_only_while_it_is_fresh(member: Agent) -> None:
    body, fresh = b'{"values": {"max_connections": "151"}}', new_nonce(target(NAMESPACE, member.name))
    assert set_variables(member, body, fresh).accepted
    again = set_variables(member, body, fresh)
    assert not again.accepted and "taken before" in again.why
    made, _, rest = fresh.partition("-")
    stale = set_variables(member, body, f"{int(made) - 600_000}-{rest}")
    assert not stale.accepted and "600 s ago by this member's clock" in stale.why
    astray = set_variables(member, body, new_nonce(target(NAMESPACE, "demo-7")))
    assert not astray.accepted and "the command is for default/demo-7" in astray.why


def set_variables(member: Agent, body: bytes, nonce: str) -> CommandReply:
    token = TOKEN.encode()
    headers = {
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: sign(token, "POST", VARIABLES_PATH, nonce, body),
    }
    url = f"http://{member.address}:8080{VARIABLES_PATH}"
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=5) as response:
        return msgspec.json.decode(response.read(), type=CommandReply)


def test_status_says_what_the_member_does_and_why(member: Agent) -> None:
    status = member.status()
    assert (status["phase"], status["role"], status["ready"]) == ("Synced", "primary", True)
    assert status["why"] == "Synced in a Primary of 1: takes the writes"
    assert status["last_view"]["members"] == [0]


def test_metrics_serve_galera_dashboards(member: Agent) -> None:
    text = member.get("/metrics")[1].decode()
    for line in (
        'trireme_member_phase{phase="Synced"} 1',
        "trireme_member_ready 1",
        "trireme_member_writer 1",
        "mysql_global_status_wsrep_ready 1",
        "mysql_global_status_wsrep_cluster_size 1",
        "mysql_global_status_wsrep_local_state 4",
        "mysql_global_status_wsrep_cluster_status 1",
    ):
        assert line in text.splitlines()


def test_no_secret_is_in_what_it_says_or_shows(member: Agent) -> None:
    said = [member.get(path)[1].decode() for path in ("/status", "/metrics", "/readyz", "/livez")]
    said.append(member.log.read_text())
    for pid in (member.agent_pid(), member.server_pid()):
        said += [
            Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
            for file in ("cmdline", "environ")
        ]
    for secret in SECRETS:
        assert not any(secret in text for text in said)


def test_files_with_secrets_are_the_members_alone(member: Agent) -> None:
    assert (member.home / "run" / "my.cnf").stat().st_mode & 0o077 == 0


def test_render_prints_the_configuration_without_the_secret(member: Agent) -> None:
    command = [str(Path(sys.executable).with_name("trireme")), "agent", "render"]
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, **member.environment()},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "wsrep_provider_options" in done.stdout
    assert not any(secret in done.stdout for secret in SECRETS)
