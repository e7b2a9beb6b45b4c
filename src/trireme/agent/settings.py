"""The agent's settings, read once from the environment, and the secrets' files. Errors name the variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from trireme.adapters.dns import is_loopback, ordinal_of
from trireme.agent.live import MAX_MEMBERS, Live, parse_founder, parse_missing_members
from trireme.api.names import HTTP_PORT, reserved_database, reserved_user
from trireme.base.errors import PermanentError
from trireme.base.text import is_number, read_text
from trireme.core.retiring import RESERVE_PERCENT

PASSWORD_GRACE_SECONDS = 600
"""A changed Secret reaches a pod's files within 1 to 2 minutes; what reads it from its environment must restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    cluster: str
    members: int
    namespace: str
    pod: str
    address: str
    service: str
    port_name: str
    domain: str
    http_port: int
    database: str
    user: str
    grace_seconds: float
    data_root: Path
    run_dir: Path
    tmp_dir: Path
    secret_dir: Path
    given_dir: Path
    """The Secret as the kubelet shows it now; absent where it is not mounted."""
    password_grace: float
    """Seconds for which a password that was changed stays valid beside the new one."""
    config_dir: Path
    disk_reserve_percent: int
    """Of the data volume: with less free the member leaves the group; 0 for never."""
    live_dir: Path
    missing_members: str = "Wait"
    new_cluster: str = ""

    @property
    def live(self) -> Live:
        """What the environment says; files in ``live_dir`` win."""
        word = self.new_cluster
        return Live(
            members=self.members,
            patience=parse_missing_members(self.missing_members),
            founder=parse_founder(word) if word else None,
        )

    @property
    def ordinal(self) -> int:
        ordinal = ordinal_of(self.pod)
        assert ordinal is not None
        return ordinal

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.cluster}"

    @property
    def srv_name(self) -> str:
        return f"_{self.port_name}._tcp.{self.service}.{self.namespace}.svc.{self.domain}."

    @property
    def listen_address(self) -> str | None:
        """A loopback address is this pod's alone and the only one to listen on; None means all addresses."""
        return self.address if is_loopback(self.address) else None

    @property
    def data_dir(self) -> Path:
        return self.data_root / "data"

    @property
    def record_dir(self) -> Path:
        return self.data_root / "trireme"

    @property
    def config_file(self) -> Path:
        return self.run_dir / "my.cnf"

    @property
    def socket(self) -> Path:
        return self.run_dir / "mysqld.sock"

    @property
    def notify_socket(self) -> Path:
        return self.run_dir / "notify.sock"

    @property
    def user_config(self) -> str:
        """The user's own my.cnf, '' without one; what is set live lies apart, is kept current, and comes last."""
        paths = (self.config_dir / "my.cnf", self.live_dir / "my.cnf")
        return "\n".join(read_text(path) for path in paths if path.exists())

    def secret(self, key: str) -> str:
        """Raises PermanentError where the Secret lacks the key, it is no text, or this process may not read it."""
        path = self.secret_dir / key
        try:
            value = read_text(path).rstrip("\n")
        except OSError as error:
            raise PermanentError(
                f"secret key {key!r}: cannot read {path} ({error.strerror}); the cluster's Secret must have it"
            ) from error
        if not value:
            raise PermanentError(
                f"secret key {key!r} is empty; the cluster's Secret must have a value for it"
            )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbitratorSettings:
    """Of the pod that has a vote and no data. Its garbd listens on the group's port of ``address``."""

    cluster: str
    namespace: str
    address: str
    srv_name: str
    http_port: int
    secret_dir: Path
    tmp_dir: Path


def read_arbitrator_settings(env: Mapping[str, str]) -> ArbitratorSettings:
    """Raises PermanentError as :func:`read_settings`; the variables' meanings are the same."""
    service, namespace = _required(env, "TRIREME_SERVICE"), _required(env, "TRIREME_NAMESPACE")
    port, domain = (
        env.get("TRIREME_PORT_NAME") or "galera",
        env.get("TRIREME_CLUSTER_DOMAIN") or "cluster.local",
    )
    return ArbitratorSettings(
        cluster=_required(env, "TRIREME_CLUSTER"),
        namespace=namespace,
        address=_address(env, "TRIREME_POD_IP"),
        srv_name=f"_{port}._tcp.{service}.{namespace}.svc.{domain}.",
        http_port=_number(env, "TRIREME_HTTP_PORT", HTTP_PORT, 1, 65535),
        secret_dir=Path(env.get("TRIREME_SECRET_DIR") or "/etc/trireme/secret"),
        tmp_dir=Path(env.get("TMPDIR") or "/tmp"),  # noqa: S108 - the pod's own emptyDir
    )


