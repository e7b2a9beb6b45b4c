"""Loads the field descriptions of the built-in kinds."""

from functools import cache
from importlib.resources import files

import yaml

from trireme.sandbox.apiserver.schema.language import parse_field
from trireme.sandbox.apiserver.schema.types import Struct

SHARED = ("meta", "pod", "core")
"""Where a type is looked up after the file that names it."""

Declarations = dict[str, dict[str, str]]


class Catalogue:
    """Types by file and name. Structs are made once, so that types may refer to each other in any order."""

    def __init__(self, declarations: dict[str, Declarations]) -> None:
        self._declarations = declarations
        self._structs: dict[tuple[str, str], Struct] = {}

    def struct(self, file: str, name: str) -> Struct:
        """Raises KeyError when neither ``file`` nor a shared one declares ``name``."""
        home = next(place for place in (file, *SHARED) if name in self._declarations[place])
        if (home, name) not in self._structs:
            rows = dict(self._declarations[home][name])
            refused = frozenset(rows.pop("(refused)", "").split())
            struct = Struct(name, {}, refused, atomic=bool(rows.pop("(atomic)", False)), home=home)
            self._structs[home, name] = struct
            for row, text in rows.items():
                struct.fields[row] = parse_field(text, lambda word: self.struct(home, word))
        return self._structs[home, name]


@cache
def builtin() -> Catalogue:
    """The catalogue of the files beside this package. Read once: about 0.1 s."""
    folder = files("trireme.sandbox.apiserver") / "fields"
    texts = {
        entry.name: entry.read_text()
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml") and entry.name != "protobuf.yaml"
    }
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Catalogue(
        {name.removesuffix(".yaml"): yaml.load(text, loader) for name, text in texts.items()}  # noqa: S506 - safe
    )
