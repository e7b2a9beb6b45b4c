"""Pod Security Standards: what a pod does that its namespace's level forbids, in the words of Kubernetes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.store.interface import Object

SAFE_SECCOMP = ("RuntimeDefault", "Localhost")


@dataclass(frozen=True, slots=True)
class Part:
    """A container, or the pod itself, as a bearer of a security context."""

    name: str
    context: Object


def violations(level: str, spec: Object) -> list[str]:
    """Empty when the pod may run. The sandbox refuses most of what *baseline* forbids before it comes here."""
    if level != "restricted":
        return []
    containers = [
        Part(each.get("name", ""), each.get("securityContext") or {})
        for each in (*spec.get("initContainers", ()), *spec.get("containers", ()))
    ]
    return list(_restricted(spec.get("securityContext") or {}, containers))


def _restricted(pod: Object, containers: Sequence[Part]) -> Iterator[str]:
    escalating = [c.name for c in containers if c.context.get("allowPrivilegeEscalation") is not False]
    if escalating:
        yield (
            f"allowPrivilegeEscalation != false ({_named(escalating)} must set "
            "securityContext.allowPrivilegeEscalation=false)"
        )
    capable = [
        c.name for c in containers if "ALL" not in (c.context.get("capabilities") or {}).get("drop", ())
    ]
    if capable:
        yield (
            f"unrestricted capabilities ({_named(capable)} must set "
            'securityContext.capabilities.drop=["ALL"])'
        )
    yield from _non_root(pod, containers)
    yield from _seccomp(pod, containers)


def _non_root(pod: Object, containers: Sequence[Part]) -> Iterator[str]:
    said_false = [c.name for c in containers if c.context.get("runAsNonRoot") is False]
    if said_false:
        yield (f"runAsNonRoot != true ({_named(said_false)} must not set securityContext.runAsNonRoot=false)")
    elif pod.get("runAsNonRoot") is not True:
        silent = [c.name for c in containers if "runAsNonRoot" not in c.context]
        if silent:
            yield f"runAsNonRoot != true (pod or {_named(silent)} must set securityContext.runAsNonRoot=true)"
    if pod.get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    roots = [c.name for c in containers if c.context.get("runAsUser") == 0]
    if roots:
        yield f"runAsUser=0 ({_named(roots)} must not set runAsUser=0)"


def _seccomp(pod: Object, containers: Sequence[Part]) -> Iterator[str]:
    unset = [c.name for c in containers if not _profile(c.context)]
    bad = [c.name for c in containers if _profile(c.context) and _profile(c.context) not in SAFE_SECCOMP]
    if bad:
        yield (
            f"seccompProfile ({_named(bad)} must not set securityContext.seccompProfile.type to "
            f'"{_profile(next(c.context for c in containers if c.name == bad[0]))}")'
        )
    elif unset and _profile(pod) not in SAFE_SECCOMP:
        yield (
            f"seccompProfile (pod or {_named(unset)} must set securityContext.seccompProfile.type to "
            '"RuntimeDefault" or "Localhost")'
        )


def _profile(context: Object) -> Any:
    return (context.get("seccompProfile") or {}).get("type")


def _named(names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"container {quoted}" if len(names) == 1 else f"containers {quoted}"
