"""P4: what planned operations cost an application that writes all the time."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.load import Access, Writers
from bench.product import MEMBERS, ROOT, Sandbox
from bench.run import Result, Row, Run, Table
from bench.series import Series
from bench.waiting import wait_for

TITLE = "P4: planned operations"
WHAT = f"""\
A declared cluster of {MEMBERS} members, kept by the operator from `deploy/operator`, while four clients write through the
primary Service. *stall*: the longest time between two acknowledged commits from the request until the operator says
that it is done; *errors*: writes that failed at first, each retried at once; *took*: until it is done. No acknowledged
commit may be missing on any member afterwards."""

OPERATOR = ROOT / "deploy" / "operator"
CLUSTER = ROOT / "examples" / "cluster.yaml"
DONE_SECONDS = 240.0


def measure(run: Run) -> Result:
    stalls: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    took: dict[str, list[float]] = {}
    lost = 0
    with Sandbox(run.place("p4")) as sandbox:
        _form(sandbox)
        for number in run.repeat():
            for name, spec in _operations(number):
                stall, failed, seconds, missing = _measure(sandbox, f"{name}_{number}", spec)
                for series, value in ((stalls, stall), (errors, failed), (took, seconds)):
                    series.setdefault(name, []).append(value)
                lost += missing
                run.say(f"P4 round {number + 1}: {name}: stall {stall:.2f} s, took {seconds:.1f} s")
    rows = [
        Row(f"{name}: {what}", Series.of(series[name]), digits=digits)
        for name in stalls
        for what, series, digits in (("stall, s", stalls, 2), ("errors", errors, 0), ("took, s", took, 1))
    ]
    return Result(TITLE, WHAT, (Table("Trireme", "", tuple(rows)),), (f"Acknowledged commits lost: {lost}.",))


def _operations(number: int) -> list[tuple[str, Mapping[str, Any]]]:
    """What is asked for in each round; every round asks for something new."""
    memory = f"{900 + number}Mi"
    return [
        ("switchover", {"primary": {"podIndex": number % 2 + 1}}),
        ("rolling_change", {"resources": {"limits": {"memory": memory, "cpu": "2"}}}),
        ("scale_up", {"replicas": 5}),
        ("scale_down", {"replicas": MEMBERS}),
    ]


def _form(sandbox: Sandbox) -> None:
    sandbox.kubectl("apply", "-k", str(OPERATOR))
    sandbox.kubectl("apply", "-f", str(CLUSTER))
    wait_for(_settled(sandbox), "the cluster runs", DONE_SECONDS)


def _settled(sandbox: Sandbox) -> Callable[[], bool]:
    """The status is about the spec as it is, every member has it, and the wanted writer writes."""

    def probe() -> bool:
        found = json.loads(sandbox.kubectl("get", "galeracluster", "demo", "-o", "json"))
        spec, status = found["spec"], found.get("status") or {}
        wanted = (spec.get("primary") or {}).get("podIndex")
        done = (status.get("primary") or {}).get("podIndex")
        return (
            status.get("observedGeneration") == found["metadata"]["generation"]
            and status.get("phase") == "Running"
            and wanted == done
            and len(status["members"]) == spec["replicas"]
            and all(each["updated"] and each["ready"] for each in status["members"])
        )

    return probe


def _measure(sandbox: Sandbox, table: str, spec: Mapping[str, Any]) -> tuple[float, float, float, int]:
    """Stall, errors, seconds, and lost commits."""
    access = Access(lambda: sandbox.service("demo-primary"), "app", sandbox.password())
    with Writers(access, table) as writers:
        began = time.time()
        patch = json.dumps({"spec": spec})
        sandbox.kubectl("patch", "galeracluster", "demo", "--type=merge", f"--patch={patch}")
        wait_for(_settled(sandbox), f"{table} is done", DONE_SECONDS, look=0.3)
        ended = time.time()
        writers.wait_for_commits(40, 10.0)
    start, end = writers.stall(began, ended)
    members = [
        Access(lambda address=address: address, "app", access.password)  # type: ignore[misc]
        for address in sandbox.addresses().values()
        if address
    ]
    return end - start, float(writers.errors), ended - began, writers.lost(members)
