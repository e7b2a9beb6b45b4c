"""Makes what a container needs and starts it, or says why not in the words that Kubernetes uses."""

from collections.abc import Mapping
from pathlib import Path

from trireme.sandbox.controllers.objects import namespace_of
from trireme.sandbox.node import image
from trireme.sandbox.node.assembly import Volume, assemble, termination_path
from trireme.sandbox.node.context import Context, PodPaths
from trireme.sandbox.node.environment import ConfigError
from trireme.sandbox.node.etc import generated_files
from trireme.sandbox.node.runtime import Runtime
from trireme.sandbox.store.interface import Object


class NotLaunchedError(Exception):
    """The container cannot be made now. ``reason`` is what its state shows as waiting for."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def launch(
    context: Context,
    paths: PodPaths,
    pod: Object,
    container: Object,
    *,
    restarts: int,
    volumes: Mapping[str, Volume],
) -> Runtime:
    """Start ``container`` for the ``restarts``-th time. Raises NotLaunchedError, and StartError."""
    others = image.read_images(context.settings.images)
    wrong_image = image.refusal(container["image"], others)
    if wrong_image:
        raise NotLaunchedError("ErrImagePull", wrong_image)
    try:
        assembled = assemble(
            pod,
            container,
            settings=context.settings,
            references=context.references(namespace_of(pod)),
            volumes=volumes,
            generated=_generate(context, paths, pod, container),
            root=others.get(container["image"], image.HOST),
        )
    except ConfigError as error:
        raise NotLaunchedError("CreateContainerConfigError", str(error)) from error
    paths.forget_old_logs(container["name"], restarts)
    return await Runtime.start(assembled, paths.log(container["name"], restarts))


def container_spec(pod: Object, name: str) -> Object:
    spec = pod["spec"]
    everyone = [*(spec.get("initContainers") or ()), *spec["containers"]]
    return next(dict(found) for found in everyone if found["name"] == name)


def _generate(context: Context, paths: PodPaths, pod: Object, container: Object) -> dict[str, Path]:
    address = (pod.get("status") or {}).get("podIP", "")
    paths.generated.mkdir(parents=True, exist_ok=True)
    shown: dict[str, Path] = {}
    for target, content in generated_files(pod, address, context.settings).items():
        shown[target] = paths.generated / Path(target).name
        shown[target].write_text(content)
    message = paths.termination_message(container["name"])
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_bytes(b"")
    return {**shown, termination_path(container): message}
