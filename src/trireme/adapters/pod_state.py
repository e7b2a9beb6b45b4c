"""A pod's state in one word and one sentence, as kubectl's STATUS column says it and a little more."""

from collections.abc import Iterable
from typing import Any

from trireme.core.cluster_seen import Pod

SERVER_CONTAINER = "mariadb"
MESSAGE_CHARACTERS = 400


def pod_state(pod: dict[str, Any]) -> Pod:
    """Read a v1 Pod. Never raises: what is missing reads as not known."""
    status, metadata = pod.get("status") or {}, pod.get("metadata") or {}
    statuses = status.get("containerStatuses") or []
    server: dict[str, Any] = next((each for each in statuses if each.get("name") == SERVER_CONTAINER), {})
    state, message, container = _state(pod, statuses)
    if metadata.get("deletionTimestamp"):
        state = "Terminating"
    return Pod(
        state=state,
        running="running" in (server.get("state") or {}),
        started=server.get("started") is not False,
        ready=_condition(status, "Ready").get("status") == "True",
        message=one_line(message),
        container=container,
        restarts=int(server.get("restartCount", 0)),
        node=(pod.get("spec") or {}).get("nodeName", ""),
        address=status.get("podIP", ""),
    )


def _state(pod: dict[str, Any], statuses: list[dict[str, Any]]) -> tuple[str, str, str]:
    """The word, the sentence, and the container that it is about."""
    status = pod.get("status") or {}
    if status.get("reason"):
        return status["reason"], status.get("message", ""), ""
    unscheduled = _condition(status, "PodScheduled")
    if unscheduled.get("status") == "False":
        return "Pending", unscheduled.get("message", "no node takes it"), ""
    for each in [*(status.get("initContainerStatuses") or []), *statuses]:
        word, message = container_trouble(each)
        if word:
            return word, message, str(each.get("name", ""))
    return status.get("phase", "Unknown"), "", ""


def container_trouble(container: dict[str, Any]) -> tuple[str, str]:
    """Why this container does not run (any more); two empty strings if it does, or is done as it should."""
    state = container.get("state") or {}
    waiting, ended = state.get("waiting"), state.get("terminated")
    if waiting is not None:
        reason = waiting.get("reason", "Waiting")
        last = (container.get("lastState") or {}).get("terminated") or {}
        return reason, _ending(last) or waiting.get("message", "")
    if ended is not None and ended.get("exitCode", 0) != 0:
        return ended.get("reason", "Error"), _ending(ended)
    return "", ""


def _ending(terminated: dict[str, Any]) -> str:
    """The termination message (the agent leaves its error there), else how it ended."""
    if not terminated:
        return ""
    said = str(terminated.get("message", "")).strip()
    how = (
        f"ended with exit status {terminated.get('exitCode')} ({terminated.get('reason', 'no reason given')})"
    )
    return said or how


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions: Iterable[dict[str, Any]] = status.get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


def one_line(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= MESSAGE_CHARACTERS else line[: MESSAGE_CHARACTERS - 1] + "…"
