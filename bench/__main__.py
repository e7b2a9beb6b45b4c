"""``python -m bench [PHASE …]``: measures, shows progress, writes bench/RESULTS.md."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import cost, p1, p2, p3, p4, p5, p6, report
from bench.machine import describe
from bench.run import Result, Run

RESULTS = Path(__file__).with_name("RESULTS.md")

PHASES: dict[str, tuple[Callable[[Run], Result], float]] = {
    "p1": (p1.measure, 360.0),
    "cost": (cost.measure, 180.0),
    "p2": (p2.measure, 420.0),
    "p3": (p3.measure, 240.0),
    "p4": (p4.measure, 240.0),
    "p5": (p5.measure, 60.0),
    "p6": (p6.measure, 0.0),
}
"""Each phase and the seconds after which it begins no further round: together under 40 minutes: p2's count twice."""


def main() -> int:
    options = _options()
    run = Run(Path(tempfile.mkdtemp(prefix="tri-bench-")), options.rounds, 0.0)
    machine = describe()
    run.say(machine)
    try:
        for name in options.phases or PHASES:
            measure, run.seconds = PHASES[name]
            begun = time.monotonic()
            result = measure(run)
            report.write(options.output, {name: result}, machine)
            run.say(f"{name} took {time.monotonic() - begun:.0f} s; {options.output} is written\n")
    finally:
        shutil.rmtree(run.home, ignore_errors=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "phases", nargs="*", metavar="PHASE", help=f"of {', '.join(PHASES)}; without any, all"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="the file to write (default: bench/RESULTS.md)"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.phases) - PHASES.keys())
    if unknown:
        parser.error(f"no such phase: {', '.join(unknown)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
