"""The claims of a StatefulSet: one per template and ordinal, and who deletes them. Pure."""

import copy
from collections.abc import Mapping, Sequence

from trireme.sandbox.controllers.objects import name_of, namespace_of, uid_of
from trireme.sandbox.controllers.writes import Replace, Write
from trireme.sandbox.store.interface import Object


def claims_of(workload: Object, ordinal: int) -> dict[str, Object]:
    """The claims that the pod of this ordinal needs, by the name of their template."""
    labels = workload["spec"]["selector"].get("matchLabels") or {}
    claims = {}
    for template in workload["spec"].get("volumeClaimTemplates") or ():
        claim = copy.deepcopy(template)
        metadata = claim.get("metadata") or {}
        claims[metadata["name"]] = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": f"{metadata['name']}-{name_of(workload)}-{ordinal}",
                "namespace": namespace_of(workload),
                "labels": {**(metadata.get("labels") or {}), **labels},
                **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
            },
            "spec": claim["spec"],
            "status": {"phase": "Pending"},
        }
    return claims


def mount_claims(pod: Object, workload: Object, ordinal: int) -> None:
    """Put the ordinal's claims into the new pod's volumes, in place of any of the same name."""
    claims = claims_of(workload, ordinal)
    others = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in claims]
    pod["spec"]["volumes"] = [
        *(
            {"name": name, "persistentVolumeClaim": {"claimName": name_of(claim)}}
            for name, claim in claims.items()
        ),
        *others,
    ]


def retention(workload: Object, pods: Mapping[int, Object], claims: Sequence[Object]) -> list[Write]:
    """Owner references that make the garbage collector keep persistentVolumeClaimRetentionPolicy.

    ``whenDeleted: Delete``: the set owns its claims. ``whenScaled: Delete``: a condemned pod owns its own.
    """
    policy = workload["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    replicas = int(workload["spec"].get("replicas", 1))
    by_name = {name_of(claim): claim for claim in claims}
    writes: list[Write] = []
    for ordinal, pod in pods.items():
        owners = []
        if policy.get("whenDeleted") == "Delete":
            owners.append(_owner(workload))
        if policy.get("whenScaled") == "Delete" and ordinal >= replicas:
            owners.append(_owner(pod))
        for wanted in claims_of(workload, ordinal).values():
            claim = by_name.get(name_of(wanted))
            if claim is not None:
                writes += _own(claim, owners, {uid_of(workload), uid_of(pod)})
    return writes


def _owner(obj: Object) -> Object:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": name_of(obj),
        "uid": uid_of(obj),
    }


def _own(claim: Object, owners: Sequence[Object], managed: set[str]) -> list[Write]:
    """Make ``owners`` the only ones among ``managed``; references of others stay."""
    references = claim["metadata"].get("ownerReferences") or []
    kept = [reference for reference in references if reference["uid"] not in managed]
    wanted = [*kept, *owners]
    if {reference["uid"] for reference in references} == {reference["uid"] for reference in wanted}:
        return []
    changed = copy.deepcopy(claim)
    changed["metadata"]["ownerReferences"] = wanted
    return [Replace("", "persistentvolumeclaims", changed)]
