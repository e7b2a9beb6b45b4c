"""Since when each member shows no progress, by the operator's own clock."""

from collections.abc import Iterable, Mapping

from trireme.api.report import Report


class Progress:
    """Of one cluster's members. Phases come and go while a member tries in vain; they are no progress."""

    def __init__(self) -> None:
        self._moved: dict[int, tuple[tuple[object, ...], float]] = {}

    def unmoved(
        self, now: float, pods: Mapping[int, str], reports: Mapping[int, Report], podless: Iterable[int]
    ) -> dict[int, float]:
        """Seconds since each got further: another pod, another position, more bytes of a transfer.

        ``pods``: their uids. A pod that does not answer is as it was; a new one, and none, are something new.
        """
        looks: dict[int, tuple[object, ...]] = dict.fromkeys(podless, ("",))
        for ordinal, uid in pods.items():
            report, (before, _) = reports.get(ordinal), self._moved.get(ordinal, ((uid,), now))
            if report is not None:
                looks[ordinal] = (uid, report.position, report.received_bytes, report.directory)
            else:
                looks[ordinal] = before if before[0] == uid else (uid,)
        found = {}
        for ordinal, each in looks.items():
            before, since = self._moved.get(ordinal, (each, now))
            self._moved[ordinal] = (each, since if before == each else now)
            found[ordinal] = now - self._moved[ordinal][1]
        return found
