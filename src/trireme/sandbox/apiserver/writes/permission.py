"""Questions of RBAC that only arise while a request is being carried out."""

from trireme.sandbox.apiserver.auth.rbac import Attributes, Authorizer
from trireme.sandbox.apiserver.auth.tokens import User
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import ApiError, forbidden
from trireme.sandbox.apiserver.target import Target


def require(call: Call, verb: str) -> None:
    """Of the request's own resource. Raises ApiError (403)."""
    check(call.cluster.authorizer, call.user, call.target, verb)


def check(authorizer: Authorizer, user: User, target: Target, verb: str) -> None:
    """Raises ApiError (403)."""
    asked = attributes_of(target, verb)
    if authorizer.allows(user, asked):
        return
    raise denied(user, target, asked)


def attributes_of(target: Target, verb: str) -> Attributes:
    if not target.resource:
        return Attributes(verb, path=target.path)
    return Attributes(verb, target.group, target.qualified_resource, target.namespace, target.name)


def denied(user: User, target: Target, asked: Attributes) -> ApiError:
    """In the words of Kubernetes."""
    if asked.path:
        return ApiError(
            403,
            "Forbidden",
            f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"',
            details={},
        )
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = f'User "{user.name}" cannot {asked.verb} resource "{asked.resource}" in API group "{asked.group}" {where}'
    return forbidden(target.group, target.resource, target.name, message)
