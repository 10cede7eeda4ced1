"""The calls of modules in one forward pass of a live model, and the names that layers go by.

A layer is a module path: `layer4`, `features.6`. A module that is called several times means its
last call, `path#1` its first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cam_core.errors import LayerError

PASSES = (
    *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Identity", "Flatten", "Unflatten"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Reshape", "Permute"),
    *("Transpose", "GetItem"),
)
"""By torch's names and by Keras'."""


@dataclass(frozen=True)
class Call:
    """One call of a module in a forward pass."""

    path: str
    number: int
    """1 is the first call of this module."""
    kind: str
    """The module's class."""
    output: Any
    """Its (first) tensor, the framework's own."""
    shape: tuple[int, ...]
    view: bool = False
    """Does it only show another tensor's values in another shape or order?"""

    @property
    def passes(self) -> bool:
        """Whether it makes nothing of its own to look at."""
        return "Pool" in self.kind or self.kind in PASSES


def name_of(call: Call, calls: Sequence[Call]) -> str:
    """What the call's layer is called among all calls of the pass."""
    last = max(c.number for c in calls if c.path == call.path)
    return call.path if call.number == last else f"{call.path}#{call.number}"


def parse_name(name: str, paths: Collection[str], model: str) -> tuple[str, int | None]:
    """A layer's name as (module path, call), None being the last call.

    Raises:
        LayerError: the `model` has no such module; near names are suggested.
    """
    path, _, number = name.partition("#")
    if path in paths and (number.isdecimal() or not number):
        return path, int(number) if number else None
    near = get_close_matches(path, paths, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise LayerError(f"no module {name!r} in {model}{hint}")


def require_called(name: str, number: int | None, calls: int) -> int:
    """The number of the call that a layer's name means, of a module with so many calls.

    Raises:
        LayerError: there is no such call.
    """
    if not calls:
        raise LayerError(f"layer {name!r}: the module is not called in the forward pass")
    if number is not None and not 1 <= number <= calls:
        raise LayerError(f"layer {name!r}: the module is called {calls} times")
    return calls if number is None else number
