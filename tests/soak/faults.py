"""What a round does to the cluster. Each strikes at a random instant; what ends by itself ends, and nobody helps."""

import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.product import MEMBERS, Sandbox

from tests.servers.private_machine import run


@dataclass(frozen=True, slots=True)
class Strike:
    what: str
    at: float
    """The last moment at which something was hit, in seconds since the epoch."""


Fault = Callable[[Sandbox, random.Random], Strike]


def kill_all(sandbox: Sandbox, chance: random.Random) -> Strike:
    """kill -9 of everything in every pod within a few milliseconds; the pods are deleted, so that no back-off waits."""
    return _kill(sandbox, chance, list(sandbox.agents()), spread=0.0)


def kill_all_staggered(sandbox: Sandbox, chance: random.Random) -> Strike:
    """One after the other within up to 8 s: their positions differ, and the group shrinks, or loses its Primary."""
    return _kill(sandbox, chance, list(sandbox.agents()), spread=chance.uniform(0.2, 8.0))


def kill_all_twice(sandbox: Sandbox, chance: random.Random) -> Strike:
    """And again while they recover."""
    first = kill_all(sandbox, chance)
    pause = chance.uniform(0.3, 6.0)
    time.sleep(pause)
    again = kill_all(sandbox, chance)
    return Strike(f"{first.what}; {pause:.1f} s later again {again.what}", again.at)


def kill_some(sandbox: Sandbox, chance: random.Random) -> Strike:
    """One or two."""
    pods = sorted(sandbox.agents())
    return _kill(sandbox, chance, chance.sample(pods, chance.randint(1, len(pods) - 1)), spread=0.5)


def kill_servers(sandbox: Sandbox, chance: random.Random) -> Strike:
    """The servers alone, as the out-of-memory killer does; their agents live."""
    hit = chance.sample(sorted(sandbox.agents().items()), chance.randint(1, MEMBERS))
    at = time.time()
    for _, agent in hit:
        for pid in _servers(agent):
            _signal(pid, signal.SIGKILL)
    return Strike(f"kill -9 of the servers of {', '.join(pod for pod, _ in hit)}", at)


def freeze(sandbox: Sandbox, chance: random.Random) -> Strike:
    """SIGSTOP of all in one or two pods for a while: a node that hangs."""
    hit = chance.sample(sorted(sandbox.agents().items()), chance.randint(1, 2))
    seconds, at = chance.uniform(0.5, 12.0), time.time()
    with _stopped([pid for _, agent in hit for pid in tree(agent)]):
        time.sleep(seconds)
    return Strike(f"froze {', '.join(pod for pod, _ in hit)} for {seconds:.1f} s", at)


def freeze_agents(sandbox: Sandbox, chance: random.Random) -> Strike:
    """The agents alone: their servers go on, and nobody answers for them."""
    agents = sandbox.agents()
    hit = chance.sample(sorted(agents), chance.randint(1, MEMBERS))
    seconds, at = chance.uniform(0.5, 12.0), time.time()
    with _stopped([agents[pod] for pod in hit]):
        time.sleep(seconds)
    return Strike(f"froze the agents of {', '.join(hit)} for {seconds:.1f} s", at)


def partition(sandbox: Sandbox, chance: random.Random) -> Strike:
    """One member and the others do not hear each other, or one way only; clients and the API reach everyone."""
    addresses = sandbox.addresses()
    alone = chance.choice(sorted(addresses))
    pairs = [(addresses[alone], address) for pod, address in addresses.items() if pod != alone]
    way = chance.choice(("is cut off", "is not heard", "does not hear"))
    rules = [] if way == "does not hear" else pairs
    rules = rules if way == "is not heard" else rules + [(there, here) for here, there in pairs]
    return _cut(rules, f"{alone} {way}", chance)


def partition_of_all(sandbox: Sandbox, chance: random.Random) -> Strike:
    """Nobody hears anybody: no majority anywhere."""
    return _cut(list(itertools.permutations(sandbox.addresses().values(), 2)), "all are cut off", chance)


def lose_a_volume(sandbox: Sandbox, chance: random.Random) -> Strike:
    """One pod and its volume are gone."""
    pod = chance.choice(sorted(sandbox.agents()))
    sandbox.kubectl("delete", "pvc", f"data-{pod}", "--wait=false")
    killed = _kill(sandbox, chance, [pod], spread=0.0)
    return Strike(f"deleted the volume of {pod}; {killed.what}", killed.at)


def power_loss(sandbox: Sandbox, chance: random.Random) -> Strike:
    """Everything ends at once, the sandbox itself too, and is switched on again."""
    seconds = chance.uniform(0.0, 2.0)
    sandbox.switch_off()
    at = time.time()
    time.sleep(seconds)
    sandbox.switch_on()
    return Strike(f"power loss, on again after {seconds:.1f} s", at)


FULL = (kill_all, kill_all_staggered, kill_all_twice, power_loss)
"""All members lose their processes."""
ANY = (
    *FULL,
    kill_some,
    kill_servers,
    freeze,
    freeze_agents,
    partition,
    partition_of_all,
    lose_a_volume,
)


def tree(pid: int) -> list[int]:
    """The process and all below it, parents first."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _kill(sandbox: Sandbox, chance: random.Random, pods: list[str], spread: float) -> Strike:
    agents = sandbox.agents()
    chance.shuffle(pods)
    for place, pod in enumerate(pods):
        if place and spread:
            time.sleep(spread / len(pods))
        if pod in agents:
            _signal(agents[pod], signal.SIGKILL)
    at = time.time()
    sandbox.kubectl(
        "delete", "pod", *pods, "--grace-period=0", "--force", "--wait=false", "--ignore-not-found"
    )
    return Strike(f"kill -9 of {', '.join(pods)}" + (f" within {spread:.1f} s" if spread else ""), at)


def _cut(rules: list[tuple[str, str]], what: str, chance: random.Random) -> Strike:
    """No packet passes from the first address of each rule to the second; in a private machine."""
    seconds, at = chance.uniform(0.5, 15.0), time.time()
    with ExitStack() as ends:
        for source, target in rules:
            rule = ("from", source, "to", target, "pref", "10", "blackhole")
            run("ip", "rule", "add", *rule)
            ends.callback(run, "ip", "rule", "del", *rule)
        time.sleep(seconds)
    return Strike(f"{what} for {seconds:.1f} s", at)


def _servers(agent: int) -> Iterator[int]:
    for pid in tree(agent):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "mariadbd":
                yield pid


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
