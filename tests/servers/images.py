"""The root file system that a member of the tests sees: this machine's, or that of another image."""

from pathlib import Path

from trireme.sandbox.node.image import INSTALLED, programs

PROGRAM = Path("/", INSTALLED, "bin", "trireme")
"""Where deploy/Containerfile puts it."""


def root(image: Path | None, home: Path) -> list[str]:
    """For bubblewrap. An image brings the server, Python and its libraries; Trireme itself is the one that is tested.

    ``home``: of the member, the only place that it may write to.
    """
    if image is None:
        return ["--dev-bind", "/", "/"]
    made = ["--ro-bind", str(image), "/", "--dev", "/dev", "--ro-bind", "/sys", "/sys"]
    made += ["--perms", "1777", "--tmpfs", "/tmp", "--bind", str(home), str(home)]
    return [*made, *(word for each in programs(image) for word in ("--ro-bind", each.source, each.target))]
