"""Rules of ConfigMaps and Secrets."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import Cause, duplicate, forbidden_field, invalid_value, required
from trireme.sandbox.apiserver.rules.names import config_key_problem
from trireme.sandbox.store.interface import Object

SIZE_LIMIT = 1024 * 1024
NEEDED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/basic-auth": (),
}


def check_config_map(obj: Object) -> Iterator[Cause]:
    yield from _check_data(obj, ("data", "binaryData"))
    for key in set(obj.get("data") or ()) & set(obj.get("binaryData") or ()):
        yield duplicate(f"data[{key}]", key)


def check_secret(obj: Object) -> Iterator[Cause]:
    yield from _check_data(obj, ("data",))
    for key in NEEDED_KEYS.get(obj.get("type", ""), ()):
        if key not in (obj.get("data") or ()):
            yield required(f"data[{key}]")


def check_data_update(new: Object, old: Object) -> Iterator[Cause]:
    if old.get("immutable"):
        if not new.get("immutable"):
            yield forbidden_field("immutable", "field is immutable when `immutable` is set")
        for field in ("data", "binaryData"):
            if new.get(field) != old.get(field):
                yield forbidden_field(field, "field is immutable when `immutable` is set")
    if new.get("type") != old.get("type"):
        yield invalid_value("type", new.get("type"), "field is immutable")


def _check_data(obj: Object, fields: tuple[str, ...]) -> Iterator[Cause]:
    size = 0
    for field in fields:
        for key, value in (obj.get(field) or {}).items():
            size += len(value)
            if problem := config_key_problem(key):
                yield invalid_value(f"{field}[{key}]", key, problem)
    if size > SIZE_LIMIT * 4 // 3:
        yield Cause("", "FieldValueTooLong", f"Too long: may not be more than {SIZE_LIMIT} bytes")
