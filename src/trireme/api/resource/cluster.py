"""The resource as a whole, read from what the API server says, with errors that name field, value, expectation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, ValidationError

from trireme.api.names import GROUP
from trireme.api.resource.base import Model
from trireme.api.resource.rules import Rule, Transition
from trireme.api.resource.spec import GaleraClusterSpec
from trireme.api.resource.status import GaleraClusterStatus
from trireme.base.errors import PermanentError

VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "GaleraCluster"
PLURAL = "galeraclusters"
LONGEST_NAME = 52
"""A StatefulSet's pods carry its name and a hash in a label of 63 characters."""
OWN_SUFFIXES = ("-primary", "-secondary", "-internal", "-live", "-arbitrator")


class ObjectMeta(Model):
    """The part of an object's metadata that matters here."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(max_length=LONGEST_NAME, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class GaleraCluster(Model):
    """A MariaDB Galera cluster."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            field="metadata.name",
            cel="self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            message=(
                "metadata.name must begin with a letter, consist of a-z, 0-9 and -, and have at most 52 characters: "
                "Services and pods are named after it"
            ),
            holds=lambda _: True,  # said by ObjectMeta already
        ),
        Rule(
            field="metadata.name",
            cel="!self.metadata.name.matches('-(primary|secondary|internal|live|arbitrator)$')",
            message=(
                "metadata.name must not end in -primary, -secondary, -internal, -live or -arbitrator: objects of "
                "another cluster may have that name"
            ),
            holds=lambda self: not self.metadata.name.endswith(OWN_SUFFIXES),
        ),
    )
    transitions: ClassVar[tuple[Transition, ...]] = (
        Transition(
            field="spec.newCluster",
            cel=(
                "!self.spec.newCluster || oldSelf.spec.newCluster || !has(oldSelf.status) || "
                "!has(oldSelf.status.clusterUUID)"
            ),
            message="spec.newCluster cannot be set: this cluster has data (status.clusterUUID)",
            holds=lambda old, new: (
                not new.spec.new_cluster or old.spec.new_cluster or old.status.cluster_uuid is None
            ),
        ),
    )

    api_version: Literal["trireme.dev/v1alpha1"] = "trireme.dev/v1alpha1"
    kind: Literal["GaleraCluster"] = "GaleraCluster"
    metadata: ObjectMeta
    spec: GaleraClusterSpec
    status: GaleraClusterStatus = Field(default_factory=GaleraClusterStatus)

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def full_name(self) -> str:
        """``namespace/name``, as messages say it."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the field's path as in YAML, what was found there, what was expected."""

    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.field}: {self.expected}" + (f"; found {self.found}" if self.found else "")


class InvalidClusterError(PermanentError):
    """The resource is not what a GaleraCluster must be."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"GaleraCluster {name}: " + "; ".join(str(problem) for problem in problems))
        self.problems = problems


def read_cluster(value: Mapping[str, Any]) -> GaleraCluster:
    """The resource, from what the API server or a file says. Raises InvalidClusterError with every problem."""
    try:
        return GaleraCluster.model_validate(value)
    except ValidationError as error:
        metadata = value.get("metadata")
        named = metadata if isinstance(metadata, Mapping) else {}
        name = f"{named.get('namespace', 'default')}/{named.get('name', '?')}"
        raise InvalidClusterError(name, problems_of(error)) from error


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """What pydantic found, in the words of the resource's YAML."""
    return tuple(_problem(detail) for detail in error.errors(include_url=False))


def check_change(old: GaleraCluster, new: GaleraCluster) -> tuple[Problem, ...]:
    """What of this change is not allowed; the API server refuses the same."""
    return tuple(_forbidden(old, new, ""))


def _forbidden(old: Model, new: Model, path: str) -> list[Problem]:
    found = [
        Problem(f"{path}{rule.field}", "", rule.message)
        for rule in type(new).transitions
        if not rule.holds(old, new)
    ]
    for name, info in type(new).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Model) and isinstance(after, Model):
            found += _forbidden(before, after, f"{path}{info.alias or name}.")
    return found


def _problem(detail: Any) -> Problem:
    path = _path(detail["loc"])
    context = detail.get("ctx") or {}
    if detail["type"] == "rule":
        return Problem(f"{path}.{context['field']}".strip("."), "", context["message"])
    if detail["type"] == "missing":
        return Problem(path, "", "is required")
    if detail["type"] == "extra_forbidden":
        return Problem(path, "", "there is no such field")
    return Problem(path, _shown(detail["input"]), _expectation(detail["msg"]))


def _expectation(message: str) -> str:
    return "expected " + message.removeprefix("Input should be ").removeprefix("Value error, ")


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":
            text += f".{part}"
    return text.strip(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
