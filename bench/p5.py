"""P5: writing in the steady state, through the primary address and to the server itself."""

import threading
import time
from functools import partial

from bench.load import JOIN_SECONDS, Access
from bench.product import Sandbox
from bench.run import Result, Row, Run, Table
from bench.series import Series, ratio

TITLE = "P5: writing in the steady state"
WHAT = """\
Single-row inserts, each its own transaction on three members, by one and by four clients that do not pause, through
the primary Service's address and, in turn, directly at the writer's. On the sandbox that address is a proxy in one
Python process: it is not part of the product, and this row says only what it takes from the other figures here. In
Kubernetes the same Service is a rule in the kernel."""

BURST_SECONDS = 3.0
CLIENTS = (1, 4)


def measure(run: Run) -> Result:
    through: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    direct: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    with Sandbox(run.place("p5")) as sandbox:
        sandbox.form()
        password = sandbox.password()
        service = Access(partial(sandbox.service, "demo-primary"), "app", password)
        server = Access(lambda: sandbox.addresses()[sandbox.writer()], "app", password)
        with server.connect(JOIN_SECONDS) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE app.burst (id BIGINT AUTO_INCREMENT PRIMARY KEY, at DOUBLE)")
        for number in run.repeat():
            for clients in CLIENTS:
                through[clients].append(_rate(service, clients))
                direct[clients].append(_rate(server, clients))
            rates = ", ".join(f"{n}: {through[n][-1]:.0f} and {direct[n][-1]:.0f}/s" for n in CLIENTS)
            run.say(f"P5 round {number + 1}: clients: through the Service and directly: {rates}")
    rows = []
    for clients in CLIENTS:
        mine, floor = Series.of(through[clients]), Series.of(direct[clients])
        rows.append(Row(f"commits per second, clients: {clients}", mine, floor, ratio(mine, floor), digits=0))
    return Result(TITLE, WHAT, (Table("through the Service", "directly", tuple(rows)),))


def _rate(access: Access, clients: int) -> float:
    """Acknowledged commits per second of all clients together."""
    counts = [0] * clients
    ready = threading.Barrier(clients + 1)

    def write(client: int) -> None:
        with access.connect(JOIN_SECONDS) as connection, connection.cursor() as cursor:
            ready.wait(JOIN_SECONDS)
            end = time.monotonic() + BURST_SECONDS
            while time.monotonic() < end:
                cursor.execute("INSERT INTO app.burst (at) VALUES (%s)", (time.time(),))
                counts[client] += 1

    threads = [threading.Thread(target=write, args=(client,), daemon=True) for client in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait(JOIN_SECONDS)
    for thread in threads:
        thread.join(BURST_SECONDS + JOIN_SECONDS)
    return sum(counts) / BURST_SECONDS
