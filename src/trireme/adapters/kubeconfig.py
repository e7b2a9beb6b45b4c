"""Where a person's Kubernetes is and who they are there: the kubeconfig, read as kubectl reads it.

``KUBECONFIG`` may name several files: the first to name a context, cluster or user wins. Without any file, a
pod's own ServiceAccount is taken. What would change whom the API server takes us for is supported or refused,
never ignored.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from trireme.base.errors import PermanentError

DEFAULT_FILE = Path("~/.kube/config")
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Variable(msgspec.Struct, frozen=True):
    name: str
    value: str


class ExecPlugin(msgspec.Struct, frozen=True, rename="camel"):
    """A program that prints credentials (client-go's ExecCredential)."""

    api_version: str
    command: str
    args: list[str] | None = None
    env: list[Variable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = "IfAvailable"


class Cluster(msgspec.Struct, frozen=True, rename="kebab", omit_defaults=True):
    """Data of a certificate comes before its file, here and in :class:`User`."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class User(msgspec.Struct, frozen=True, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    username: str = ""
    password: str = ""
    exec: ExecPlugin | None = None
    auth_provider: Any = None
    impersonated_user: Any = msgspec.field(name="as", default=None)
    impersonated_groups: Any = msgspec.field(name="as-groups", default=None)
    impersonated_uid: Any = msgspec.field(name="as-uid", default=None)
    impersonated_extra: Any = msgspec.field(name="as-user-extra", default=None)


class Context(msgspec.Struct, frozen=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster


class _NamedUser(msgspec.Struct):
    name: str
    user: User


class _NamedContext(msgspec.Struct):
    name: str
    context: Context


class _File(msgspec.Struct, rename="kebab"):
    """One file. kubectl writes null for empty lists."""

    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One API server, and one identity there. Paths in it are absolute."""

    context: str
    """Empty in a pod."""
    namespace: str
    cluster: Cluster
    user: User
    who: str = ""
    """The user's name in the kubeconfig; empty in a pod, or where the context names none."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All files as one."""

    files: tuple[Path, ...]
    clusters: Mapping[str, Cluster]
    users: Mapping[str, User]
    contexts: Mapping[str, Context]
    current_context: str

    def access(self, context: str | None = None, namespace: str | None = None) -> Access:
        """What ``context`` (default: the current one) leads to. PermanentError names what is missing."""
        where = ", ".join(str(file) for file in self.files)
        name = context or self.current_context
        if not name:
            raise PermanentError(f"{where}: no current context. Choose one with --context: {self._known()}")
        chosen = self.contexts.get(name)
        if chosen is None:
            raise PermanentError(f"{where}: no context {name!r}. There is: {self._known()}")
        cluster = self.clusters.get(chosen.cluster)
        if cluster is None or not cluster.server:
            raise PermanentError(
                f"{where}: context {name!r} needs a cluster {chosen.cluster!r} with a server"
            )
        user = self.users.get(chosen.user, User() if not chosen.user else None)
        if user is None:
            raise PermanentError(f"{where}: context {name!r} names user {chosen.user!r}, who is not there")
        _refuse_unsupported(chosen.user, user)
        return Access(
            context=name,
            namespace=namespace or chosen.namespace or "default",
            cluster=cluster,
            user=user,
            who=chosen.user,
        )

    def _known(self) -> str:
        return ", ".join(sorted(self.contexts)) or "none"


def find_access(
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    context: str | None = None,
    namespace: str | None = None,
    account: Path = SERVICE_ACCOUNT,
) -> Access:
    """By ``file``, else ``KUBECONFIG``, else ~/.kube/config, else as the pod that this runs in.

    Raises PermanentError where there is none, or what is there cannot be used.
    """
    config = load(config_files(environment, file))
    if config is not None:
        return config.access(context, namespace)
    if context is None and "KUBERNETES_SERVICE_HOST" in environment and (account / "token").exists():
        return _in_pod(environment, account, namespace)
    looked = " and ".join(str(path) for path in config_files(environment, file))
    raise PermanentError(
        f"no kubeconfig at {looked}. Set KUBECONFIG or give --kubeconfig FILE; a sandbox's is .sandbox/kubeconfig"
    )


def config_files(environment: Mapping[str, str], file: Path | None) -> Sequence[Path]:
    """The files to look at, whether they exist or not."""
    if file is not None:
        return [file.expanduser()]
    named = [Path(name) for name in environment.get("KUBECONFIG", "").split(os.pathsep) if name]
    return named or [DEFAULT_FILE.expanduser()]


def load(files: Sequence[Path]) -> Kubeconfig | None:
    """Merge those that exist; None if none does. Raises PermanentError for one that cannot be read."""
    clusters: dict[str, Cluster] = {}
    users: dict[str, User] = {}
    contexts: dict[str, Context] = {}
    current = ""
    found = [path.absolute() for path in files if path.exists()]
    for path in found:
        content = _read(path)
        for named in content.clusters or []:
            clusters.setdefault(named.name, _absolute_cluster(named.cluster, path.parent))
        for each in content.users or []:
            users.setdefault(each.name, _absolute_user(each.user, path.parent))
        for one in content.contexts or []:
            contexts.setdefault(one.name, one.context)
        current = current or content.current_context or ""
    return Kubeconfig(tuple(found), clusters, users, contexts, current) if found else None


def _read(path: Path) -> _File:
    try:
        return msgspec.convert(yaml.safe_load(path.read_text()) or {}, _File)
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"{path}: cannot be read: {error}") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise PermanentError(f"{path}: not a kubeconfig: {error}") from error


_Entry = TypeVar("_Entry", Cluster, User, ExecPlugin)


def _absolute_cluster(cluster: Cluster, folder: Path) -> Cluster:
    return _absolute(cluster, folder, "certificate_authority")


def _absolute_user(user: User, folder: Path) -> User:
    plugin = user.exec
    if plugin is not None and os.sep in plugin.command:
        plugin = _absolute(plugin, folder, "command")
    user = _absolute(user, folder, "client_certificate", "client_key", "token_file")
    return msgspec.structs.replace(user, exec=plugin)


def _absolute(entry: _Entry, folder: Path, *fields: str) -> _Entry:
    """A relative path is relative to the file that names it."""
    changes = {name: str(folder / getattr(entry, name)) for name in fields if getattr(entry, name)}
    return msgspec.structs.replace(entry, **changes)


def _refuse_unsupported(name: str, user: User) -> None:
    if user.auth_provider is not None:
        raise PermanentError(
            f"user {name!r} of the kubeconfig uses auth-provider, which Kubernetes removed in 1.26: "
            f"use the exec plugin of your provider"
        )
    impersonated = (
        user.impersonated_user,
        user.impersonated_groups,
        user.impersonated_uid,
        user.impersonated_extra,
    )
    if any(impersonated):
        raise PermanentError(
            f"user {name!r} of the kubeconfig impersonates somebody ('as'), which trireme does not do: "
            f"choose another context"
        )


def _in_pod(environment: Mapping[str, str], account: Path, namespace: str | None) -> Access:
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
    own = account / "namespace"
    return Access(
        context="",
        namespace=namespace or (own.read_text().strip() if own.exists() else "default"),
        cluster=Cluster(
            server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
            certificate_authority=str(account / "ca.crt"),
        ),
        user=User(token_file=str(account / "token")),
    )
