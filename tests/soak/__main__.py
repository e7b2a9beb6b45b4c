"""Rounds of random faults under load, in one sandbox; a line for each in a file. Ends with 1 at the first loss.

A round: write for a random time, strike, wait until a commit is acknowledged again and all members are Synced, then
ask every member for every commit that was acknowledged so far. Nobody helps: what does not come back is a failure.
"""

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pymysql
from bench.load import Access, Writers
from bench.product import MEMBERS, Sandbox
from bench.waiting import wait_for

from tests.servers.private_machine import private_machine
from tests.soak.faults import ANY, FULL, Fault
from trireme.base.errors import TemporaryError

BACK_SECONDS = 180.0
"""A round that takes longer counts as one that needs a person."""
MOST_LOAD_SECONDS = 4.0
DYING_SECONDS = 0.5
"""The killed are gone by then, and what they acknowledged last has arrived."""
CALM_SECONDS = 1.0
"""All are Synced twice, so long apart: just after a kill an agent may not know of it yet."""


@dataclass(frozen=True, slots=True)
class Round:
    number: int
    fault: str
    first_commit: float
    """Seconds from the last strike."""
    all_synced: float
    acknowledged: int
    """By now, in all rounds."""
    lost: int
    histories: int

    @property
    def good(self) -> bool:
        return self.lost == 0 and self.histories == 1


def main() -> int:
    options = _options()
    chance = random.Random(options.seed)
    home = Path(tempfile.mkdtemp(prefix="tri-soak-"))
    say(f"{options.rounds} rounds, seed {options.seed}; the log: {options.log}")
    done: list[Round] = []
    try:
        with private_machine(), Sandbox(home / "s") as sandbox:
            sandbox.form()
            try:
                for each in _rounds(sandbox, options, chance):
                    done.append(each)
                    say(_words(each))
            except (TimeoutError, RuntimeError, ValueError, OSError, pymysql.Error) as error:
                say(f"round {len(done) + 1} needs a person: {error!r}")
            if len(done) < options.rounds or not done[-1].good:
                say(f"what the members left: {_keep(sandbox, home, options.log)}")
    finally:
        say(_summary(done))
        shutil.rmtree(home, ignore_errors=True)
    return 0 if len(done) == options.rounds and done[-1].good else 1


def _rounds(sandbox: Sandbox, options: argparse.Namespace, chance: random.Random) -> Iterator[Round]:
    """Ends after the first that is not good."""
    faults = FULL if options.only_full else ANY
    with Writers(_behind_the_service(sandbox), "app.soak") as writers, options.log.open("a") as log:
        for number in range(1, options.rounds + 1):
            each = _round(sandbox, writers, number, faults, chance)
            log.write(json.dumps(asdict(each)) + "\n")
            log.flush()
            yield each
            if not each.good:
                return


def _keep(sandbox: Sandbox, home: Path, log: Path) -> Path:
    """Logs, small files and what each agent says, beside the log."""
    kept = log.with_suffix(".failed")
    shutil.rmtree(kept, ignore_errors=True)
    large = shutil.ignore_patterns("ib*", "galera.cache", "undo*", "*.ibd", "*.frm", "*.MA?", "*.sock")
    with suppress(shutil.Error):
        shutil.copytree(home, kept, ignore=large, symlinks=True)
    with suppress(TemporaryError, RuntimeError):
        for pod, address in sandbox.addresses().items():
            (kept / f"{pod}.status.json").write_text(json.dumps(sandbox.status(address), indent=1))
            (kept / f"{pod}.log").write_text(sandbox.kubectl("logs", "--timestamps", "-c", "mariadb", pod))
    return kept


def _round(
    sandbox: Sandbox, writers: Writers, number: int, faults: tuple[Fault, ...], chance: random.Random
) -> Round:
    time.sleep(chance.uniform(0.2, MOST_LOAD_SECONDS))
    strike = chance.choice(faults)(sandbox, chance)
    wait_for(
        lambda: writers.first_after(strike.at + DYING_SECONDS), f"a commit ({strike.what})", BACK_SECONDS
    )
    _, first = writers.stall(strike.at, strike.at + DYING_SECONDS)
    wait_for(lambda: _calm(sandbox), f"all members Synced ({strike.what})", BACK_SECONDS)
    synced = time.time() - CALM_SECONDS
    sandbox.wait_ready()
    writers.wait_for_commits(20, BACK_SECONDS)
    acknowledged, password = writers.commits, sandbox.password()
    members = sandbox.addresses().values()
    lost = writers.lost(Access(partial(str, address), "app", password) for address in members)
    histories = {sandbox.status(address)["server"]["uuid"] for address in members}
    return Round(
        number, strike.what, first - strike.at, synced - strike.at, acknowledged, lost, len(histories)
    )


def _calm(sandbox: Sandbox) -> bool:
    if not sandbox.all_synced():
        return False
    time.sleep(CALM_SECONDS)
    return sandbox.all_synced()


def _behind_the_service(sandbox: Sandbox) -> Access:
    address, password = sandbox.service("demo-primary"), sandbox.password()
    return Access(lambda: address, "app", password)


def _words(each: Round) -> str:
    return (
        f"round {each.number}: {each.fault}: a commit after {each.first_commit:.1f} s, all Synced after "
        f"{each.all_synced:.1f} s; {each.lost} of {each.acknowledged} lost"
    )


def _summary(done: list[Round]) -> str:
    if not done:
        return "no round was finished"
    commits = _series(each.first_commit for each in done)
    synced = _series(each.all_synced for each in done)
    lost = sum(each.lost for each in done)
    return (
        f"{len(done)} rounds, {MEMBERS} members: first commit after {commits} s, all Synced after {synced} s "
        f"(median [lowest-highest]); {done[-1].acknowledged} commits acknowledged, {lost} lost"
    )


def _series(values: Iterable[float]) -> str:
    known = sorted(values)
    return f"{statistics.median(known):.1f} [{known[0]:.1f}-{known[-1]:.1f}]"


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only-full", action="store_true", help="only faults that hit all members")
    parser.add_argument(
        "--log", type=Path, default=Path("soak.jsonl"), help="one line of JSON for each round"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
