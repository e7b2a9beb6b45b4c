"""Which container of a pod a request means."""

from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.store.interface import Object

DEFAULT_ANNOTATION = "kubectl.kubernetes.io/default-container"


def chosen_container(pod: Object, asked: str | None) -> str:
    """The one asked for, else the only or annotated one. Raises ApiError (400)."""
    name = pod["metadata"]["name"]
    spec = pod["spec"]
    containers = [each["name"] for each in spec["containers"]]
    init_containers = [each["name"] for each in spec.get("initContainers", ())]
    if asked:
        if asked not in (*containers, *init_containers):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    annotated = (pod["metadata"].get("annotations") or {}).get(DEFAULT_ANNOTATION)
    if annotated in containers:
        return str(annotated)
    if len(containers) == 1:
        return str(containers[0])
    choices = f"choose one of: [{' '.join(containers)}]"
    if init_containers:
        choices += f" or one of the init containers: [{' '.join(init_containers)}]"
    raise bad_request(f"a container name must be specified for pod {name}, {choices}")
