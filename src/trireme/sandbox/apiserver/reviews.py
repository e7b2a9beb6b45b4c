"""Objects that are questions: may I, who am I, whose token is this; and tokens for ServiceAccounts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.auth.rbac import Attributes
from trireme.sandbox.apiserver.auth.tokens import Bound, User
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import Cause, bad_request, invalid, invalid_value
from trireme.sandbox.apiserver.writes.read import read_draft
from trireme.sandbox.store.interface import Object

SHORTEST_TOKEN, DEFAULT_TOKEN, LONGEST_TOKEN = 600, 3600, 1 << 32
"""Seconds, as in Kubernetes."""


async def review(call: Call) -> web.StreamResponse:
    obj = read_draft(call.kind, await call.body(), "Warn", call.warnings).obj
    obj["status"] = ANSWERS[call.kind.kind](call, obj.get("spec") or {})
    return json_response(obj, code=201, warnings=call.warnings)


async def create_token(call: Call) -> web.StreamResponse:
    """TokenRequest: ``kubectl create token``."""
    account = call.existing()
    body = await call.body() or {}
    spec = body.get("spec") or {}
    seconds = spec.get("expirationSeconds") or DEFAULT_TOKEN
    if not SHORTEST_TOKEN <= seconds <= LONGEST_TOKEN:
        detail = "may not specify a duration less than 10 minutes"
        cause = invalid_value("spec.expirationSeconds", seconds, detail)
        raise invalid("authentication.k8s.io", "TokenRequest", "", [cause])
    audiences = spec.get("audiences") or [""]
    token = call.cluster.tokens.mint(
        call.target.namespace,
        account["metadata"]["name"],
        seconds=seconds,
        audience=audiences[0],
        bound=_bound(spec),
    )
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    status = {"token": token, "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    spec = {"audiences": audiences, **spec, "expirationSeconds": seconds}
    kind = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    return json_response({**kind, "metadata": account["metadata"], "spec": spec, "status": status}, code=201)


def _bound(spec: Object) -> Bound | None:
    reference = spec.get("boundObjectRef")
    if not reference:
        return None
    if reference.get("kind") != "Pod":
        cause = Cause(
            "spec.boundObjectRef.kind",
            "FieldValueForbidden",
            "Forbidden: the sandbox binds tokens to Pods only",
        )
        raise invalid("authentication.k8s.io", "TokenRequest", "", [cause])
    return Bound(reference.get("name", ""), reference.get("uid", ""))


def _self_access(call: Call, spec: Object) -> Object:
    return _access(call, call.user, spec)


def _subject_access(call: Call, spec: Object) -> Object:
    return _access(call, User(spec.get("user", ""), tuple(spec.get("groups") or ())), spec)


def _access(call: Call, user: User, spec: Object) -> Object:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is None and path is None:
        raise bad_request(
            "spec.resourceAttributes: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
    if resource is None:
        asked = Attributes((path or {}).get("verb", ""), path=(path or {}).get("path", ""))
    else:
        name = resource.get("resource", "")
        if resource.get("subresource"):
            name += f"/{resource['subresource']}"
        asked = Attributes(
            resource.get("verb", ""),
            resource.get("group", ""),
            name,
            resource.get("namespace", ""),
            resource.get("name", ""),
        )
    allowed = call.cluster.authorizer.allows(user, asked)
    return {"allowed": allowed, **({"reason": "RBAC"} if allowed else {})}


def _self_rules(call: Call, spec: Object) -> Object:
    rules = list(call.cluster.authorizer.rules_for(call.user, spec.get("namespace", "")))
    return {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": False,
    }


def _token_review(call: Call, spec: Object) -> Object:
    audiences = spec.get("audiences") or [""]
    user = call.cluster.tokens.user_of(spec.get("token", ""), audience=audiences[0])
    if user is None:
        return {"authenticated": False, "error": "invalid bearer token"}
    return {"authenticated": True, "user": user_info(user), "audiences": spec.get("audiences") or []}


def user_info(user: User) -> Object:
    info: Object = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra}
    return info


ANSWERS: dict[str, Any] = {
    "SelfSubjectAccessReview": _self_access,
    "SubjectAccessReview": _subject_access,
    "LocalSubjectAccessReview": _subject_access,
    "SelfSubjectRulesReview": _self_rules,
    "TokenReview": _token_review,
    "SelfSubjectReview": lambda call, spec: {"userInfo": user_info(call.user)},
}
