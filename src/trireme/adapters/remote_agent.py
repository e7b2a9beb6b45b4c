"""Commands to a member's agent through the API server, signed with the token of the cluster's Secret.

The token is read, used, and forgotten: it is in no argument, no file and no message.
"""

import base64
import binascii
from http import HTTPStatus
from typing import Any

import msgspec

from trireme.adapters.cluster_api import ClusterApi, Object, RefusedError
from trireme.adapters.signing import NONCE_HEADER, SIGNATURE_HEADER, new_nonce, sign, target, verify
from trireme.api.commands import CommandReply
from trireme.api.names import GROUP
from trireme.base.errors import PermanentError
from trireme.core.cluster_seen import Cluster, Member

COMMAND_SECONDS = 10.0
"""An agent answers at once; the API server's proxy may wait for a node that is gone."""
RESOURCE = f"/apis/{GROUP}/v1alpha1/namespaces/{{namespace}}/galeraclusters/{{name}}"


class RemoteAgents:
    """The agents of one cluster, for whoever may read its Secret and create pods/proxy."""

    def __init__(self, api: ClusterApi, cluster: Cluster) -> None:
        self._api = api
        self._cluster = cluster
        self._token: bytes | None = None

    async def command(self, member: Member, path: str, wish: Any) -> CommandReply:
        """What the agent of ``member`` answers to ``wish``. Raises PermanentError in words for people where it
        cannot be asked, TemporaryError without an answer."""
        if member.pod is None or not member.pod.running:
            raise PermanentError(f"{member.name} does not run ({member.phase}): nobody there can be asked")
        token = await self._read_token()
        body, nonce = msgspec.json.encode(wish), new_nonce(target(self._cluster.namespace, member.name))
        headers = {
            NONCE_HEADER: nonce,
            SIGNATURE_HEADER: sign(token, "POST", path, nonce, body),
            "Content-Type": "application/json",
        }
        pods = f"/api/v1/namespaces/{self._cluster.namespace}/pods"
        try:
            answer = await self._api.send(
                "POST",
                f"{pods}/{member.name}:{member.pod.http_port}/proxy{path}",
                body,
                headers,
                seconds=COMMAND_SECONDS,
            )
        except RefusedError as refusal:
            raise self._in_words(refusal, member) from refusal
        if not verify(token, answer.headers.get(SIGNATURE_HEADER, ""), "answer", path, nonce, answer.body):
            raise PermanentError(
                f"what answered for {member.name} did not sign with this cluster's token: nothing it says counts"
            )
        return msgspec.json.decode(answer.body, type=CommandReply)

    def _in_words(self, refusal: RefusedError, member: Member) -> PermanentError:
        if refusal.status == HTTPStatus.FORBIDDEN:
            return PermanentError(f"{refusal} (it takes the right to create pods/proxy)")
        if "not signed with this cluster's token" in refusal.said:
            return PermanentError(
                f"{member.name} knows another token than Secret {self._cluster.name}: put the old token back, "
                "or restart the pods that hold the old one"
            )
        if refusal.status == HTTPStatus.NOT_FOUND:
            return PermanentError(
                f"the agent of {member.name} does not know this command: is its image older?"
            )
        return refusal

    async def _read_token(self) -> bytes:
        if self._token is None:
            path = f"/api/v1/namespaces/{self._cluster.namespace}/secrets/{self._cluster.name}"
            try:
                secret = await self._api.get(path)
            except RefusedError as refusal:
                if refusal.status == HTTPStatus.FORBIDDEN:
                    raise PermanentError(
                        f"{refusal} (commands are signed with the token in Secret {self._cluster.name})"
                    ) from refusal
                raise
            try:
                self._token = base64.b64decode((secret.get("data") or {})["token"], validate=True).strip()
            except (KeyError, binascii.Error) as error:
                raise PermanentError(
                    f"Secret {self._cluster.name} has no usable key 'token': commands cannot be signed"
                ) from error
        return self._token


async def find_resource(api: ClusterApi, cluster: Cluster) -> Object | None:
    """The GaleraCluster that an operator manages this cluster by; None where there is none."""
    try:
        return await api.get(RESOURCE.format(namespace=cluster.namespace, name=cluster.name))
    except RefusedError as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            return None
        if refusal.status == HTTPStatus.FORBIDDEN:
            raise PermanentError(
                f"{refusal} (whether an operator manages {cluster.name} must be known: it takes the right to get "
                "galeraclusters)"
            ) from refusal
        raise


async def change_spec(api: ClusterApi, cluster: Cluster, spec: Object) -> None:
    """Merge ``spec`` into the GaleraCluster's. Raises as ``ClusterApi.send`` does; a rule of the resource that
    refuses it is named in the message."""
    path = RESOURCE.format(namespace=cluster.namespace, name=cluster.name)
    body = msgspec.json.encode({"spec": spec})
    parameters = "?fieldManager=trireme-cli&fieldValidation=Strict"
    try:
        await api.send("PATCH", path + parameters, body, {"Content-Type": "application/merge-patch+json"})
    except RefusedError as refusal:
        if refusal.status == HTTPStatus.FORBIDDEN:
            raise PermanentError(f"{refusal} (it takes the right to patch galeraclusters)") from refusal
        raise PermanentError(f"GaleraCluster {cluster.name} is not changed: {refusal.said}") from refusal
