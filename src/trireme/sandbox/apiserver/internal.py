"""What controllers create gets the same defaults and passes the same admission as what clients create."""

from trireme.sandbox.apiserver.call import Cluster
from trireme.sandbox.apiserver.errors import ApiError, forbidden
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.writes.admission import admit_security
from trireme.sandbox.apiserver.writes.prepare import prepare_create
from trireme.sandbox.apiserver.writes.priority import admit_priority
from trireme.sandbox.store.interface import Key, NotFoundError, Object, RefusedError


def complete(cluster: Cluster, group: str, resource: str, obj: Object) -> None:
    """In place, without awaiting. Raises RefusedError with the message that a client would get."""
    kind = cluster.registry.any_version(group, resource)
    if kind is None:
        return
    prepare_create(kind, obj)
    if (group, resource) != ("", "pods"):
        return
    try:
        _require_account(cluster, kind, obj)
        admit_priority(cluster, kind, obj)
        admit_security(cluster, kind, obj, obj["spec"], [])
    except ApiError as error:
        raise RefusedError(str(error)) from error


def _require_account(cluster: Cluster, kind: Kind, pod: Object) -> None:
    namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    try:
        cluster.store.get(Key("", "serviceaccounts", namespace, account))
    except NotFoundError:
        who = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
        message = (
            f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        )
        raise forbidden(kind.group, kind.plural, who, message) from None
