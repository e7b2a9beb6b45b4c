"""What the agent costs: memory, CPU and start-up, beside the smallest HTTP server in the same Python."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

from bench.network import free_net
from bench.product import MEMBERS, TRIREME, Sandbox
from bench.run import Result, Row, Run, Table
from bench.series import Series, ratio
from bench.waiting import wait_for

SETTLE_SECONDS = 60.0
IDLE_SECONDS = 60.0
SCRAPE_SECONDS = 15.0
ANSWER_SECONDS = 30.0
STARTS = 7
PORT = 8080

TITLE = "The agent's cost"
WHAT = f"""\
Memory of the three agents of an idle, Synced cluster after {SETTLE_SECONDS:.0f} s; their CPU time over the next
{IDLE_SECONDS:.0f} s, while the node asks `/readyz` each second and `/livez` each 10 s, and Prometheus' part is played
at `/metrics` each {SCRAPE_SECONDS:.0f} s. VmRSS counts pages that are shared with other processes in full, Pss by share.
Start: from exec to the first HTTP answer, with `mariadbd --version` in between. Floor of memory and start: the smallest
aiohttp server in the same Python, which does nothing."""

BARE = """
import sys
from aiohttp import web
async def answer(request):
    return web.Response(text="ok")
app = web.Application()
app.add_routes([web.get("/livez", answer)])
web.run_app(app, host=sys.argv[1], port=8080, print=None)
"""


def measure(run: Run) -> Result:
    start = _starts(run)
    with Sandbox(run.place("cost")) as sandbox:
        sandbox.form()
        run.say(f"the agents settle for {SETTLE_SECONDS:.0f} s")
        time.sleep(SETTLE_SECONDS)
        memory = _memory(sandbox)
        share = _idle(sandbox)
    run.say(
        f"VmRSS {memory[0].ours.text(1)} MiB, Pss {memory[1].ours.text(1)} MiB, {share.ours.text()} % of a core"
    )
    tables = (Table("agent", "bare aiohttp server", rows) for rows in (memory, (share,), (start,)))
    return Result(TITLE, WHAT, tuple(tables))


def _memory(sandbox: Sandbox) -> tuple[Row, Row]:
    """In MiB, of the three agents and of three bare servers."""
    net = free_net()
    commands = [[sys.executable, "-c", BARE, f"127.{net}.2.{10 + n}"] for n in range(MEMBERS)]
    bare = [_start(command, {}) for command in commands]
    try:
        for command in commands:
            wait_for(partial(_answers, command[-1]), "a bare server answers", ANSWER_SECONDS)
        pids = list(sandbox.agents().values()), [process.pid for process in bare]
        resident = [Series.of(_kib(pid, "status", "VmRSS") / 1024 for pid in group) for group in pids]
        shared = [Series.of(_kib(pid, "smaps_rollup", "Pss") / 1024 for pid in group) for group in pids]
    finally:
        for process in bare:
            _end(process)
    return _mib("VmRSS, MiB", *resident), _mib("Pss, MiB", *shared)


def _mib(name: str, ours: Series, floor: Series) -> Row:
    return Row(name, ours, floor, ratio(ours, floor), digits=1)


def _idle(sandbox: Sandbox) -> Row:
    """In percent of a core, probed and scraped."""
    agents, over = list(sandbox.agents().values()), threading.Event()
    scraper = threading.Thread(target=_scrape, args=(list(sandbox.addresses().values()), over), daemon=True)
    scraper.start()
    before, begun = [_cpu_seconds(pid) for pid in agents], time.monotonic()
    time.sleep(IDLE_SECONDS)
    spent = time.monotonic() - begun
    used = [_cpu_seconds(pid) - was for pid, was in zip(agents, before, strict=True)]
    over.set()
    scraper.join(ANSWER_SECONDS)
    return Row("CPU while idle, % of a core", Series.of(100 * seconds / spent for seconds in used))


def _starts(run: Run) -> Row:
    """Alternating."""
    agents, floors = [], []
    address = f"127.{free_net()}.2.10"
    for _ in range(STARTS):
        agents.append(_agent_start(run.place("start"), address))
        floors.append(_answer_time([sys.executable, "-c", BARE, address], {}, address))
    ours, floor = Series.of(agents), Series.of(floors)
    run.say(f"start: the agent {ours.text()} s, a bare aiohttp server {floor.text()} s")
    return Row("exec to first HTTP answer, seconds", ours, floor, ratio(ours, floor))


def _agent_start(home: Path, address: str) -> float:
    """One start on an empty volume of a cluster whose name service never answers: it serves all the same."""
    for folder in ("volume", "run", "tmp", "secret"):
        (home / folder).mkdir(parents=True)
    for key in ("root-password", "password", "token"):
        (home / "secret" / key).write_text("0123456789abcdef0123456789abcdef")
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(home / "tmp"),
        "TRIREME_CLUSTER": "demo",
        "TRIREME_MEMBERS": "3",
        "TRIREME_NAMESPACE": "default",
        "TRIREME_POD_NAME": "demo-0",
        "TRIREME_POD_IP": address,
        "TRIREME_SERVICE": "demo-internal",
        "TRIREME_DATA_ROOT": str(home / "volume"),
        "TRIREME_RUN_DIR": str(home / "run"),
        "TRIREME_SECRET_DIR": str(home / "secret"),
        "TRIREME_CONFIG_DIR": str(home / "config"),
        "TRIREME_NAMESERVERS": f"{address}:53",
    }
    try:
        return _answer_time([str(TRIREME), "agent"], environment, address)
    finally:
        shutil.rmtree(home)


def _answer_time(command: list[str], environment: dict[str, str], address: str) -> float:
    begun = time.monotonic()
    process = _start(command, environment)
    try:
        wait_for(lambda: _answers(address), f"{command[0]} answers", ANSWER_SECONDS, look=0.002)
        return time.monotonic() - begun
    finally:
        _end(process)


def _start(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(ANSWER_SECONDS)


def _answers(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((address, PORT)):
            return False
        probe.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        try:
            return probe.recv(8) == b"HTTP/1.0"
        except OSError:
            return False


def _scrape(addresses: list[str], over: threading.Event) -> None:
    while not over.is_set():
        for address in addresses:
            try:
                urllib.request.urlopen(f"http://{address}:{PORT}/metrics", timeout=5).read()
            except urllib.error.URLError:
                continue
        over.wait(SCRAPE_SECONDS)


def _kib(pid: int, file: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
    assert found is not None, f"/proc/{pid}/{file} has no {field}"
    return int(found[1])


def _cpu_seconds(pid: int) -> float:
    """Of the process and of its children that ended: user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
