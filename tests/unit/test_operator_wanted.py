"""What the operator makes of a resource and of what its status said before."""

from typing import Any

from trireme.manifests.cluster import Options
from trireme.operator.wanted import Plan, plan

OWN = "operators-own:1"


def planned(*, image: str | None = None, before: str | None = None) -> Plan:
    found: dict[str, Any] = {
        "apiVersion": "trireme.dev/v1alpha1",
        "kind": "GaleraCluster",
        "metadata": {"name": "demo", "namespace": "default", "uid": "u", "generation": 1},
        "spec": {"storage": {"size": "1Gi"}, **({"image": image} if image else {})},
        "status": {"image": before} if before else {},
    }
    return plan(found, Options(image=OWN), None)


def test_a_cluster_that_names_no_image_keeps_the_operators_of_its_first_day() -> None:
    assert (planned().image, planned().told.image) == (OWN, OWN)
    assert planned(before="older:1").image == "older:1"


def test_a_named_image_is_not_kept_before_it_ran() -> None:
    tried = planned(image="no-such:1", before="older:1")
    assert (tried.image, tried.told.image) == ("no-such:1", "older:1")
    assert planned(before=tried.told.image).image == "older:1"


def test_a_named_image_that_never_ran_leaves_the_operators_own() -> None:
    tried = planned(image="no-such:1")
    assert tried.told.image is None
    assert planned(before=tried.told.image).image == OWN


def test_a_word_that_the_resource_was_made_with_rebuilds_nothing() -> None:
    """A resource that is made again, from git or a backup, still has the word of its last rebuild."""
    found: dict[str, Any] = {
        "apiVersion": "trireme.dev/v1alpha1",
        "kind": "GaleraCluster",
        "metadata": {"name": "demo", "namespace": "default", "uid": "u", "generation": 1},
        "spec": {"storage": {"size": "1Gi"}, "rebuild": {"podIndex": 2, "request": "monday"}},
    }
    first = plan(found, Options(image=OWN), None)
    assert first.wanted.rebuild_seen is not None
    assert (first.wanted.rebuild_seen.request, first.wanted.rebuild_seen.phase) == ("monday", "Done")
    assert first.told.rebuild is not None
    later = plan({**found, "status": {"observedGeneration": 1}}, Options(image=OWN), None)
    assert later.wanted.rebuild_seen is None, "the word came while the resource lived"


def test_a_refusal_begins_with_the_field() -> None:
    """It stands in the resource's own conditions, and in one line of `trireme status`."""
    found: dict[str, Any] = {
        "metadata": {"name": "demo", "namespace": "default", "uid": "u", "generation": 1},
        "spec": {"storage": {"size": "1Gi"}, "myCnf": "[mariadb]\nwsrep_on=OFF\n"},
    }
    refusal = plan(found, Options(image=OWN), None).wanted.refusal
    assert refusal is not None
    assert refusal.startswith("spec.myCnf: my.cnf line 2: wsrep_on is refused")
    assert (plan({**found, "spec": {}}, Options(image=OWN), None).wanted.refusal or "").startswith(
        "spec.storage"
    )
