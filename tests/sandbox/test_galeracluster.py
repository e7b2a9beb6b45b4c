"""The generated definition in an API server, under kubectl: what a person applies, sees, scales, and is refused."""

import json
from pathlib import Path

import yaml

from tests.sandbox.api_support import Kubectl
from tests.unit.manifests.golden_files import EXAMPLES, OPTIONS, cluster_of
from trireme.api.resource import KIND
from trireme.manifests.cluster import FIELD_MANAGER, objects

ROOT = Path(__file__).parents[2]
CRD = ROOT / "deploy/operator/crd.yaml"


async def given(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", str(CRD))
    await kubectl("wait", "--for=condition=Established", "crd/galeraclusters.trireme.dev", "--timeout=10s")


async def spec_of(kubectl: Kubectl, name: str, path: str) -> str:
    return await kubectl("get", "galera", name, "-o", f"jsonpath={{.spec.{path}}}")


async def refusal(kubectl: Kubectl, name: str, spec: object) -> str:
    """What kubectl says of a change that is not taken."""
    run = await kubectl.run("patch", "galera", name, "--type=merge", "-p", json.dumps({"spec": spec}))
    assert run.code == 1, run.out
    return run.err


async def test_every_example_is_accepted(kubectl: Kubectl) -> None:
    await given(kubectl)
    for example in EXAMPLES:
        await kubectl("apply", "-f", str(example))
        assert "unchanged" in await kubectl("apply", "-f", str(example)), example.name
    listed = (await kubectl("get", "gc", "-o", "name")).split()
    kinds = [
        each for example in EXAMPLES for each in example.read_text().split("\n") if each == f"kind: {KIND}"
    ]
    assert len(kinds) == len(EXAMPLES) and len(listed) == len(EXAMPLES) - 1, (
        "cluster and minimal are both `demo`"
    )


async def test_what_a_person_sees(kubectl: Kubectl) -> None:
    await given(kubectl)
    await kubectl("apply", "-f", str(ROOT / "examples/minimal.yaml"))
    head = (await kubectl("get", "galera")).splitlines()[0]
    assert head.split() == ["NAME", "READY", "MEMBERS", "WRITER", "STATUS", "AGE"]
    head = (await kubectl("get", "galera", "-o", "wide")).splitlines()[0]
    assert head.split()[-2:] == ["VERSION", "WHY"]
    assert "kubectl scale" in " ".join((await kubectl("explain", "galera.spec.replicas")).split())
    assert await spec_of(kubectl, "demo", "updateStrategy.type") == "RollingUpdate"
    assert await spec_of(kubectl, "demo", "podDisruptionBudget.enabled") == "true"


async def test_scaling(kubectl: Kubectl) -> None:
    await given(kubectl)
    await kubectl("apply", "-f", str(ROOT / "examples/minimal.yaml"))
    await kubectl("scale", "galera", "demo", "--replicas=5")
    assert await spec_of(kubectl, "demo", "replicas") == "5"
    refused = await kubectl.run("scale", "galera", "demo", "--replicas=4")
    assert refused.code == 1
    assert "an even number of members stops serving when half of them are lost" in refused.err
    refused = await kubectl.run("scale", "galera", "demo", "--replicas=11")
    assert refused.code == 1
    assert "less than or equal to 9" in refused.err


async def test_what_is_refused_names_field_and_reason(kubectl: Kubectl) -> None:
    await given(kubectl)
    await kubectl("apply", "-f", str(ROOT / "examples/minimal.yaml"))
    shrunk = await refusal(kubectl, "demo", {"storage": {"size": "1Gi"}})
    assert "spec.storage.size" in shrunk and "a volume that holds data does not" in shrunk
    assert "spec.username" in await refusal(kubectl, "demo", {"username": "other"})
    assert "Unsupported value" in await refusal(kubectl, "demo", {"updateStrategy": {"type": "Now"}})
    typing_error = (ROOT / "examples/minimal.yaml").read_text() + "  replica: 3\n"
    run = await kubectl.run("apply", "-f", "-", stdin=typing_error)
    assert run.code == 1 and "unknown field" in run.err and "replica" in run.err


async def test_the_api_server_takes_every_object_of_every_example(kubectl: Kubectl) -> None:
    """By server-side apply, as the operator does; twice, because what is the same must not look like a change."""
    for example in EXAMPLES:
        made = objects(cluster_of(example), OPTIONS)
        for each in made:
            # The owner of the golden files does not exist here, and the garbage collector would take its objects.
            del each["metadata"]["ownerReferences"]
            # A load balancer is nothing that a sandbox has.
            if each["spec" if "spec" in each else "metadata"].pop("loadBalancerSourceRanges", None):
                each["spec"]["type"] = "ClusterIP"
        text = yaml.safe_dump_all(made, sort_keys=False)
        apply = ("apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "-f", "-")
        await kubectl(*apply, stdin=text)
        before = await versions(kubectl)
        await kubectl(*apply, stdin=text)
        assert await versions(kubectl) == before, example.name


async def versions(kubectl: Kubectl) -> dict[str, str]:
    """Of the objects' specs: what Kubernetes counts as a change."""
    kinds = "statefulsets,deployments,services,configmaps,poddisruptionbudgets,roles,rolebindings"
    found = json.loads(await kubectl("get", kinds, "-o", "json"))["items"]
    return {
        f"{each['kind']}/{each['metadata']['name']}": str(each["metadata"].get("generation", ""))
        + json.dumps({key: value for key, value in each.items() if key not in ("metadata", "status")})
        for each in found
    }
