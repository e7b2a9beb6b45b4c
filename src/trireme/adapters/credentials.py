"""How a request proves who asks: tokens, client certificates, and plugins that print them."""

import asyncio
import base64
import json
import os
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from trireme.adapters.kubeconfig import Access, Cluster, ExecPlugin, User
from trireme.base.errors import PermanentError, TemporaryError

PLUGIN_SECONDS = 300.0
"""A plugin may wait for a person who logs in with a browser."""

PLUGIN_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True)
class Credential:
    """``certificate`` and ``key`` are PEM; both empty, or neither."""

    authorization: str = field(default="", repr=False)
    """The header's whole value; empty for none."""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


class _PluginStatus(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""


class _PluginAnswer(msgspec.Struct, rename="camel"):
    api_version: str
    status: _PluginStatus | None = None


async def obtain(access: Access) -> Credential:
    """Read or make the credential anew: files may have been rotated, a plugin's token may have expired.

    Raises PermanentError for what a person must mend, TemporaryError for a plugin that took too long.
    """
    user = access.user
    certificate = _content(user.client_certificate_data, user.client_certificate)
    key = _content(user.client_key_data, user.client_key)
    if bool(certificate) != bool(key):
        raise PermanentError(
            "the kubeconfig's user has a client certificate or a client key; both are needed"
        )
    if user.exec is not None:
        status = await _run_plugin(user.exec, access.cluster)
        return Credential(
            authorization=f"Bearer {status.token}" if status.token else _authorization(user),
            certificate=status.client_certificate_data.encode() or certificate,
            key=status.client_key_data.encode() or key,
        )
    return Credential(_authorization(user), certificate, key)


def _authorization(user: User) -> str:
    if user.token_file:
        return f"Bearer {_read(user.token_file).decode().strip()}"
    if user.token:
        return f"Bearer {user.token}"
    if user.username:
        return "Basic " + base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
    return ""


def tls_context(cluster: Cluster, credential: Credential) -> ssl.SSLContext:
    """Trust the kubeconfig's authority (else the system's), and show the client certificate if there is one."""
    authority = _content(cluster.certificate_authority_data, cluster.certificate_authority)
    try:
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    except (ssl.SSLError, ValueError) as error:
        raise PermanentError(
            f"the kubeconfig's certificate authority of {cluster.server}: {error}"
        ) from error
    # Python 3.13 refuses authorities without key identifiers, which Kubernetes distributions made for years.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credential.certificate:
        with _private_file(credential.certificate + b"\n" + credential.key) as path:
            try:
                context.load_cert_chain(path)
            except (ssl.SSLError, ValueError) as error:
                raise PermanentError(f"the client certificate for {cluster.server}: {error}") from error
    return context


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """The ssl module reads keys from files only. This one is the user's alone, and gone right after."""
    with tempfile.NamedTemporaryFile(prefix="trireme-") as file:
        file.write(content)
        file.flush()
        yield file.name


def _content(data: str, path: str) -> bytes:
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except ValueError as error:
            raise PermanentError(
                f"the kubeconfig has certificate data that is not base64: {error}"
            ) from error
    return _read(path) if path else b""


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise PermanentError(f"{path}, named by the kubeconfig, cannot be read: {error.strerror}") from error


async def _run_plugin(plugin: ExecPlugin, cluster: Cluster) -> _PluginStatus:
    if plugin.api_version not in PLUGIN_VERSIONS:
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} wants {plugin.api_version}; "
            f"trireme speaks {' and '.join(PLUGIN_VERSIONS)}"
        )
    interactive = plugin.interactive_mode != "Never" and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not interactive:
        raise PermanentError(f"the kubeconfig's plugin {plugin.command} needs a terminal to ask you things")
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *(plugin.args or []),
            env=_plugin_environment(plugin, cluster, interactive=interactive),
            stdin=None if interactive else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        hint = f" {plugin.install_hint}" if plugin.install_hint else ""
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} cannot be run: {error.strerror}.{hint}"
        ) from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PLUGIN_SECONDS)
    except TimeoutError as error:
        raise TemporaryError(
            f"the kubeconfig's plugin {plugin.command} gave no credentials in {PLUGIN_SECONDS:.0f} s"
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} failed with exit status {process.returncode}"
        )
    return _credentials_in(output, plugin)


def _credentials_in(output: bytes, plugin: ExecPlugin) -> _PluginStatus:
    try:
        answer = msgspec.json.decode(output, type=_PluginAnswer)
    except msgspec.DecodeError as error:
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} printed no ExecCredential: {error}"
        ) from error
    status = answer.status
    if answer.api_version != plugin.api_version or status is None:
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} printed {answer.api_version} without credentials or of "
            f"another version; expected {plugin.api_version} with a status"
        )
    if not (status.token or (status.client_certificate_data and status.client_key_data)):
        raise PermanentError(
            f"the kubeconfig's plugin {plugin.command} printed neither a token nor a certificate with its key"
        )
    return status


def _plugin_environment(plugin: ExecPlugin, cluster: Cluster, *, interactive: bool) -> Mapping[str, str]:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.provide_cluster_info:
        authority = _content(cluster.certificate_authority_data, cluster.certificate_authority)
        spec["cluster"] = msgspec.to_builtins(cluster) | {
            "certificate-authority-data": base64.b64encode(authority).decode()
        }
        spec["cluster"].pop("certificate-authority", None)
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    given = {variable.name: variable.value for variable in plugin.env or []}
    return {**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(info)}
