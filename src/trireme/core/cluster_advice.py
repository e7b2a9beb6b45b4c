"""What a person should do next about a cluster that is not healthy, most urgent first."""

from collections.abc import Iterator

from trireme.api.report import Phase, Room
from trireme.core.cluster_seen import Cluster, Member, Pod

SERVER_CONTAINER = "mariadb"
TERMINATING = "Terminating"
ENDED = ("CrashLoopBackOff", "Error", "OOMKilled")
ON_ITS_WAY = ("ContainerCreating", "PodInitializing", TERMINATING, "Running")


def advise(cluster: Cluster, kubectl: str) -> Iterator[str]:
    """Sentences with commands to copy. ``kubectl`` is how to call it."""
    if cluster.split:
        yield "Stop writing. Two Primaries must never be: keep all volumes, compare the data before you act."
        return
    if cluster.declared is not None and cluster.wanted is None and not cluster.members:
        yield f"What its operator says: `{kubectl} describe galera {cluster.name}`"
        return
    if cluster.size == 0 and not cluster.members:
        if cluster.declared is not None:
            yield f"It hibernates. Wake it: set hibernate: false, `{kubectl} edit galera {cluster.name}`"
        else:
            yield f"Start it: `{kubectl} scale statefulset {cluster.name} --replicas=3`"
        return
    if any(each.forbidden for each in cluster.members):
        yield "You may not ask its members: that takes the right to get pods/proxy in this namespace."
        return
    advice = [*_about_view(cluster, kubectl)]
    for member in cluster.members:
        advice += _about(member, cluster, kubectl)
    if advice and not cluster.primaries and any(each.phase == Phase.WAITING for each in cluster.answering):
        advice.append(f"What is waited for, and what you may do: `trireme explain {cluster.name}`")
    yield from advice or ["Nothing to do: members are on their way (`trireme status --watch`)."]


def _about_view(cluster: Cluster, kubectl: str) -> Iterator[str]:
    """Without a Primary, members of the latest view are waited for, even if they were scaled away since."""
    views = [each.view for each in cluster.answering if each.view is not None]
    if cluster.primaries or cluster.wanted is None or not views:
        return
    latest = max(views, key=lambda view: view.seqno)
    beyond = [ordinal for ordinal in latest.members if ordinal >= cluster.wanted]
    if beyond:
        names = ", ".join(f"{cluster.name}-{ordinal}" for ordinal in beyond)
        kind = "galera" if cluster.declared is not None else "statefulset"
        scale = f"{kubectl} scale {kind} {cluster.name} --replicas={max(beyond) + 1}"
        yield f"The latest view had {names} too, which may hold the newest data: `{scale}`"


def _about(member: Member, cluster: Cluster, kubectl: str) -> Iterator[str]:
    """Nothing for a member that is well, or on its way."""
    name, pod = member.name, member.pod
    if pod is None:
        yield f"{name} has no pod: `{kubectl} describe statefulset {cluster.name}` says why"
    elif member.phase == Phase.BLOCKED:
        yield f"{name} waits for a person, for the reason given: `trireme explain {cluster.name}` says what you may do"
    elif member.phase == Phase.UNRESPONSIVE:
        on = f", and at the disk of node {pod.node}" if pod.node else ""
        yield f"{name} runs and does nothing: if that lasts, look at `{kubectl} logs {name}`{on}"
    elif member.report is not None and member.report.disk is not None and member.report.disk.room is Room.LOW:
        yield from _about_room(name, cluster, kubectl)
    elif member.says_ready and not pod.ready:
        yield f"{name} is ready; if Kubernetes does not soon find it so: `{kubectl} describe pod {name}`"
    elif member.answer is None:
        yield from _about_silent(name, pod, kubectl)


def _about_room(name: str, cluster: Cluster, kubectl: str) -> Iterator[str]:
    look = f"{kubectl} exec {name} -c {SERVER_CONTAINER} -- du -xsh /var/lib/mysql"
    larger = (
        f"; or a larger storage.size: `{kubectl} edit galera {cluster.name}`"
        if cluster.declared is not None
        else ", or a larger volume"
    )
    yield f"{name} needs room on its volume: delete what does not belong there (`{look}`){larger}"


def _about_silent(name: str, pod: Pod, kubectl: str) -> Iterator[str]:
    if pod.running and not pod.started:
        return
    if pod.running and pod.state == TERMINATING and pod.node:
        yield (
            f"{name} is being deleted and does not answer: if node {pod.node} is lost (`{kubectl} get node "
            f"{pod.node}`), it comes back with the node; if the node is gone for good: `{kubectl} delete node {pod.node}`"
        )
    elif pod.running:
        on = f"`{kubectl} get node {pod.node}`, " if pod.node else ""
        yield f"{name} runs and does not answer: {on}`{kubectl} logs {name}`"
    elif pod.state in ENDED:
        container = f" -c {pod.container}" if pod.container else ""
        yield f"{name} ends by itself: `{kubectl} logs {name}{container} --previous`"
    elif pod.state not in ON_ITS_WAY:
        yield f"{name} does not start: `{kubectl} describe pod {name}`"
