"""Clusters as ``trireme status -o json`` (or ``explain -o json``) saved them."""

import sys
from pathlib import Path

import msgspec

from trireme.api.report import WIRE_VERSION, Report
from trireme.base.errors import PermanentError
from trireme.core.cluster_seen import Answer, Cluster, Member, Outlook, Pod


class _Member(msgspec.Struct):
    name: str
    ordinal: int
    role: str | None = None
    restarts: int = 0
    pod: Pod | None = None
    report: Report | None = None
    outlook: Outlook | None = None
    silence: str | None = None
    forbidden: bool = False


class _Cluster(msgspec.Struct):
    name: str
    namespace: str
    members: list[_Member]
    wanted: int | None = None


class _Document(msgspec.Struct):
    clusters: list[_Cluster]


def read_saved(path: Path) -> list[Cluster]:
    """``-`` is the standard input. Raises PermanentError in words."""
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        document = msgspec.json.decode(content, type=_Document)
    except OSError as error:
        raise PermanentError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise PermanentError(
            f"{path}: not what `trireme status -o json` prints ({error}); save it with that command"
        ) from error
    return [_cluster(each, path) for each in document.clusters]


def _cluster(saved: _Cluster, path: Path) -> Cluster:
    members = tuple(_member(each, path) for each in saved.members)
    return Cluster(name=saved.name, namespace=saved.namespace, wanted=saved.wanted, members=members)


def _member(saved: _Member, path: Path) -> Member:
    answer = None
    if saved.report is not None:
        if saved.report.version != WIRE_VERSION:
            raise PermanentError(
                f"{path}: {saved.name} spoke version {saved.report.version}, this trireme speaks {WIRE_VERSION}"
            )
        of_container = saved.pod.restarts if saved.pod is not None else 0
        answer = Answer(
            report=saved.report,
            role=saved.role or "",
            restarts=saved.restarts - of_container,
            outlook=saved.outlook or Outlook(),
        )
    return Member(
        name=saved.name,
        ordinal=saved.ordinal,
        pod=saved.pod,
        answer=answer,
        silence=saved.silence or "",
        forbidden=saved.forbidden,
    )
