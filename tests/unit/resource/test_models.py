"""What a GaleraCluster accepts, and how it says what is wrong."""

from typing import Any

import pytest

from trireme.api.resource import InvalidClusterError, amount, check_change, read_cluster, seconds

VALID: dict[str, Any] = {"storage": {"size": "10Gi"}}


def manifest(spec: dict[str, Any], name: str = "demo") -> dict[str, Any]:
    return {
        "apiVersion": "trireme.dev/v1alpha1",
        "kind": "GaleraCluster",
        "metadata": {"name": name, "namespace": "shop", "managedFields": [{"manager": "kubectl"}]},
        "spec": VALID | spec,
    }


def test_only_the_storage_must_be_said() -> None:
    cluster = read_cluster(manifest({}))
    assert (cluster.spec.replicas, cluster.spec.storage.size) == (3, "10Gi")
    assert cluster.full_name == "shop/demo"
    assert cluster.status.phase == "Unknown"


@pytest.mark.parametrize("name", ["lb", "service.k8s.aws/nlb", "example.org/Internal-VIP"])
def test_a_load_balancers_class_is_named_as_its_provider_names_it(name: str) -> None:
    service = {"type": "LoadBalancer", "loadBalancerClass": name}
    assert read_cluster(manifest({"service": service})).spec.service.load_balancer_class == name


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 2}, "spec.replicas: an even number of members"),
    ({"replicas": 0}, "spec.replicas: expected greater than or equal to 1; found 0"),
    ({"replicas": "3"}, "spec.replicas: expected a valid integer; found '3'"),
    ({"replica": 3}, "spec.replica: there is no such field"),
    ({"storage": {}}, "spec.storage.size: size is required"),
    ({"storage": {"size": "1Mi"}}, "spec.storage.size: size must be at least 128Mi"),
    ({"storage": {"ephemeral": True, "storageClassName": "fast"}}, "spec.storage.storageClassName: "),
    ({"recovery": {"after": "5x"}}, "spec.recovery.after: expected String should match"),
    ({"recovery": {"after": "5s"}}, "spec.recovery.after: after must be from 1m to 168h"),
    ({"updateStrategy": {"type": "Now"}}, "expected 'RollingUpdate', 'OnDelete' or 'Never'; found 'Now'"),
    ({"resources": {"limits": {"memory": "64Mi"}}}, "spec.resources.limits: limits.memory must be at least"),
    ({"tolerations": [{}]}, "spec.tolerations[0].operator: operator must be Exists where no key is given"),
    (
        {"tolerations": [{"operator": "Exists", "value": "a"}]},
        "spec.tolerations[0].value: value has a meaning with operator Equal only",
    ),
    (
        {"tolerations": [{"key": "a", "tolerationSeconds": 1}]},
        "spec.tolerations[0].tolerationSeconds: tolerationSeconds has a meaning with effect NoExecute only",
    ),
    ({"tolerations": [{"key": "a b"}]}, "spec.tolerations[0].key: expected String should match"),
    ({"username": "root"}, "spec.username: username must not be root"),
    ({"username": "trireme_sst"}, "spec.username: username must not be root"),
    ({"database": "Information_Schema"}, "spec.database: database must not be one of mysql"),
    ({"database": "sys"}, "spec.database: database must not be one of mysql"),
    ({"env": [{"name": "TRIREME_MEMBERS"}]}, "spec.env: environment variables named TRIREME_"),
    ({"volumes": [{"name": "data"}]}, "spec.volumes: the volumes data, run"),
    ({"volumeMounts": [{"name": "x", "mountPath": "/var/lib/mysql/x"}]}, "spec.volumeMounts: nothing can be"),
    ({"sidecarContainers": [{"name": "mariadb"}]}, "spec.sidecarContainers: the containers mariadb"),
    ({"primary": {"podIndex": 3}}, "spec.primary: primary.podIndex must be the ordinal of a member"),
    ({"replicas": 5, "podDisruptionBudget": {"maxUnavailable": 3}}, "must be less than half of replicas"),
    ({"podDisruptionBudget": {"minAvailable": 1}}, "must be more than half of replicas"),
    ({"podDisruptionBudget": {"minAvailable": 2, "maxUnavailable": 1}}, "minAvailable or maxUnavailable"),
    ({"podSecurityContext": {"runAsUser": 0}}, "spec.podSecurityContext.runAsUser: expected greater than"),
    ({"podMetadata": {"labels": {"trireme.dev/role": "primary"}}}, "spec.podMetadata.labels: the labels"),
    (
        {"podMetadata": {"annotations": {"trireme.dev/x": "y"}}},
        "spec.podMetadata.annotations: the annotations",
    ),
    (
        {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "500m"}}},
        "spec.resources.requests: requests must",
    ),
    (
        {"service": {"ports": [{"name": "mysql", "port": 1, "targetPort": 1}]}},
        "spec.service.ports: ports must",
    ),
    (
        {"service": {"ports": [{"name": "x", "port": 3306, "targetPort": 1}]}},
        "spec.service.ports: ports must",
    ),
    ({"inheritMetadata": {"labels": {"team": "no spaces"}}}, "spec.inheritMetadata.labels.team: expected"),
    ({"initContainers": [{"name": "secret"}]}, "spec.initContainers: the containers mariadb"),
    ({"service": {"nodePort": 30306}}, "spec.service.nodePort: nodePort needs type NodePort"),
    ({"livenessProbe": {"failureThreshold": 1}}, "to be slow is not to be dead"),
    ({"galera": {"providerOptions": {"gcache.size": "1G;pc.ignore_sb=1"}}}, "providerOptions.gcache.size"),
]