def read_settings(env: Mapping[str, str]) -> Settings:
    """Raises PermanentError naming the variable, its value and what was expected."""
    pod = _required(env, "TRIREME_POD_NAME")
    if ordinal_of(pod) is None:
        raise PermanentError(
            f"TRIREME_POD_NAME={pod!r}: expected a name that ends in its ordinal, such as demo-0"
        )
    settings = Settings(
        cluster=_required(env, "TRIREME_CLUSTER"),
        members=_number(env, "TRIREME_MEMBERS", None, 1, MAX_MEMBERS),
        namespace=_required(env, "TRIREME_NAMESPACE"),
        pod=pod,
        address=_address(env, "TRIREME_POD_IP"),
        service=_required(env, "TRIREME_SERVICE"),
        port_name=env.get("TRIREME_PORT_NAME") or "galera",
        domain=env.get("TRIREME_CLUSTER_DOMAIN") or "cluster.local",
        http_port=_number(env, "TRIREME_HTTP_PORT", HTTP_PORT, 1, 65535),
        database=env.get("TRIREME_DATABASE", ""),
        user=env.get("TRIREME_USER", ""),
        grace_seconds=_number(env, "TRIREME_GRACE_SECONDS", 60, 5, 86400),
        data_root=Path(env.get("TRIREME_DATA_ROOT") or "/var/lib/mysql"),
        run_dir=Path(env.get("TRIREME_RUN_DIR") or "/run/mysqld"),
        tmp_dir=Path(env.get("TMPDIR") or "/tmp"),  # noqa: S108 - the pod's own emptyDir
        secret_dir=Path(env.get("TRIREME_SECRET_DIR") or "/etc/trireme/secret"),
        disk_reserve_percent=_number(env, "TRIREME_DISK_RESERVE_PERCENT", RESERVE_PERCENT, 0, 50),
        given_dir=Path(env.get("TRIREME_GIVEN_DIR") or "/etc/trireme/given"),
        password_grace=_number(env, "TRIREME_PASSWORD_GRACE_SECONDS", PASSWORD_GRACE_SECONDS, 0, 604800),
        config_dir=Path(env.get("TRIREME_CONFIG_DIR") or "/etc/trireme/config"),
        live_dir=Path(env.get("TRIREME_LIVE_DIR") or "/etc/trireme/live"),
        missing_members=env.get("TRIREME_MISSING_MEMBERS") or "Wait",
        new_cluster=env.get("TRIREME_NEW_CLUSTER", ""),
    )
    _ = settings.live
    _check_names(settings)
    return settings


def _check_names(settings: Settings) -> None:
    """Before any volume is touched: the first start would fail on them in the middle."""
    if reserved_user(settings.user):
        raise PermanentError(
            f"TRIREME_USER={settings.user!r}: this account is MariaDB's or Trireme's own; expected another name"
        )
    if reserved_database(settings.database):
        raise PermanentError(
            f"TRIREME_DATABASE={settings.database!r}: this database is MariaDB's own; expected another name"
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise PermanentError(f"{name} is not set: the manifests in deploy/plain show what it must be")
    return value


def _number(env: Mapping[str, str], name: str, default: int | None, low: int, high: int) -> int:
    text = env.get(name, "").strip() or ("" if default is None else str(default))
    if not is_number(text) or not low <= int(text) <= high:
        raise PermanentError(f"{name}={text!r}: expected a whole number from {low} to {high}")
    return int(text)


def _address(env: Mapping[str, str], name: str) -> str:
    text = _required(env, name)
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise PermanentError(
            f"{name}={text!r}: expected an IP address (the pod's, by the downward API)"
        ) from error
