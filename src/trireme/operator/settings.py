"""The operator's settings: TRIREME_* environment variables, and options of the command line that win over them."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trireme.api.names import HTTP_PORT
from trireme.base.errors import PermanentError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds are of the clock; ``namespaces`` empty means all."""

    namespaces: tuple[str, ...]
    own_namespace: str
    """Where the Lease is."""
    identity: str
    """Who holds the Lease: the pod's name."""
    image: str
    """Image of clusters that name none; '' refuses them."""
    domain: str
    """DNS domain of the Kubernetes cluster."""
    openshift: bool
    listen: str
    port: int
    lease_seconds: float
    rounds: int
    """Clusters that are looked at at the same time."""
    steady_seconds: float
    """Between two looks at a cluster that nothing happens to."""


def read_settings(arguments: Sequence[str], env: Mapping[str, str]) -> Settings:
    """Raises PermanentError naming the variable, its value and what was expected."""
    parser = argparse.ArgumentParser(prog="trireme operator", description="Keep GaleraClusters as declared.")
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        help="Only this namespace; may be repeated. Default: $TRIREME_NAMESPACES, else all.",
    )
    given = parser.parse_args(list(arguments))
    named = given.namespace or env.get("TRIREME_NAMESPACES", "").replace(",", " ").split()
    return Settings(
        namespaces=tuple(dict.fromkeys(named)),
        own_namespace=env.get("TRIREME_NAMESPACE") or _own_namespace(),
        identity=env.get("TRIREME_POD_NAME") or f"{os.uname().nodename}-{os.getpid()}",
        image=env.get("TRIREME_IMAGE", ""),
        domain=env.get("TRIREME_CLUSTER_DOMAIN") or "cluster.local",
        openshift=env.get("TRIREME_OPENSHIFT", "").lower() in ("1", "true", "yes"),
        listen=env.get("TRIREME_LISTEN") or env.get("TRIREME_POD_IP", ""),
        port=int(_number(env, "TRIREME_HTTP_PORT", HTTP_PORT, 1, 65535)),
        lease_seconds=_number(env, "TRIREME_LEASE_SECONDS", 15, 3, 600),
        rounds=int(_number(env, "TRIREME_ROUNDS", 16, 1, 256)),
        steady_seconds=_number(env, "TRIREME_STEADY_SECONDS", 30, 1, 3600),
    )


def _own_namespace() -> str:
    path = SERVICE_ACCOUNT / "namespace"
    return path.read_text().strip() if path.exists() else "default"


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = env.get(name, "").strip() or str(default)
    try:
        value = float(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise PermanentError(f"{name}={text!r}: expected a number from {low:g} to {high:g}")
    return value
