"""``trireme status`` as a person runs it: the installed program against a Kubernetes API on a real socket."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli_kubernetes import FakeKubernetes, status_of
from tests.unit.core.seen import joining, silent, synced
from trireme.adapters.pod_state import pod_state
from trireme.cli.status_text import ranges

TRIREME = str(Path(sys.executable).with_name("trireme"))


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


async def trireme(*arguments: str, kubeconfig: Path | None = None, terminal: bool = False) -> Ran:
    process = await asyncio.create_subprocess_exec(
        TRIREME,
        *arguments,
        env=environment(kubeconfig, terminal=terminal),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Ran(process.returncode, out.decode(), err.decode())


def environment(kubeconfig: Path | None, *, terminal: bool = False) -> Mapping[str, str]:
    """``terminal`` makes the program believe in one of 80 columns without colours."""
    given = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "KUBECONFIG": str(kubeconfig or "")}
    return given | ({"TTY_COMPATIBLE": "1", "TERM": "dumb"} if terminal else {})


HEALTHY = """\
demo: 3 of 3 Synced, writer demo-0, history 11111111, position 1234

MEMBER  ROLE       PHASE   READY  POSITION  VIEW  RESTARTS  WHY
demo-0  primary    Synced  yes        1234  0-2          1  Synced in a Primary of 3: takes the writes
demo-1  secondary  Synced  yes        1234  0-2          1  Synced in a Primary of 3: follows writer 0
demo-2  secondary  Synced  yes        1234  0-2          1  Synced in a Primary of 3: follows writer 0
"""


async def test_a_healthy_cluster(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
        ran = await trireme("status", kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert ran == Ran(0, HEALTHY, "")


DEGRADED = """\
demo: 1 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-1
Transferring, demo-2 Silent

MEMBER  ROLE       PHASE         READY  POSITION  VIEW  RESTARTS
demo-0  primary    Synced        yes        1234  0-2          1
        Synced in a Primary of 3: takes the writes
demo-1  secondary  Transferring  no            -  -            1
        receives a state transfer (12.3 MiB so far)
demo-2  -          Silent        no            -  -            1
        dial tcp 10.0.0.1:8080: connection refused

-> demo-2 runs and does not answer: `kubectl -n default get node node-1`,
   `kubectl -n default logs demo-2`
