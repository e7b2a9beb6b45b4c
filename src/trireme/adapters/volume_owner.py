"""Whose the data volume is, for people who have to mend it."""

import os
from pathlib import Path


def must_be_writable(path: Path) -> str:
    """What is wrong, and what to do, where ``path`` on the volume is not this process's to read and write."""
    return owned_by(_owner(path), os.geteuid())


def owned_by(owner: int | None, uid: int) -> str:
    """The same for ``uid``. The owner may be another: somebody changed runAsUser under data that is there, say."""
    said = f"uid {uid} must be able to write to the data volume"
    if owner in (None, uid):
        return f"{said}: set the pod's fsGroup, or mend the owner and mode of the volume's directory"
    again = f"run as uid {owner} as before, or " if owner else ""
    return (
        f"{said}, which is uid {owner}'s: {again}set the pod's fsGroup with fsGroupChangePolicy Always, or give the "
        f"volume to uid {uid}"
    )


def _owner(path: Path) -> int | None:
    """Of ``path``, or of the nearest one above that is there and can be seen."""
    for each in (path, *path.parents):
        try:
            return each.stat().st_uid
        except OSError:
            continue
    return None
