"""Rules of Leases and Events."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import Cause, invalid_value, required
from trireme.sandbox.apiserver.rules.names import qualified_name_problem
from trireme.sandbox.store.interface import Object

ALONE = ("", "default")
"""Namespaces of an Event about what is in no namespace."""


def check_lease(lease: Object) -> Iterator[Cause]:
    spec = lease.get("spec") or {}
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        yield invalid_value("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield invalid_value("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def check_event(event: Object) -> Iterator[Cause]:
    """Those of the new kind, which say an eventTime, must say who reports what."""
    here, there = (
        event["metadata"].get("namespace", ""),
        (event.get("involvedObject") or {}).get("namespace", ""),
    )
    if here != there and not (not there and here in ALONE):
        yield invalid_value("involvedObject.namespace", there, "does not match event.namespace")
    if not event.get("eventTime"):
        return
    reporter = event.get("reportingComponent", "")
    if not reporter:
        yield required("reportingComponent")
    elif problem := qualified_name_problem(reporter):
        yield invalid_value("reportingComponent", reporter, problem)
    for field in ("reportingInstance", "action", "reason"):
        if not event.get(field):
            yield required(field)
