"""Events go after an hour, as Kubernetes' API server lets them."""

from collections.abc import Mapping
from datetime import datetime

from trireme.sandbox.controllers.events import Clock
from trireme.sandbox.controllers.objects import moment_of
from trireme.sandbox.controllers.runner import Names, Resource, itself
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

EVENT_SECONDS = 3600.0


def seconds_left(event: Object, now: datetime) -> float:
    """Until it may go, counted from when it was last seen; not positive when it is time."""
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    last = moment_of(seen or event["metadata"]["creationTimestamp"])
    return EVENT_SECONDS - (now - last).total_seconds()


class EventExpiry:
    name = "event-expiry"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def sources(self) -> Mapping[Resource, Names]:
        return {("", "events"): itself}

    async def reconcile(self, key: Key) -> float | None:
        try:
            event = self._store.get(key)
        except NotFoundError:
            return None
        left = seconds_left(event, self._clock())
        if left > 0:
            return left
        self._store.delete(key)
        return None
