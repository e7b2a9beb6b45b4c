"""P6: one operator and many clusters. The API server is the sandbox's; pods and agents are played by this process."""

import asyncio
import time

from bench.many import CLUSTERS, Many
from bench.run import Result, Row, Run, Table
from bench.series import Series

TITLE = "P6: many clusters"
WHAT = f"""\
{CLUSTERS} clusters of three members, all of them in peace, kept by one `trireme operator`. Their agents answer with true,
signed reports, from one process that plays all of them; nothing else is played. *notice*: from a change of one cluster's
spec until the operator has applied what follows from it. The calls and the processor time are those of a quiet minute."""

QUIET_SECONDS = 60.0
CHANGES = 10


def measure(run: Run) -> Result:
    figures = asyncio.run(_measure(run))
    rows = tuple(Row(what, Series.of(values), digits=digits) for what, values, digits in figures)
    return Result(TITLE, WHAT, (Table("Trireme", "", rows),))


async def _measure(run: Run) -> list[tuple[str, list[float], int]]:
    folder = run.place("p6")
    folder.mkdir(parents=True)
    async with Many(folder) as many:
        began = time.monotonic()
        await many.start_operator()
        await many.until_all_run()
        start = time.monotonic() - began
        run.say(f"P6: all {CLUSTERS} clusters are Running after {start:.0f} s")
        before = await many.calls()
        used = many.cpu_seconds()
        await asyncio.sleep(QUIET_SECONDS)
        busy = (many.cpu_seconds() - used) / QUIET_SECONDS
        calls = (await many.calls() - before) / CLUSTERS / (QUIET_SECONDS / 60)
        run.say(f"P6: {calls:.2f} calls per cluster and minute, {busy:.2f} of a core")
        notice = [await many.change(number * CLUSTERS // CHANGES) for number in range(CHANGES)]
        memory = many.memory_mib()
    return [
        ("until all were seen to run, s", [start], 0),
        ("memory of the operator, MiB", [memory], 0),
        ("API calls per cluster and minute", [calls], 2),
        ("processor, share of one core", [busy], 2),
        ("notice a change, s", notice, 2),
    ]
