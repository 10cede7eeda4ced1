"""What arrives at each tensor on the way back, until its own maker is reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from ..reading.graph import Node, Tensor, floating, reads
from ..writing.op import Op
from ..writing.sums import total


@dataclass
class Arrived:
    """Cotangents by the name of their tensor."""

    op: Op
    _parts: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    _done: dict[str, Tensor] = field(default_factory=dict)
    _zero: dict[str, Tensor] = field(default_factory=dict)
    """Where nothing but zeros arrived, and some of them: they are not pulled back."""

    def begin(self, x: Tensor, gx: Tensor) -> None:
        """The cotangent of an end, of x's shape."""
        self._parts[x.name].append(gx)

    def add(self, x: Tensor, gx: Tensor) -> None:
        """One cotangent of x, of any shape that sums to x's."""
        if gx.name in self.op.promises.zero:
            self._zero[x.name] = gx
        else:
            self._parts[x.name].append(self.op.sum_to(gx, x))

    def total(self, x: Tensor) -> Tensor | None:
        """The sum of all that arrived at x, of x's shape."""
        arrived = self._parts.pop(x.name, [])
        if arrived:
            self._done[x.name] = self.op.expand_like(total(self.op, arrived), x)
        return self._done.get(x.name)

    def pass_zeros(self, node: Node, path: Collection[str]) -> None:
        """Where only zeros arrived at what a node makes, no more arrives at what it reads."""
        vain = next((self._zero[t.name] for t in node.outputs if t.name in self._zero), None)
        if vain is not None:
            read = [t.name for t in reads(node) if t.name in path and floating(t)]
            self._zero |= dict.fromkeys(read, vain)

    def end(self, leaf: Tensor) -> Tensor | None:
        """What a leaf receives, zeros where nothing else arrived."""
        found = self.total(leaf)
        if found is not None or leaf.name not in self._zero:
            return found
        g = self._zero[leaf.name]
        zeros = self.op.expand_like(self.op.constant(np.zeros((), g.dtype)), leaf)
        self.op.promises.zero.add(zeros.name)
        return zeros
