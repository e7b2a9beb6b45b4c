"""Namespaces: what each is born with, and emptying one that is deleted."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import key_of, name_of, status_of, terminating, uid_of
from trireme.sandbox.controllers.runner import EVERYTHING, Names, Resource, itself
from trireme.sandbox.controllers.writes import Create, Delete, Replace, SetStatus, Write, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store

FINALIZER = "kubernetes"
"""Kubernetes keeps it in ``spec.finalizers``; here it is an ordinary one, so that the store waits for it."""

CA_CONFIGMAP = "kube-root-ca.crt"
INITIAL = ("default", "kube-system", "kube-public", "kube-node-lease")


def initial_namespaces() -> list[Object]:
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in INITIAL]


def plan_namespace(namespace: Object, present: Iterable[Key], ca_certificate: str) -> list[Write]:
    """What a living namespace lacks: its finalizer, label and phase, ServiceAccount and CA certificate."""
    name = name_of(namespace)
    key = key_of("", "namespaces", namespace)
    wanted = copy.deepcopy(namespace)
    metadata = wanted["metadata"]
    if FINALIZER not in (metadata.get("finalizers") or []):
        metadata["finalizers"] = [*(metadata.get("finalizers") or []), FINALIZER]
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}
    writes: list[Write] = []
    if metadata != namespace["metadata"]:
        writes.append(Replace("", "namespaces", wanted))
    if status_of(namespace).get("phase") != "Active":
        writes.append(SetStatus(key, {"phase": "Active"}))
    existing = set(present)
    if Key("", "serviceaccounts", name, "default") not in existing:
        writes.append(Create("", "serviceaccounts", _service_account(name)))
    if Key("", "configmaps", name, CA_CONFIGMAP) not in existing:
        writes.append(Create("", "configmaps", _ca_configmap(name, ca_certificate)))
    return writes


def plan_removal(namespace: Object, contents: Iterable[tuple[Resource, Object]]) -> list[Write]:
    """Delete what is in it; when nothing is left, let it go."""
    left = list(contents)
    if left:
        status = SetStatus(key_of("", "namespaces", namespace), {"phase": "Terminating"})
        doomed = [
            Delete(key_of(*resource, obj), uid_of(obj)) for resource, obj in left if not terminating(obj)
        ]
        return [status, *doomed]
    freed = copy.deepcopy(namespace)
    finalizers = namespace["metadata"].get("finalizers") or []
    freed["metadata"]["finalizers"] = [each for each in finalizers if each != FINALIZER]
    return [Replace("", "namespaces", freed)]


def _service_account(namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": namespace},
    }


def _ca_configmap(namespace: str, certificate: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CA_CONFIGMAP, "namespace": namespace},
        "data": {"ca.crt": certificate},
    }


class NamespaceController:
    name = "namespace"

    def __init__(self, store: Store, clock: Clock, ca_certificate: Path) -> None:
        self._store = store
        self._ca_certificate = ca_certificate
        self._recorder = Recorder(store, "namespace-controller", clock)

    def sources(self) -> Mapping[Resource, Names]:
        """Anything that goes may be the last thing of a namespace that goes."""
        return {("", "namespaces"): itself, EVERYTHING: _namespace_of}

    async def reconcile(self, key: Key) -> float | None:
        try:
            namespace = self._store.get(key)
        except NotFoundError:
            return None
        if terminating(namespace):
            apply(self._store, self._recorder, plan_removal(namespace, self._contents(key.name)))
            return None
        present = [
            key_of("", resource, obj)
            for resource in ("serviceaccounts", "configmaps")
            for obj in self._store.list("", resource, key.name)
        ]
        certificate = self._ca_certificate.read_text()
        apply(self._store, self._recorder, plan_namespace(namespace, present, certificate))
        return None

    def _contents(self, namespace: str) -> Iterable[tuple[Resource, Object]]:
        for resource in self._store.resources():
            for obj in self._store.list(*resource, namespace):
                yield resource, obj


def _namespace_of(change: Change) -> Iterable[Key]:
    if change.key.namespace and change.kind == "DELETED":
        return (Key("", "namespaces", "", change.key.namespace),)
    return ()
