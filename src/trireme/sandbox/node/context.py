"""What every pod's worker shares, and where a pod's files are."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.objects import name_of, namespace_of, uid_of
from trireme.sandbox.node.environment import References
from trireme.sandbox.node.interface import Addresses, NodeSettings, TokenMinter
from trireme.sandbox.node.logreader import last_text
from trireme.sandbox.node.logs import rotated
from trireme.sandbox.node.projection import Sources
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

CA_CONFIG_MAP = "kube-root-ca.crt"
"""In a real cluster every namespace has this ConfigMap; here the node can supply it."""

TERMINATION_MESSAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Context:
    store: Store
    settings: NodeSettings
    addresses: Addresses
    mint_token: TokenMinter
    recorder: Recorder
    now: Callable[[], datetime]

    def references(self, namespace: str) -> References:
        def config_map(name: str) -> Object | None:
            found = self._find("configmaps", namespace, name)
            if found is None and name == CA_CONFIG_MAP:
                return {"data": {"ca.crt": self.settings.ca_certificate.read_text()}}
            return found

        return References(config_map, lambda name: self._find("secrets", namespace, name))

    def sources(self, pod: Object) -> Sources:
        return Sources(self.references(namespace_of(pod)), _Tokens(self, pod).get)

    def _find(self, resource: str, namespace: str, name: str) -> Object | None:
        try:
            return self.store.get(Key("", resource, namespace, name))
        except NotFoundError:
            return None


class _Tokens:
    """One pod's ServiceAccount tokens, each kept until 80 % of its time has passed."""

    def __init__(self, context: Context, pod: Object) -> None:
        self._context = context
        self._pod = pod
        self._kept: dict[tuple[str, int], tuple[str, float]] = {}

    def get(self, audience: str, seconds: int) -> str:
        token, renew_at = self._kept.get((audience, seconds), ("", 0.0))
        if time.monotonic() >= renew_at:
            token = self._context.mint_token(
                namespace=namespace_of(self._pod),
                service_account=self._pod["spec"].get("serviceAccountName") or "default",
                pod_name=name_of(self._pod),
                pod_uid=uid_of(self._pod),
                audience=audience,
                seconds=seconds,
            )
            self._kept[audience, seconds] = token, time.monotonic() + 0.8 * seconds
        return token


@dataclass(frozen=True, slots=True)
class PodPaths:
    """Where one pod's files are on the host."""

    root: Path
    """Goes with the pod."""
    logs: Path
    """Goes with the pod too, but has a name that a person can find."""

    @classmethod
    def of(cls, directory: Path, pod: Object) -> "PodPaths":
        readable = f"{namespace_of(pod)}_{name_of(pod)}_{uid_of(pod)}"
        return cls(directory / "pods" / uid_of(pod), directory / "logs" / readable)

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def generated(self) -> Path:
        return self.root / "etc"

    def log(self, container: str, restarts: int) -> Path:
        return self.logs / container / f"{restarts}.log"

    def forget_old_logs(self, container: str, restarts: int) -> None:
        """Keep the present start's log and the one before it."""
        old = self.log(container, restarts - 2)
        for path in (old, rotated(old)):
            path.unlink(missing_ok=True)

    def termination_message(self, container: str) -> Path:
        return self.root / "termination" / container

    def read_termination_message(self, spec: Object, exit_code: int, restarts: int) -> str:
        """What the container left there; failing that the end of its log, where its policy says so."""
        try:
            written = self.termination_message(spec["name"]).read_bytes()[:TERMINATION_MESSAGE_BYTES]
            if (
                not written
                and exit_code != 0
                and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
            ):
                written = last_text(self.log(spec["name"], restarts))
        except OSError:
            return ""
        return written.decode(errors="replace")
