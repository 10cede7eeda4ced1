"""The table of what each operator does to axes, and one step of the walk over a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from .agreement import agreed
from .factors import Axes, Axis, Lost, descends, fresh, loss, lost, size

Shape = tuple[int, ...]
Kinds = Sequence[tuple[Any, Any]]
"""(type, shape, symbols included) of the inputs of a body."""
Value = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Step:
    """A node at one probe: every extent is a number."""

    node: Node
    operator: str
    """What it computes: the float operator that an integer one stands for."""
    inputs: Sequence[Axes | None]
    """None: absent, or of unknown shape."""
    shapes: Sequence[Shape | None]
    made: Sequence[Shape | None]
    """The shapes of the outputs."""
    values: Sequence[Value | None]
    """Of the inputs, where they are known."""
    enter: Callable[[Any, Kinds, Sequence[Axes | None]], list[Axes | None]]
    """Follows a body: (its graph, types, shapes and axes of its inputs) -> axes of its outputs."""

    before_pads: Axes | None = None
    """Of a convolution or pool behind a Pad of its own: the axes that the Pad reads."""
    look: Callable[[Tensor], tuple[Node | None, Value | None]] = lambda tensor: (None, None)
    """What makes a tensor, and its numbers where they are known."""
    toward: str = ""
    """The input as which the others count, where their rows are put into one batch."""

    @property
    def attrs(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.node.attrs
        return found

    @property
    def x(self) -> Axes:
        """The axes of the first input."""
        return self.inputs[0] or ()

    def value(self, position: int) -> Value | None:
        """Of an input, None where it is absent or not known."""
        return self.values[position] if position < len(self.values) else None

    def given(self, position: int) -> Axes | None:
        """The axes of an input, None where it is absent or not known."""
        return self.inputs[position] if position < len(self.inputs) else None

    def axis(self, name: str = "axis", default: int = 0, rank: int | None = None) -> int:
        """An attribute that names an axis, counted from the front."""
        count = len(self.x) if rank is None else rank
        return int(self.attrs.get(name, default)) % count

    def lost(self, why: str = "") -> Lost:
        """What is not followed through this node."""
        name = self.node.name or (self.node.outputs[0].name if self.node.outputs else "")
        return Lost(str(name), why or f"by {self.node.op}")

    def unknown(self, output: int = 0) -> Axes | None:
        """An output of which nothing is followed: lost where an input of it has places."""
        shape = self.made[output]
        if shape is None:
            return None
        carried = [axis for axes in self.inputs if axes for axis in axes]
        if any(descends(axis) for axis in carried):
            return tuple(lost(extent, self.lost()) for extent in shape)
        why = next((found for axis in carried for found in [loss(axis)] if found), None)
        return tuple(fresh(e) if why is None else lost(e, why) for e in shape)

    def new(self, output: int = 0) -> Axes | None:
        """An output that has no axis of its inputs."""
        shape = self.made[output]
        return None if shape is None else tuple(fresh(extent) for extent in shape)

    def aligned(self, inputs: Sequence[Axes | None], shape: Sequence[int]) -> Axes:
        """Axes of a result that is made cell by cell of these, broadcast."""
        out: list[Axis] = []
        for back in range(len(shape), 0, -1):
            extent = shape[-back]
            own = [axes[-back] for axes in inputs if axes is not None and len(axes) >= back]
            fit = [axis for axis in own if size(axis) == extent]
            out.append(agreed(fit, self.lost()) if fit else fresh(extent))
        return tuple(out)


Row = Callable[[Step], Sequence[Axes | None]]
AXES: dict[tuple[str, str], Row] = {}
"""(domain, operator) -> what it does to axes: the axes of each output."""


def moves(*operators: str, domain: str = "") -> Callable[[Row], Row]:
    """Registers `row(step)` for these operators of `domain`.

    It returns the axes of the outputs in order; None is one of which nothing is known.
    """

    def register(row: Row) -> Row:
        for operator in operators:
            if (domain, operator) in AXES:
                raise ValueError(f"{operator} has a row already")
            AXES[domain, operator] = row
        return row

    return register
