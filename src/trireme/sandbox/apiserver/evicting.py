"""pods/eviction: a deletion that a PodDisruptionBudget can refuse, as ``kubectl drain`` does it."""

from aiohttp import web

from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.deleting import DeleteOptions, delete_one, read_delete_options
from trireme.sandbox.apiserver.errors import ApiError
from trireme.sandbox.apiserver.selectors import from_label_selector, selects
from trireme.sandbox.apiserver.tables.cells import dig
from trireme.sandbox.store.interface import Key, Object
from trireme.sandbox.store.memory import MemoryStore

POLICY = "policy"
BUDGETS = "poddisruptionbudgets"
FINISHED = ("Succeeded", "Failed")


async def evict(call: Call) -> web.StreamResponse:
    """Raises ApiError: 429 when a budget has no disruption left, 500 when two budgets cover the pod."""
    body = await call.body() or {}
    options = read_delete_options(call.query, body.get("deleteOptions") or {})
    pod = call.existing()
    budget = None if _is_free_to_go(pod) else _budget_of(call.cluster.store, pod)
    if budget is not None and not _is_no_loss(pod, budget):
        _spend(call, pod, budget, options)
    delete_one(call, pod, options)
    answer = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return json_response(answer, code=201)


def _budget_of(store: MemoryStore, pod: Object) -> Object | None:
    """Raises ApiError when there are two."""
    budgets = [
        budget
        for budget in store.list(POLICY, BUDGETS, pod["metadata"]["namespace"])
        if selects(from_label_selector(dig(budget, "spec.selector")), pod)
    ]
    if len(budgets) > 1:
        message = (
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
        raise ApiError(500, "InternalError", message)
    return budgets[0] if budgets else None


def _is_free_to_go(pod: Object) -> bool:
    """What is finished, not yet running or on its way disrupts nobody."""
    phase = dig(pod, "status.phase")
    return phase in FINISHED or phase == "Pending" or "deletionTimestamp" in pod["metadata"]


def _is_no_loss(pod: Object, budget: Object) -> bool:
    """A pod that is not ready serves nobody: it goes when enough others do, or always if the budget says so."""
    conditions = dig(pod, "status.conditions", [])
    if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        return False
    if dig(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    desired = dig(budget, "status.desiredHealthy", 0)
    return bool(0 < desired <= dig(budget, "status.currentHealthy", 0))


def _spend(call: Call, pod: Object, budget: Object, options: DeleteOptions) -> None:
    """Raises ApiError when nothing is left to spend."""
    left = dig(budget, "status.disruptionsAllowed", 0)
    observed = dig(budget, "status.observedGeneration", 0)
    if observed < dig(budget, "metadata.generation", 1) or left <= 0:
        raise _too_many(budget)
    if options.dry_run:
        return
    name, now = pod["metadata"]["name"], call.cluster.now()

    def spend(changed: Object) -> None:
        changed["status"]["disruptionsAllowed"] = left - 1
        changed["status"].setdefault("disruptedPods", {})[name] = now

    key = Key(POLICY, BUDGETS, budget["metadata"]["namespace"], budget["metadata"]["name"])
    call.cluster.store.mutate(key, spend)


def _too_many(budget: Object) -> ApiError:
    name = budget["metadata"]["name"]
    wanted, healthy = dig(budget, "status.desiredHealthy", 0), dig(budget, "status.currentHealthy", 0)
    cause = {
        "reason": "DisruptionBudget",
        "message": f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently",
    }
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return ApiError(429, "TooManyRequests", message, details={"causes": [cause]})
