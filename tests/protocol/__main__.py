"""``python -m tests.protocol`` (``make verify``): many schedules and a far exploration, with figures to quote.

Exit status 0 if no invariant was broken. A failure is shrunk and told as a story.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.protocol.bounds import FAR, NEAR, Search, search
from tests.protocol.schedules import Schedule, make
from tests.protocol.shrink import failure, shrink, story
from tests.protocol.stories import STORIES

BATCH = 500


def main() -> int:
    options = _options()
    started = time.monotonic()
    failed = 0
    with ProcessPoolExecutor(options.processes) as pool:
        explorations = [pool.submit(search, each) for each in _searches(options.exploration)]
        batches = range(options.first, options.first + options.schedules, BATCH)
        schedules = [pool.submit(_batch, seed, BATCH) for seed in batches]
        for done in as_completed([*explorations, *schedules]):
            words, broken = done.result()
            if words:
                _say(words)
            failed += broken
    for name, schedule in STORIES.items():
        failed += _tell(name, schedule)
    seconds = time.monotonic() - started
    _say(f"{len(batches) * BATCH} random schedules from seed {options.first}, {len(STORIES)} named ones; "
         f"{failed} failures; {seconds:.0f} s with {options.processes} processes")  # fmt: skip
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make verify", description=__doc__)
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument(
        "--first", type=int, default=1_000_000, help="the first seed (make test takes those from 0)"
    )
    parser.add_argument("--exploration", choices=("none", "near", "far"), default="far")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def _searches(how_far: str) -> Iterator[Search]:
    yield from {"none": (), "near": NEAR, "far": FAR}[how_far]


def _batch(first: int, count: int) -> tuple[str, int]:
    failures = [seed for seed in range(first, first + count) if failure(make(seed)) is not None]
    words = [f"seed {seed}\n{story(shrink(make(seed)))}" for seed in failures[:1]]
    return "\n".join(words), len(failures)


def _tell(name: str, schedule: Schedule) -> int:
    if failure(schedule) is None:
        return 0
    _say(f"{name}\n{story(schedule)}")
    return 1


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
