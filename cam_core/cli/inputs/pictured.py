"""Over which input the maps lie, and so which layer is looked at and which photo is painted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cam_core.backend import Backend


@dataclass(frozen=True)
class Aim:
    """Where to look."""

    layer: str | None
    """As it was asked for, or that of the input that can be seen; None: the default."""
    input: str = ""
    """Whose places the maps have; '' where the model has one input, or nobody knows."""
    shown: bool = True
    """Is there something to paint them over?"""
    others: tuple[tuple[str, str], ...] = ()
    """(input, layer) of the maps over other inputs."""

    @property
    def words(self) -> str:
        """One line, '' where there is nothing to say."""
        if not self.input:
            return ""
        blind = "" if self.shown else ", of which no photo is given: no picture"
        rest = "".join(f"; over '{name}' with --layer {layer}" for name, layer in self.others)
        return f"over '{self.input}'{blind}{rest}"


def aim(backend: Backend, layer: str | None, seen: Collection[str]) -> Aim:
    """The layer of an input that can be seen, where none is asked for and the default is another's.

    Args:
        layer: as it was asked for; the backend was opened with it.
        seen: the inputs that photos, or arrays to draw, are given for.
    """
    if len(backend.inputs()) == 1:
        return Aim(layer)
    listed = backend.layers()
    chosen = next((one for one in listed if one.default), None)
    if chosen is None or not chosen.input:
        return Aim(layer)
    over = {one.input: one.name for one in listed if one.default_over}
    name = chosen.input
    if layer is None and name not in seen:
        name = next((one for one in over if one in seen), name)
    others = tuple((one, at) for one, at in over.items() if one != name)
    return Aim(layer if name == chosen.input else over[name], name, name in seen, others)
