"""The one thing that an agent asks of the Kubernetes API: the role label of pods. The data plane works without it."""

import json
import os
import ssl
from pathlib import Path

import aiohttp

from trireme.api.names import ROLE_LABEL
from trireme.base.errors import PermanentError, TemporaryError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CALL_SECONDS = 5.0


class PodLabels:
    """Role labels of this cluster's pods, as the pod's own ServiceAccount."""

    def __init__(self, namespace: str, account: Path = ACCOUNT) -> None:
        self._account = account
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        host = f"[{host}]" if ":" in host else host
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._base = f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods"
        self._session: aiohttp.ClientSession | None = None

    @property
    def available(self) -> bool:
        """False outside a pod, or where no token is mounted: labels are then left alone."""
        return "KUBERNETES_SERVICE_HOST" in os.environ and (self._account / "token").exists()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def set_role(self, pod: str, role: str) -> None:
        """Raises TemporaryError, or PermanentError where RBAC forbids it. A pod that is gone needs no label."""
        body = json.dumps({"metadata": {"labels": {ROLE_LABEL: role}}})
        headers = {
            "Authorization": f"Bearer {(self._account / 'token').read_text().strip()}",
            "Content-Type": "application/merge-patch+json",
        }
        try:
            async with self._open().patch(f"{self._base}/{pod}", data=body, headers=headers) as response:
                if response.status in (401, 403):
                    raise PermanentError(
                        f"labelling pod {pod}: the API server answers {response.status} to this ServiceAccount; "
                        f"it needs patch on pods (see the Role in deploy/plain)"
                    )
                if response.status not in (200, 404):
                    raise TemporaryError(f"labelling pod {pod}: the API server answers {response.status}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise TemporaryError(f"labelling pod {pod}: {error or type(error).__name__}") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=str(self._account / "ca.crt"))
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context),
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            )
        return self._session
