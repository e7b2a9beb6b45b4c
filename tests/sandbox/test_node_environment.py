"""Environment variables and quantities, as Kubernetes resolves them."""

import base64
from typing import Any

import pytest

from trireme.sandbox.node.environment import ConfigError, References, expand, resolve
from trireme.sandbox.node.resources import quantity
from trireme.sandbox.store.interface import Object

OBJECTS: dict[str, Object] = {
    "settings": {"data": {"MODE": "fast", "not a name": "x"}},
    "door": {"data": {"password": base64.b64encode(b"sesame").decode()}},
}
REFERENCES = References(OBJECTS.get, OBJECTS.get)
POD: Object = {
    "metadata": {
        "name": "db-0",
        "namespace": "default",
        "uid": "u-1",
        "labels": {"app": "db", "tier": "one"},
        "annotations": {"a/b": "c"},
    },
    "spec": {"nodeName": "sandbox", "serviceAccountName": "db", "containers": []},
    "status": {"podIP": "127.9.0.1", "hostIP": "127.9.0.9"},
}


def one(**entry: Any) -> str | None:
    """The value of one variable."""
    container = {"name": "main", "env": [{"name": "X", **entry}]}
    return resolve(POD, container, REFERENCES, {"HOME": "/"}).get("X")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "db-0"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['tier']", "one"),
        ("metadata.annotations['a/b']", "c"),
        ("spec.nodeName", "sandbox"),
        ("spec.serviceAccountName", "db"),
        ("status.podIP", "127.9.0.1"),
        ("status.hostIP", "127.9.0.9"),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert one(valueFrom={"fieldRef": {"fieldPath": path}}) == value


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ConfigError, match="hostNetwork"):
        one(valueFrom={"fieldRef": {"fieldPath": "spec.hostNetwork"}})


def test_keys_of_secrets_and_config_maps() -> None:
    assert one(valueFrom={"secretKeyRef": {"name": "door", "key": "password"}}) == "sesame"
    assert one(valueFrom={"configMapKeyRef": {"name": "settings", "key": "MODE"}}) == "fast"
    assert one(valueFrom={"secretKeyRef": {"name": "none", "key": "password", "optional": True}}) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "door", "key": "k"}}, "couldn't find key k in Secret default/door"),
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        (
            {"configMapKeyRef": {"name": "settings", "key": "k"}},
            "couldn't find key k in ConfigMap default/settings",
        ),
    ],
)
def test_what_is_missing_is_named(source: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        one(valueFrom=source)
    assert str(caught.value) == message


def test_limits_in_units_of_the_divisor() -> None:
    reference = {"resource": "limits.memory", "divisor": "1Mi"}
    container = {
        "name": "main",
        "resources": {"limits": {"memory": "1Gi", "cpu": "1500m"}},
        "env": [
            {"name": "MEMORY", "valueFrom": {"resourceFieldRef": reference}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
    }
    assert resolve(POD, container, REFERENCES, {}) == {"MEMORY": "1024", "CPU": "2"}


def test_whole_objects_with_a_prefix() -> None:
    container = {"name": "main", "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}]}
    assert resolve(POD, container, REFERENCES, {}) == {"P_MODE": "fast"}


def test_references_to_earlier_variables() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(HOME)-$(LATER)-$$(A)"}]
    assert resolve(POD, {"name": "main", "env": env}, REFERENCES, {"HOME": "/"})["B"] == "1-/-$(LATER)-$(A)"
    assert expand("cost: 5$ $(", {}) == "cost: 5$ $("


def test_quantities() -> None:
    assert [quantity(text) for text in ("500m", "1Ki", "2", "1.5Gi", "3M")] == [
        0.5,
        1024,
        2,
        1610612736,
        3_000_000,
    ]
    with pytest.raises(ValueError, match="1Foo"):
        quantity("1Foo")