"""


async def test_it_fits_eighty_columns(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), joining(1), silent(2))
        ran = await trireme("status", "demo", kubeconfig=kubernetes.kubeconfig(tmp_path), terminal=True)
    assert trimmed(ran.out) == DEGRADED
    assert ran.status == 1


def declared(generation: int, observed: int, **conditions: tuple[str, str, str]) -> dict[str, Any]:
    """A GaleraCluster as the operator left it."""
    return {
        "metadata": {"name": "demo", "namespace": "default", "generation": generation},
        "status": {
            "observedGeneration": observed,
            "conditions": [
                {"type": kind, "status": status, "reason": reason, "message": message}
                for kind, (status, reason, message) in conditions.items()
            ],
        },
    }


REFUSED = (
    "False",
    "Refused",
    "spec.myCnf: line 2: wsrep_on is Trireme's own: take it out, it is always ON there",
)
STUCK = (
    "False",
    "UpdateStuck",
    "the update stopped: member 2 is Blocked: unknown variable 'no_such_setting=1'.",
)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (
            declared(2, 2, Accepted=REFUSED, Progressing=("False", "Stuck", "the settings are not applied")),
            ["!  Refused: spec.myCnf: line 2: wsrep_on is Trireme's own: take it out, it is a…"],
        ),
        (
            declared(2, 2, Accepted=("True", "Valid", ""), Progressing=STUCK),
            ["!  UpdateStuck: the update stopped: member 2 is Blocked: unknown variable 'no_s…"],
        ),
        (
            declared(2, 2, Healthy=("False", "ArbitratorAway", "the arbitrator has no vote: no image")),
            ["!  ArbitratorAway: the arbitrator has no vote: no image"],
        ),
        (declared(3, 2, Accepted=REFUSED), []),
        (declared(2, 2, Accepted=("True", "Valid", ""), Progressing=("True", "Updating", "restarts")), []),
    ],
    ids=["refused", "stuck", "no vote", "about an earlier spec", "on its way"],
)
async def test_what_the_operator_says_is_a_line(resource: Any, said: list[str], tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
        kubernetes.resources["default", "demo"] = resource
        config = kubernetes.kubeconfig(tmp_path)
        ran = await trireme("status", kubeconfig=config, terminal=True)
        piped = await trireme("status", kubeconfig=config)
    assert [line.rstrip() for line in ran.out.splitlines() if line.startswith("!")] == said
    assert all(len(line.rstrip()) <= 80 for line in ran.out.splitlines())
    assert "…" not in piped.out
    assert ran.status == 0


async def test_a_cluster_that_was_refused_at_once_is_there(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.resources["default", "demo"] = declared(1, 1, Accepted=("False", "Refused", "no image"))
        ran = await trireme("status", kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert ran == Ran(
        1,
        "demo: declared, and not made yet\n!  Refused: no image\n\n"
        "-> What its operator says: `kubectl -n default describe galera demo`\n",
        "",
    )


async def test_where_galeraclusters_may_not_be_read_all_else_is_shown(tmp_path: Path) -> None:
    async with FakeKubernetes(forbidden={"galeraclusters"}).serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), synced(1), synced(2))
        ran = await trireme("status", kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert ran == Ran(0, HEALTHY, "")


def trimmed(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


async def test_json_has_everything(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0), silent(1), wanted=2)
        ran = await trireme("status", "-o", "json", kubeconfig=kubernetes.kubeconfig(tmp_path))
    (found,) = json.loads(ran.out)["clusters"]
    assert (found["name"], found["health"], found["writer"]) == ("demo", "degraded", "demo-0")
    first, second = found["members"]
    assert first["position"] == "11111111-1111-1111-1111-111111111111:1234"
    assert first["report"]["server"]["version"] == "10.11.19"
    assert second["report"] is None
    assert second["silence"] == "dial tcp 10.0.0.1:8080: connection refused"
    assert found["conditions"] == []
    assert first["outlook"]["terms"]["declared"] == 3
    assert second["pod"]["node"] == "node-1"


async def test_several_clusters_have_a_line_each(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0, size=1), wanted=1)
        kubernetes.add_cluster("shop", wanted=0)
        kubernetes.add_cluster("demo", silent(0), namespace="other", wanted=1)
        config = kubernetes.kubeconfig(tmp_path)
        here = await trireme("status", kubeconfig=config)
        everywhere = await trireme("status", "-A", kubeconfig=config)
    assert here.status == 1
    assert here.out == (
        "CLUSTER  HEALTH    STATE\n"
        "demo     healthy   1 of 1 Synced, writer demo-0, history 11111111, position 1234\n"
        "shop     degraded  stopped, its StatefulSet asks for 0 members\n"
    )
    assert everywhere.status == 2
    assert "other      demo     unknown   cannot tell, none of its 1 members answers\n" in everywhere.out


async def test_without_the_right_to_ask_members_their_pods_are_shown(tmp_path: Path) -> None:
    async with FakeKubernetes(forbidden={"proxy", "statefulsets"}).serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0))
        ran = await trireme("status", kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert ran.status == 2
    assert "demo-0  -     Running  no" in ran.out
    assert 'proxy is forbidden: User "eve" cannot get resource "proxy"' in ran.out
    assert (
        "-> You may not ask its members: that takes the right to get pods/proxy in this namespace." in ran.out
    )


async def test_an_agent_of_another_version_is_silent_to_us(tmp_path: Path) -> None:
    member = synced(0)
    assert member.answer is not None
    newer = replace(member, answer=replace(member.answer, report=replace(member.answer.report, version=99)))
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", newer)
        ran = await trireme("status", kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert "its agent speaks version 99, this trireme speaks 1" in ran.out


FAILURES = {
    "no cluster": ((), "there is no cluster in namespace default: `trireme status -A` looks in all of them"),
    "another name": (("nix",), "there is no cluster nix in namespace default. There is: none"),
    "none anywhere": (("-A",), "there is no cluster in any namespace"),
    "another context": (("--context", "nix"), "no context 'nix'. There is: here"),
    "no kubeconfig": (("--kubeconfig", "/nix"), "no kubeconfig at /nix. Set KUBECONFIG or give --kubeconfig"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failure_is_one_line_and_status_two(case: str, tmp_path: Path) -> None:
    arguments, said = FAILURES[case]
    async with FakeKubernetes().serving() as kubernetes:
        ran = await trireme("status", *arguments, kubeconfig=kubernetes.kubeconfig(tmp_path))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("trireme: ")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_watching_says_each_change_once(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0, size=2), joining(1), wanted=2)
        process = await asyncio.create_subprocess_exec(
            TRIREME,
            "status",
            "--watch",
            env=environment(kubernetes.kubeconfig(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        first = [await line(process.stdout) for _ in range(3)]
        kubernetes.statuses["default", "demo-1"] = status_of(synced(1, size=2))
        second = [await line(process.stdout) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert await process.stdout.read() == b""
    assert first == [
        "default/demo: degraded: 1 of 2 Synced, writer demo-0, history 11111111, position 1234; demo-1 Transferring",
        "default/demo-0: Synced, primary, ready: Synced in a Primary of 2: takes the writes",
        "default/demo-1: Transferring, secondary, not ready: receives a state transfer (12.3 MiB so far)",
    ]
    assert second == [
        "default/demo: healthy: 2 of 2 Synced, writer demo-0, history 11111111, position 1234",
        "default/demo-1: Synced, secondary, ready: Synced in a Primary of 2: follows writer 0",
    ]


async def line(stream: asyncio.StreamReader) -> str:
    """The next, without its time."""
    return (await asyncio.wait_for(stream.readline(), 10)).decode().strip().partition("  ")[2]


async def test_watching_goes_on_when_the_server_is_away(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as kubernetes:
        kubernetes.add_cluster("demo", synced(0, size=1), wanted=1)
        config = kubernetes.kubeconfig(tmp_path)
        process = await asyncio.create_subprocess_exec(
            TRIREME,
            "status",
            "--watch",
            "-o",
            "json",
            env=environment(config),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 10))
        kubernetes.forbidden.add("pods")
        trouble = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 2
    assert first["clusters"][0]["health"] == "healthy"
    assert "you may not do that" in trouble


# --- a pod in one word -------------------------------------------------------------------------------------------


def container(**state: Any) -> dict[str, Any]:
    return {"name": "mariadb", **state}


PODS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no node": (
        {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]},
        "Pending",
        "0/3 nodes are available",
    ),
    "no image": (
        {
            "containerStatuses": [
                container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such"}})
            ]
        },
        "ImagePullBackOff",
        "no such",
    ),
    "crashes": (
        {
            "containerStatuses": [
                container(
                    state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                    lastState={"terminated": {"exitCode": 78, "message": "TRIREME_CLUSTER\nis not set\n"}},
                )
            ]
        },
        "CrashLoopBackOff",
        "TRIREME_CLUSTER is not set",
    ),
    "was killed": (
        {"containerStatuses": [container(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})]},
        "OOMKilled",
        "ended with exit status 137 (OOMKilled)",
    ),
    "waits for its Secret": (
        {
            "initContainerStatuses": [
                {"name": "secret", "state": {"terminated": {"exitCode": 1, "message": "no"}}}
            ],
            "containerStatuses": [container(state={"waiting": {"reason": "PodInitializing"}})],
        },
        "Error",
        "no",
    ),
    "evicted": ({"reason": "Evicted", "message": "low on disk", "phase": "Failed"}, "Evicted", "low on disk"),
    "nothing known": ({}, "Unknown", ""),
}


@pytest.mark.parametrize("case", PODS)
def test_a_pod_in_one_word(case: str) -> None:
    status, word, message = PODS[case]
    pod = pod_state({"metadata": {"name": "demo-0"}, "status": status})
    assert (pod.state, pod.message, pod.running, pod.ready) == (word, message, False, False)


def test_ordinals_are_shown_as_ranges() -> None:
    assert [ranges(each) for each in [(), (0,), (0, 1, 2), (0, 2, 3, 5)]] == ["-", "0", "0-2", "0,2-3,5"]
