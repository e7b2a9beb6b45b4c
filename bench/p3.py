"""P3: the writer is lost, in three ways."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.load import Access, Writers
from bench.product import Line, Sandbox
from bench.run import Result, Row, Run, Table
from bench.series import Series, ratio
from bench.waiting import wait_for

TITLE = "P3: the writer is lost"
WHAT = """\
Four clients write through the primary address, 10 ms apart; a client whose answer does not come within 0.5 s, or
whose connection breaks, connects again. The writer's pod is lost: `kill -9` of all processes in it; SIGSTOP of all
processes in it (a frozen node); and SIGTERM by `kubectl delete pod`. Measured: the longest time without any
acknowledged commit until the lost member's server starts again (or thaws). Floor for the first two: the time until
Galera's own detection has made the survivors Primary again, read from their logs in the same round; no commit is
possible before. An ordered stop has no such floor: its own is no stall at all. *The return* is the longest such time
from then on: Galera stops the group for a moment to let a member in, however it was started. Afterwards every member
is asked for every acknowledged commit."""

CALM_SECONDS = 2.0
STALL_SECONDS = 60.0
BACK_SECONDS = 120.0


Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    strike: Callable[[Sandbox, str], Undo]
    """Loses the pod of this name; what it returns lets it come back."""
    detected: bool
    """The survivors must find out by themselves."""


@dataclass(frozen=True, slots=True)
class Loss:
    stall: float
    return_stall: float
    """While the lost member comes back."""
    detection: float | None
    """Until the survivors were Primary again; None where the writer left in order."""
    acknowledged: int
    lost: int


def measure(run: Run) -> Result:
    losses: dict[str, list[Loss]] = {fault.name: [] for fault in FAULTS}
    with Sandbox(run.place("p3")) as sandbox:
        sandbox.form()
        for number in run.repeat():
            for order, fault in enumerate(FAULTS):
                losses[fault.name].append(_lose(sandbox, fault, f"app.load_{number}_{order}"))
                run.say(f"P3 round {number + 1}, {fault.name}: {_words(losses[fault.name][-1])}")
    return Result(TITLE, WHAT, (_table(losses),))


def _table(losses: dict[str, list[Loss]]) -> Table:
    rows = []
    for name, each in losses.items():
        stall = Series.of(loss.stall for loss in each)
        detected = [loss.detection for loss in each if loss.detection is not None]
        floor = Series.of(detected) if detected else None
        rows.append(Row(f"**{name}**", stall, floor, ratio(stall, floor) if floor else None))
    for name, each in losses.items():
        rows.append(Row(f"{name}: the return", Series.of(loss.return_stall for loss in each)))
    everything = [loss for each in losses.values() for loss in each]
    rows.append(
        Row("acknowledged commits per loss", Series.of(loss.acknowledged for loss in everything), digits=0)
    )
    rows.append(Row("of these lost", Series.of(loss.lost for loss in everything), digits=0))
    return Table("writes stall, seconds", "survivors Primary again", tuple(rows))


def _words(loss: Loss) -> str:
    detected = f", survivors Primary after {loss.detection:.2f} s" if loss.detection is not None else ""
    stalls = f"{loss.stall:.2f} s without a commit{detected}; {loss.return_stall:.2f} s at its return"
    return f"{stalls}; {loss.lost} of {loss.acknowledged} lost"


def _lose(sandbox: Sandbox, fault: Fault, table: str) -> Loss:
    primary, password = sandbox.service("demo-primary"), sandbox.password()
    wait_for(sandbox.all_synced, "all members Synced", BACK_SECONDS)
    with Writers(Access(lambda: primary, "app", password), table) as writers:
        time.sleep(CALM_SECONDS)
        writer = sandbox.writer()
        begun = time.time()
        undo = fault.strike(sandbox, writer)
        wait_for(lambda: writers.first_after(begun + 1.0), "commits after the loss", STALL_SECONDS)
        writers.wait_for_commits(100, STALL_SECONDS)
        detection = _detection(sandbox, writer, begun) if fault.detected else None
        undo()
        back = time.time()
        time.sleep(1.0)
        wait_for(sandbox.all_synced, "all members Synced again", BACK_SECONDS)
        sandbox.wait_ready()
        writers.stop()
        back = max(_started(sandbox, writer, begun), default=back)
        last, first = writers.stall(begun, back)
        return_stall = max(end - start for start, end in writers.gaps() if start >= back)
        members = [_member(address, password) for address in sandbox.addresses().values()]
        return Loss(first - last, return_stall, detection, writers.commits, writers.lost(members))


def _member(address: str, password: str) -> Access:
    return Access(lambda: address, "app", password)


def _started(sandbox: Sandbox, pod: str, begun: float) -> list[float]:
    """When the pod's server was started after ``begun``; nothing for one that was only frozen."""
    words = "trireme.agent: started mariadbd"
    return [line.at for line in sandbox.logs() if line.pod == pod and line.at > begun and words in line.text]


def _detection(sandbox: Sandbox, writer: str, begun: float) -> float:
    """Seconds until the first survivor was in a Primary again."""
    words = "New COMPONENT: primary = yes"

    def primary(line: Line) -> bool:
        return line.pod != writer and line.at > begun and words in line.text

    return min(line.at for line in sandbox.logs(but=writer) if primary(line)) - begun


def _kill(sandbox: Sandbox, pod: str) -> Undo:
    os.kill(sandbox.agents()[pod], signal.SIGKILL)
    return _by_itself


def _freeze(sandbox: Sandbox, pod: str) -> Undo:
    frozen = _tree(sandbox.agents()[pod])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)

    def thaw() -> None:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    return thaw


def _delete(sandbox: Sandbox, pod: str) -> Undo:
    sandbox.kubectl("delete", "pod", pod, "--wait=false")
    return _by_itself


def _by_itself() -> None:
    """The node, or the StatefulSet, brings the member back."""


def _tree(pid: int) -> list[int]:
    """The process and all below it, parents first."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


FAULTS = (
    Fault("kill -9", _kill, detected=True),
    Fault("SIGSTOP", _freeze, detected=True),
    Fault("SIGTERM", _delete, detected=False),
)
