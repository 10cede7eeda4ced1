"""One model of a chain: looked at once for each of its outputs that goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..backend import Array, Backend, InputInfo, Inputs, Layer, Look
from ..errors import InputError

OWN = ""
"""Stands for the score of the last model, which is the chain's."""


@dataclass(frozen=True)
class Part:
    """A model, and what of it goes on."""

    name: str
    backend: Backend
    scored: Mapping[str, Backend]
    """By output that goes on, or OWN: the same model with that as its score."""
    given: frozenset[str] = field(default_factory=frozenset)
    """Its inputs that come from an earlier model."""

    @cached_property
    def infos(self) -> list[InputInfo]:
        """What it takes from outside."""
        return [info for info in self.backend.inputs() if info.name not in self.given]

    @cached_property
    def carrying(self) -> list[str]:
        """The inputs from earlier models along which a gradient may go back."""
        return [i.name for i in self.backend.inputs() if i.name in self.given and floats(i)]

    @property
    def pictured(self) -> bool:
        """Does it take a picture from outside?"""
        return any(i.channel_axis is not None and len(i.shape) == 4 for i in self.infos)

    @cached_property
    def listed(self) -> dict[str, list[Layer]]:
        """By output that goes on, the layers before it."""
        return {output: list(backend.layers()) for output, backend in self.scored.items()}

    @cached_property
    def layers(self) -> list[Layer]:
        """All of them; the defaults are those of the first output."""
        found: dict[str, Layer] = {}
        for own in self.listed.values():
            for layer in own:
                found.setdefault(layer.name, layer)
        return list(found.values())

    def looks(
        self, feed: Inputs, layers: Sequence[str] | None, inputs: Sequence[str] | None
    ) -> dict[str, Look]:
        """One look an output that goes on, each at those of the layers that come before it.

        Args:
            layers: None is the default ones of the first output.
            inputs: from outside, whose gradients are wanted; None is all.
        """
        wanted = None if inputs is None else [*inputs, *self.carrying]
        found: dict[str, Look] = {}
        for output, backend in self.scored.items():
            own = layers if layers is None else self._before(output, layers, first=not found)
            found[output] = backend.look(feed, layers=own, inputs=wanted)
            layers = found[output].layers if layers is None else layers
        return found

    def _before(self, output: str, layers: Sequence[str], *, first: bool) -> list[str]:
        """Those that come before an output; what is nowhere listed is for the first to judge."""
        if len(self.scored) == 1:
            return list(layers)
        own = {layer.name for layer in self.listed[output]}
        known = {layer.name for layer in self.layers}
        return [name for name in layers if name in own or (first and name not in known)]


def floats(info: InputInfo) -> bool:
    """Has an input of this type a gradient?"""
    return info.dtype.kind == "f"


def by_name(x: Inputs, names: Sequence[str]) -> dict[str, Array]:
    """x by name, none of them missing.

    Raises:
        InputError: one is, or is none of them.
    """
    if not isinstance(x, Mapping):
        if len(names) != 1:
            raise InputError(f"the model takes {', '.join(names)}: give them by name")
        return {names[0]: x}
    for name in x:
        if name not in names:
            raise InputError(f"no input '{name}'; the model takes {', '.join(names)}")
    missing = next((name for name in names if name not in x), None)
    if missing is not None:
        raise InputError(f"input '{missing}' is not given")
    return dict(x)
