"""Rules of StatefulSets, Deployments, ReplicaSets, Jobs and disruption budgets."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    required,
    unsupported_value,
)
from trireme.sandbox.apiserver.rules.metadata import check_labels, check_selector
from trireme.sandbox.apiserver.rules.pods import check_pod_spec
from trireme.sandbox.apiserver.rules.storage import check_claim_spec
from trireme.sandbox.apiserver.selectors import from_label_selector, selects
from trireme.sandbox.store.interface import Object

STATEFUL_SET_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
STATEFUL_SET_UPDATE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
NEGATIVE = "must be greater than or equal to 0"


def check_stateful_set(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    yield from _check_counts(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
    yield from _check_selected_template(spec, "statefulset")
    for number, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        yield from check_claim_spec(claim.get("spec", {}), f"spec.volumeClaimTemplates[{number}].spec")
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for field, value in policy.items():
        if value not in ("Retain", "Delete"):
            path = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
            yield unsupported_value(path, value, ("Retain", "Delete"))


def check_stateful_set_update(new: Object, old: Object) -> Iterator[Cause]:
    before, after = (
        {field: value for field, value in each["spec"].items() if field not in STATEFUL_SET_MUTABLE}
        for each in (old, new)
    )
    if before != after:
        yield forbidden_field("spec", STATEFUL_SET_UPDATE)


def check_deployment(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    yield from _check_counts(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
    yield from _check_selected_template(spec, "deployment")
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate" and "rollingUpdate" in strategy:
        detail = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden_field("spec.strategy.rollingUpdate", detail)


def check_replica_set(obj: Object) -> Iterator[Cause]:
    yield from _check_counts(obj["spec"], ("replicas", "minReadySeconds"))
    yield from _check_selected_template(obj["spec"], "deployment")


def check_selector_update(new: Object, old: Object) -> Iterator[Cause]:
    if new["spec"].get("selector") != old["spec"].get("selector"):
        yield invalid_value("spec.selector", new["spec"].get("selector"), "field is immutable")


def check_job(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    counts = (
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    )
    yield from _check_counts(spec, counts)
    template = spec.get("template") or {}
    if "spec" not in template:
        yield required("spec.template.spec")
        return
    policy = template["spec"].get("restartPolicy")
    if policy not in ("OnFailure", "Never"):
        yield required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    yield from check_pod_spec(template["spec"], "spec.template.spec")


def check_job_update(new: Object, old: Object) -> Iterator[Cause]:
    for field in ("completions", "selector", "template", "completionMode"):
        suspended = field == "template" and old["spec"].get("suspend")
        if new["spec"].get(field) != old["spec"].get(field) and not suspended:
            yield invalid_value(f"spec.{field}", new["spec"].get(field), "field is immutable")


def check_disruption_budget(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        given = {key: spec[key] for key in ("minAvailable", "maxUnavailable")}
        yield invalid_value("spec", given, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        value = spec.get(field)
        if isinstance(value, int) and value < 0:
            yield invalid_value(f"spec.{field}", value, NEGATIVE)
        if isinstance(value, str) and not (value.endswith("%") and value[:-1].isdigit()):
            detail = "a valid percent string must be a numeric string followed by an ending '%'"
            yield invalid_value(f"spec.{field}", value, detail)
    yield from check_selector(spec.get("selector") or {}, "spec.selector")


def _check_counts(spec: Object, fields: tuple[str, ...]) -> Iterator[Cause]:
    for field in fields:
        if spec.get(field, 0) < 0:
            yield invalid_value(f"spec.{field}", spec[field], NEGATIVE)


def _check_selected_template(spec: Object, what: str) -> Iterator[Cause]:
    selector, template = spec["selector"], spec.get("template") or {}
    yield from check_selector(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value("spec.selector", selector, f"empty selector is invalid for {what}")
    labels = (template.get("metadata") or {}).get("labels") or {}
    yield from check_labels(labels, "spec.template.metadata.labels")
    if not selects(from_label_selector(selector), template):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", labels, detail)
    if "spec" not in template:
        yield required("spec.template.spec.containers")
        return
    policy = template["spec"].get("restartPolicy")
    if policy != "Always":
        yield unsupported_value("spec.template.spec.restartPolicy", policy, ("Always",))
    claims = [
        (claim.get("metadata") or {}).get("name", "") for claim in spec.get("volumeClaimTemplates") or ()
    ]
    yield from check_pod_spec(template["spec"], "spec.template.spec", claims)
