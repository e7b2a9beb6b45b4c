"""Rules of Services."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import Cause, duplicate, invalid_value, required
from trireme.sandbox.apiserver.rules.metadata import check_labels
from trireme.sandbox.apiserver.rules.names import label_problem, port_name_problem, port_problem
from trireme.sandbox.store.interface import Object


def check_service(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    ports = spec.get("ports") or ()
    if not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    yield from check_labels(spec.get("selector") or {}, "spec.selector")
    seen_names: set[str] = set()
    seen_ports: set[tuple[int, str]] = set()
    for number, port in enumerate(ports):
        path = f"spec.ports[{number}]"
        yield from _check_port(port, path, named=len(ports) > 1)
        name, place = port.get("name", ""), (port["port"], port["protocol"])
        if name and name in seen_names:
            yield duplicate(f"{path}.name", name)
        if place in seen_ports:
            yield duplicate(path, {"port": place[0], "protocol": place[1]})
        seen_names.add(name)
        seen_ports.add(place)


def check_service_update(new: Object, old: Object) -> Iterator[Cause]:
    before, after = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if before and after != before:
        yield invalid_value("spec.clusterIPs[0]", [after], "may not change once set")


def _check_port(port: Object, path: str, *, named: bool) -> Iterator[Cause]:
    name = port.get("name", "")
    if not name and named:
        yield required(f"{path}.name")
    elif name and (problem := label_problem(name)):
        yield invalid_value(f"{path}.name", name, problem)
    if problem := port_problem(port["port"]):
        yield invalid_value(f"{path}.port", port["port"], problem)
    target = port.get("targetPort")
    problem = port_name_problem(target) if isinstance(target, str) else port_problem(target or 0)
    if problem:
        yield invalid_value(f"{path}.targetPort", target, problem)
