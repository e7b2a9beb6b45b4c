"""The two ConfigMaps: server settings that take a restart, and what changes while the members run. Pure."""

import hashlib
from dataclasses import dataclass

from trireme.api.resource import GaleraCluster, seconds
from trireme.base.errors import PermanentError
from trireme.manifests.cluster.names import Names, Object, metadata
from trireme.manifests.cluster.variables import Split, split
from trireme.manifests.server_config import check_user_text


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``split`` are the user's settings; ``warnings`` are about what is allowed and unwise."""

    split: Split
    warnings: tuple[str, ...]


def server_settings(cluster: GaleraCluster) -> ServerSettings:
    """Read and check my.cnf and the provider options. Raises PermanentError that names the field and the reason."""
    text = cluster.spec.my_cnf
    options = cluster.spec.galera.provider_options
    warnings = _checked(cluster, "myCnf", text)
    parts = split(text)
    if not options:
        return ServerSettings(parts, warnings)
    pairs = ";".join(f"{key}={value}" for key, value in sorted(options.items()))
    line = f'[mariadbd]\nwsrep_provider_options = "{pairs}"\n'
    _checked(cluster, "galera.providerOptions", line)
    static = f"{parts.static.rstrip()}\n\n{line}".lstrip()
    return ServerSettings(Split(static, parts.variables), warnings)


def _checked(cluster: GaleraCluster, field: str, text: str) -> tuple[str, ...]:
    try:
        return check_user_text(text)
    except PermanentError as error:
        raise PermanentError(f"GaleraCluster {cluster.full_name}: spec.{field}: {error}") from error


def my_cnf(cluster: GaleraCluster, settings: ServerSettings) -> Object:
    """Its name has a hash of the content: a member that crashes in the middle of a rolling change starts with what
    it had, not with half of the new. It must live as long as a pod names it."""
    static = settings.split.static
    digest = hashlib.sha256(static.encode()).hexdigest()[:10]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(cluster, f"{cluster.name}-my-cnf-{digest}"),
        "immutable": True,
        "data": {"my.cnf": static},
    }


def live(cluster: GaleraCluster, settings: ServerSettings, founder: str | None) -> Object:
    """The kubelet keeps its files in the pods current; what is in it restarts nobody.

    ``founder`` is ORDINAL:VOLUME, the operator's word of invariant 6.
    """
    recovery = cluster.spec.recovery
    missing = "Wait" if recovery.missing_members == "Wait" else f"MajorityAfter={seconds(recovery.after)}"
    data = {
        "TRIREME_MEMBERS": str(cluster.spec.replicas),
        "TRIREME_MISSING_MEMBERS": missing,
        "my.cnf": settings.split.live_text,
    }
    if founder is not None:
        data["TRIREME_NEW_CLUSTER"] = founder
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(cluster, Names(cluster.name).live),
        "data": data,
    }
