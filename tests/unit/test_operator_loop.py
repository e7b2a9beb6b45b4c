"""In which turn the operator's loop does what was decided."""

from trireme.core.reconcile.actions import Apply, ClusterPhase, Decision
from trireme.operator.loop import quiet_actions


def apply(kind: str) -> Apply:
    return Apply({"kind": kind, "metadata": {"name": "demo"}}, "it is missing")


def test_an_account_is_there_before_the_pods_that_name_it() -> None:
    """Seen on a real Kubernetes: a Warning of the StatefulSet's controller, that the ServiceAccount was not found."""
    members, account, garbd = apply("StatefulSet"), apply("ServiceAccount"), apply("Deployment")
    decision = Decision(phase=ClusterPhase.FORMING, why="made", actions=(members, account, garbd))
    assert quiet_actions(decision) == ([account], [members, garbd])


def test_a_role_is_there_before_its_binding() -> None:
    """Seen on a real Kubernetes: side by side, the API server refused the binding, and an Event said so."""
    binding, role, service = apply("RoleBinding"), apply("Role"), apply("Service")
    decision = Decision(phase=ClusterPhase.FORMING, why="made", actions=(binding, role, service))
    assert quiet_actions(decision) == ([role, service], [binding])
