"""Arguments that several commands share, and what they lead to."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.cluster_reader import read_clusters
from trireme.adapters.kubeconfig import Access, config_files, find_access, load
from trireme.base.errors import PermanentError, TriremeError
from trireme.core.cluster_seen import Cluster, Member


def _complete_context(incomplete: str) -> list[str]:
    try:
        config = load(config_files(os.environ, None))
    except TriremeError:
        return []
    return [name for name in (config.contexts if config else ()) if name.startswith(incomplete)]


ClusterName = Annotated[
    str | None,
    typer.Argument(metavar="CLUSTER", help="The cluster's name. Default: the only one in the namespace."),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Default: that of the kubeconfig's context."),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context", metavar="NAME", help="A context of the kubeconfig.", autocompletion=_complete_context
    ),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", metavar="FILE", help="Default: KUBECONFIG, then ~/.kube/config."),
]


def access_for(namespace: str | None, context: str | None, kubeconfig: Path | None) -> Access:
    return find_access(os.environ, file=kubeconfig, context=context, namespace=namespace)


def kubectl_for(context: str | None, kubeconfig: Path | None) -> str:
    """How a person would call kubectl for the same Kubernetes."""
    words = ["kubectl"]
    if kubeconfig is not None:
        words += ["--kubeconfig", str(kubeconfig)]
    if context is not None:
        words += ["--context", context]
    return shlex.join(words)


async def the_cluster(api: ClusterApi, namespace: str, name: str | None) -> Cluster:
    """The cluster called ``name``, or the only one. PermanentError says which there are."""
    found = await read_clusters(api, namespace, name)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.name for each in found)
        raise PermanentError(f"namespace {namespace} has several clusters, name one: {names}")
    raise PermanentError(await missing(api, namespace, name))


def the_member(cluster: Cluster, name: str) -> Member:
    """The member of that ordinal or pod's name. PermanentError says which there are."""
    found = next((each for each in cluster.members if name in (str(each.ordinal), each.name)), None)
    if found is None:
        names = ", ".join(each.name for each in cluster.members)
        raise PermanentError(f"{cluster.name} has no member {name}. It has: {names}")
    return found


async def missing(api: ClusterApi, namespace: str | None, name: str | None) -> str:
    """What to say where no cluster was found. ``namespace`` None means all of them."""
    if namespace is None:
        return f"there is no cluster{f' {name}' if name else ''} in any namespace"
    if name is None:
        return f"there is no cluster in namespace {namespace}: `trireme status -A` looks in all of them"
    others = ", ".join(each.name for each in await read_clusters(api, namespace)) or "none"
    return f"there is no cluster {name} in namespace {namespace}. There is: {others}"
