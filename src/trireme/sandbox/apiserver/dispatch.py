"""From a request to its answer: authenticate, authorize, find the handler, shape errors."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from trireme.sandbox.apiserver import deleting, evicting, reading, reviews, scaling, watching, writing
from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.auth.rbac import HEALTH, Attributes
from trireme.sandbox.apiserver.auth.tokens import ANONYMOUS, User
from trireme.sandbox.apiserver.call import Call, Cluster
from trireme.sandbox.apiserver.discovery import discover, version
from trireme.sandbox.apiserver.errors import ApiError, bad_request, method_not_allowed, no_such_path
from trireme.sandbox.apiserver.faults import CutError
from trireme.sandbox.apiserver.openapi import openapi
from trireme.sandbox.apiserver.streams.endpoints import STREAM_HANDLERS
from trireme.sandbox.apiserver.target import Target, read_target
from trireme.sandbox.apiserver.writes.permission import attributes_of, denied
from trireme.sandbox.store.interface import NotFoundError

log = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
REVIEW_GROUPS = ("authorization.k8s.io", "authentication.k8s.io")


def handlers() -> Mapping[tuple[str, str], Handler]:
    """By verb and subresource."""
    return {
        ("get", ""): reading.get,
        ("list", ""): reading.Lister(),
        ("watch", ""): watching.watch,
        ("create", ""): writing.create,
        ("update", ""): writing.update,
        ("patch", ""): writing.patch,
        ("delete", ""): deleting.delete,
        ("deletecollection", ""): deleting.delete_collection,
        ("get", "status"): reading.get,
        ("update", "status"): writing.update,
        ("patch", "status"): writing.patch,
        ("get", "scale"): scaling.get_scale,
        ("update", "scale"): scaling.update_scale,
        ("patch", "scale"): scaling.patch_scale,
        ("create", "eviction"): evicting.evict,
        ("create", "token"): reviews.create_token,
        **STREAM_HANDLERS,
    }


class Dispatcher:
    """The one aiohttp handler of the server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._handlers = handlers()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except ApiError as error:
            return json_response(error.status(), code=error.code)
        except NotFoundError as error:
            return json_response(ApiError(404, "NotFound", str(error)).status(), code=404)
        except CutError:
            return web.Response()  # to nobody
        except (ConnectionError, web.HTTPException):
            raise
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            message = f"Internal error occurred: {type(error).__name__}: {error}"
            return json_response(ApiError(500, "InternalError", message).status(), code=500)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sender = self._authenticate(request)
        async with self._cluster.faults.around(request, sender.name):
            return await self._answer_to(request, self._impersonated(request, sender))

    async def _answer_to(self, request: web.Request, user: User) -> web.StreamResponse:
        target = read_target(request.method, request.path, request.query)
        call = Call(self._cluster, request, user, target)
        asked = attributes_of(target, target.verb)
        if not self._cluster.authorizer.allows(user, asked) and not (
            asked.path in HEALTH and user is ANONYMOUS
        ):
            raise denied(user, target, asked)
        if not target.resource:
            return self._without_resource(call)
        return await self._handler(call)(call)

    def _authenticate(self, request: web.Request) -> User:
        """Raises ApiError (401). Health and version are for everybody."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self._cluster.tokens.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None and not scheme and request.path in HEALTH:
            return ANONYMOUS
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return user

    def _impersonated(self, request: web.Request, user: User) -> User:
        """``kubectl --as``. Raises ApiError (403)."""
        name = request.headers.get("Impersonate-User")
        if name is None:
            return user
        asked = Attributes("impersonate", resource="users", name=name)
        groups = tuple(request.headers.getall("Impersonate-Group", ()))
        if name.startswith("system:serviceaccount:"):
            namespace, _, account = name.removeprefix("system:serviceaccount:").partition(":")
            asked = Attributes("impersonate", "", "serviceaccounts", namespace, account)
            groups = groups or ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        if not self._cluster.authorizer.allows(user, asked):
            raise denied(user, Target("impersonate", "", resource=asked.resource, name=name), asked)
        return User(name, (*groups, "system:authenticated"))

    def _without_resource(self, call: Call) -> web.StreamResponse:
        path = call.target.path.rstrip("/") or "/"
        if call.target.verb not in ("get", "head"):
            raise method_not_allowed()
        if path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        if path == "/version":
            return version(call)
        if path.startswith("/openapi/"):
            return openapi(call)
        if path == "/":
            return json_response(
                {"paths": ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"]}
            )
        return discover(call)

    def _handler(self, call: Call) -> Handler:
        """Raises ApiError: 404 for an unknown resource, 405 for a verb that it does not have."""
        kind, target = call.kind, call.target
        if kind.group in REVIEW_GROUPS:
            if target.verb != "create":
                raise method_not_allowed()
            return reviews.review
        if (
            kind.namespaced
            and not target.namespace
            and target.verb not in ("list", "watch", "deletecollection")
        ):
            raise bad_request(f"{kind.plural} are namespaced: name a namespace")
        if target.subresource and target.subresource not in kind.subresources:
            raise no_such_path()
        if not target.subresource and target.verb not in kind.verbs:
            raise method_not_allowed()
        if kind.definition is not None and kind.definition.deprecation:
            call.warnings.append(kind.definition.deprecation)
        handler = self._handlers.get((target.verb, target.subresource))
        if handler is None:
            raise method_not_allowed()
        return handler