@pytest.mark.parametrize(("spec", "said"), INVALID, ids=lambda value: str(value)[:60])
def test_errors_name_the_field_and_what_was_expected(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidClusterError, match=r"^GaleraCluster shop/demo: ") as caught:
        read_cluster(manifest(spec))
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["Demo", "1st", "a.b", "demo-", "d" * 53, "demo-primary", "demo-live"])
def test_names_that_services_and_pods_cannot_have(name: str) -> None:
    with pytest.raises(InvalidClusterError, match=r"metadata\.name"):
        read_cluster(manifest({}, name))


def test_an_even_number_needs_a_third_vote_or_a_word() -> None:
    assert read_cluster(manifest({"replicas": 2, "arbitrator": {"enabled": True}}))
    assert read_cluster(manifest({"replicas": 4, "replicasAllowEvenNumber": True}))


FORBIDDEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"storage": {"size": "9Gi"}}, "spec.storage.size: size cannot shrink"),
    ({}, {"storage": {"size": "10Gi", "storageClassName": "fast"}}, "spec.storage.storageClassName: "),
    ({}, {"storage": {"size": "10Gi", "ephemeral": True}}, "spec.storage.ephemeral: "),
    ({}, {"username": "other"}, "spec.username: username cannot be changed"),
    ({}, {"database": ""}, "spec.database: database cannot be changed"),
]


@pytest.mark.parametrize(("before", "after", "said"), FORBIDDEN, ids=lambda value: str(value)[:60])
def test_what_cannot_be_changed(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    problems = check_change(read_cluster(manifest(before)), read_cluster(manifest(after)))
    assert any(str(problem).startswith(said) for problem in problems), problems


def test_what_can_be_changed() -> None:
    grown = {"storage": {"size": "10240Mi"}, "replicas": 5, "suspend": True}
    assert check_change(read_cluster(manifest({})), read_cluster(manifest(grown))) == ()


def test_a_cluster_with_data_is_no_new_cluster() -> None:
    formed = manifest({}) | {"status": {"clusterUUID": "6c63b4ea-1c1c-11f0-9f6a-0242ac110002"}}
    problems = check_change(
        read_cluster(formed), read_cluster(formed | {"spec": VALID | {"newCluster": True}})
    )
    assert [problem.field for problem in problems] == ["spec.newCluster"]


def test_what_a_newer_operator_wrote_is_read() -> None:
    cluster = read_cluster(manifest({}) | {"status": {"phase": "Running", "somethingNew": {"a": 1}}})
    assert cluster.status.phase == "Running"


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1.5Ki", 1536), ("3G", 3e9)]
)
def test_amounts(text: str, number: float) -> None:
    assert amount(text) == number


@pytest.mark.parametrize(("text", "number"), [("90s", 90), ("1h30m", 5400), ("10m", 600)])
def test_durations(text: str, number: int) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize("text", ["", "1Q", "-1Gi", "1e3"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount(text)


@pytest.mark.parametrize("text", ["", "5", "1d", "1m1h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
