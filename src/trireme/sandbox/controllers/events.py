"""Events as Kubernetes' recorder writes them: repetitions raise the count of one object."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from trireme.sandbox.controllers.objects import namespace_of, timestamp
from trireme.sandbox.store.interface import ExistsError, Key, NotFoundError, Object, Store

Clock = Callable[[], datetime]


class Recorder:
    """Writes the Events of one component (``source``, as `kubectl describe` prints it)."""

    def __init__(self, store: Store, source: str, clock: Clock) -> None:
        self._store = store
        self._source = source
        self._clock = clock

    def emit(self, regarding: Object, type_: str, reason: str, message: str) -> None:
        """Record once, or count one more if the same was said of the same object before."""
        event = self._event(regarding, type_, reason, message)
        metadata = event["metadata"]
        key = Key("", "events", metadata["namespace"], metadata["name"])
        last = event["lastTimestamp"]

        def again(known: Object) -> None:
            known["count"] = known.get("count", 1) + 1
            known["lastTimestamp"] = last

        try:
            self._store.mutate(key, again)
        except NotFoundError:
            try:
                self._store.create("", "events", event)
            except (ExistsError, NotFoundError):
                return

    def _event(self, regarding: Object, type_: str, reason: str, message: str) -> Object:
        metadata = regarding["metadata"]
        namespace = namespace_of(regarding) or "default"
        now = timestamp(self._clock())
        identity = "\0".join((metadata.get("uid", ""), self._source, type_, reason, message))
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": namespace},
            "involvedObject": {
                "apiVersion": regarding.get("apiVersion", "v1"),
                "kind": regarding.get("kind", ""),
                "name": metadata["name"],
                "namespace": namespace_of(regarding),
                "uid": metadata.get("uid", ""),
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": type_,
            "reason": reason,
            "message": message,
            "source": {"component": self._source},
            "reportingComponent": self._source,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "count": 1,
        }
