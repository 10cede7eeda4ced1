"""The mean of a tensor that was emitted, over some places, from those of what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..reading.graph import Node, Tensor
from ..writing.op import Op

Span = tuple[int, int] | None
"""The part of an axis that is averaged: from, to; None: all of it."""
Places = dict[int, Span]
"""By axis."""
DEEPEST = 64
"""How many steps a mean is taken back; a map that hundreds read is a long chain of sums."""


class Means:
    """One mean and all that it is made of; each tensor is looked at once."""

    def __init__(self, op: Op, steps: Mapping[str, Step]) -> None:
        self.op = op
        self._steps = steps
        self._known: dict[tuple[str, tuple[Any, ...]], Tensor | None] = {}
        self._depth = 0

    def of(self, x: Tensor, places: Places) -> Tensor:
        """The mean of x over these places, kept as 1."""
        found = self.before(x, places)
        return self.here(x, places) if found is None else found

    def here(self, x: Tensor, places: Places) -> Tensor:
        """The same, of x itself."""
        cut = {axis: span for axis, span in sorted(places.items()) if span is not None}
        if cut:
            starts, stops = zip(*cut.values(), strict=True)
            x = self.op.Slice(x, list(starts), list(stops), list(cut))
        return self.op.ReduceMean(x, sorted(places), keepdims=1)

    def before(self, x: Tensor, places: Places) -> Tensor | None:
        """The same where a product, a convolution or routing is saved, else None."""
        key = x.name, tuple(sorted(places.items()))
        if key not in self._known:
            if self._depth == DEEPEST:
                return None
            self._depth += 1
            self._known[key] = self._step(x, places)
            self._depth -= 1
        return self._known[key]

    def _step(self, x: Tensor, places: Places) -> Tensor | None:
        maker = self.op.made.get(x.name)
        routed = x.name in self.op.promises.rearranged
        if maker is None or x.shape is None:
            return None
        step = self._steps.get("routing" if routed else maker.op)
        return None if step is None else step(self, maker, x, places)

    def several(self, parts: Sequence[Tensor], places: Places) -> list[Tensor] | None:
        """The means of all where that of one is found earlier."""
        found = [self.before(part, places) for part in parts]
        if all(mean is None for mean in found):
            return None
        pairs = zip(parts, found, strict=True)
        return [self.here(part, places) if mean is None else mean for part, mean in pairs]


Step = Callable[["Means", Node, Tensor, Places], Tensor | None]
"""(means, what made x, x, places) -> x's mean, or None."""
