"""Rules of a pod's tolerations."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import Cause, invalid_value
from trireme.sandbox.apiserver.rules.names import label_value_problem, qualified_name_problem
from trireme.sandbox.store.interface import Object

WHOLE = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'


def check_toleration(toleration: Object, path: str) -> Iterator[Cause]:
    """In Kubernetes' words."""
    key, value = toleration.get("key", ""), toleration.get("value", "")
    operator, effect = toleration.get("operator", ""), toleration.get("effect", "")
    if key and (problem := qualified_name_problem(key)):
        yield invalid_value(f"{path}.key", key, problem)
    if not key and operator != "Exists":
        yield invalid_value(f"{path}.operator", operator, WHOLE)
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        yield invalid_value(
            f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"
        )
    if operator == "Exists" and value:
        yield invalid_value(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    if operator in ("", "Equal") and (problem := label_value_problem(value)):
        yield invalid_value(f"{path}.operator", value, problem)
