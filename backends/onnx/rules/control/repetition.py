"""What Scan and Loop have in common: a body that is repeated, with states that it carries on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ...reading.graph import Node, Shape, Tensor, floating
from ...writing.bodies import Body, enter
from ...writing.op import Op
from ..paths import carried, leading


@dataclass(frozen=True)
class Pieces:
    """A tensor that is cut into pieces along an axis, one an iteration, or stacked from them."""

    tensor: Tensor
    axis: int = 0
    backwards: bool = False

    def reversed(self) -> Pieces:
        """The same from the other end."""
        return replace(self, backwards=not self.backwards)

    @property
    def shape(self) -> Shape | None:
        """A piece's."""
        shape = self.tensor.shape
        if shape is None:
            return None
        axis = self.axis % len(shape)
        return (*shape[:axis], *shape[axis + 1 :])


@dataclass
class Cycle:
    """A node that repeats a body, in the terms that Scan and Loop have in common."""

    node: Node
    states: list[Tensor]
    """As the first iteration gets them."""
    elements: list[Pieces] = field(default_factory=list)
    lead: int = 0
    """How many inputs the body has before the states: iteration and condition of a Loop."""

    @property
    def body(self) -> gs.Graph:
        return self.node.attrs["body"]

    def enter(self, op: Op) -> Inside:
        """A copy of the body, its states typed as they are in every iteration."""
        fixed: list[tuple[Any, Shape | None]] = [(np.int64, ()), (np.bool_, ())]
        del fixed[self.lead :]
        kinds = [(t.dtype, t.shape) for t in self.states]
        pieces = [(p.tensor.dtype, p.shape) for p in self.elements]
        changing: set[int] = set()
        while True:
            body = enter(op, self.body, [*fixed, *kinds, *pieces])
            inside = Inside(body, self.lead, len(kinds), changing)
            found = [
                (dtype, _kept(shape, t.shape))
                for (dtype, shape), t in zip(kinds, inside.carried, strict=True)
            ]
            moved = {i for i, pair in enumerate(zip(kinds, found, strict=True)) if len({*pair}) > 1}
            if not moved:
                return inside
            changing |= moved
            kinds = found


def _kept(before: Shape | None, after: Shape | None) -> Shape | None:
    """A shape with the extents open that an iteration changes."""
    if before is None or after is None or len(before) != len(after):
        return None
    pairs = zip(before, after, strict=True)
    return tuple(a if a is None or a == b else None for a, b in pairs)


@dataclass
class Inside:
    """A copy of the body by the roles of its inputs and outputs."""

    body: Body
    lead: int
    count: int
    """How many states there are."""
    changing: set[int]
    """Those of changing shape."""

    @property
    def states(self) -> list[Tensor]:
        return self.body.inputs[self.lead :][: self.count]

    @property
    def elements(self) -> list[Tensor]:
        return self.body.inputs[self.lead + self.count :]

    @property
    def carried(self) -> list[Tensor]:
        """The states for the next iteration."""
        return self.body.outputs[self.lead > 0 :][: self.count]

    @property
    def stacked(self) -> list[Tensor]:
        return self.body.outputs[(self.lead > 0) + self.count :]

    def live(self, sources: set[str], ends: set[str]) -> list[int]:
        """The states through which a derivative goes from a source to an end."""
        pairs = [(s, t) for s, t in zip(self.states, self.carried, strict=True) if floating(s)]
        nodes, grown = self.body.nodes, -1
        while len(sources) > grown:
            grown = len(sources)
            onward = carried(nodes, sources)
            sources = sources | {s.name for s, t in pairs if t.name in onward}
        grown = -1
        while len(ends) > grown:
            grown = len(ends)
            back = leading(nodes, onward, ends)
            ends = ends | {t.name for s, t in pairs if s.name in back}
        live = {s.name for s, t in pairs if s.name in sources and t.name in ends}
        return [i for i, s in enumerate(self.states) if s.name in live]
