"""Which tokens of every tensor the score depends on, read from the graph's structure alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..reading.graph import Node, Tensor
from ..reading.kinds import NORMS, RESHAPING
from ..reading.units import computes
from ..rules import ZERO, key_of
from ..writing.views import groups, numbers
from .route import Route


@dataclass(frozen=True)
class Some:
    """Positions on one axis of a tensor, every index of the other axes."""

    axis: int
    at: frozenset[int]


Tokens = Some | None
"""What is needed of a tensor, mostly tokens on axis 1 of [N, T, C]; None: any of it."""
NOTHING = Some(0, frozenset())
"""Of a tensor of any shape."""
ELEMENTWISE = {
    *("Add", "Sub", "Mul", "Div", "Gelu", "SiLU", "Relu", "Sigmoid", "Tanh", "Identity", "Clip"),
    *("Dropout", "Cast", "HardSwish", "Erf", "Pow", "Sqrt", "QuickGelu"),
    *("QuantizeLinear", "DequantizeLinear"),
}
TOKENWISE = NORMS | ELEMENTWISE | {"MatMul"}
"""Operators that treat each token of [N, T, C] by itself (a product of two maps apart)."""


def needed_tokens(route: Route) -> dict[str, Tokens]:
    """Of every tensor on the path the tokens that the score depends on, by one pass back."""
    needed: dict[str, Tokens] = {route.score.name: None}
    for node in reversed(route.graph.nodes):
        if key_of(node) in ZERO or not any(t.name in needed for t in node.outputs):
            continue
        for position, source in enumerate(node.inputs):
            if source.name in route.path:
                more = _pulled(route, node, position, needed)
                first = source.name not in needed
                needed[source.name] = more if first else _both(more, needed[source.name])
    return needed


def _both(a: Tokens, b: Tokens) -> Tokens:
    """What either needs."""
    if a is None or b is None:
        return None
    if not a.at or not b.at:
        return a if a.at else b
    return Some(a.axis, a.at | b.at) if a.axis == b.axis else None


def _pulled(route: Route, node: Node, position: int, needed: Mapping[str, Tokens]) -> Tokens:
    """The tokens of one input that the needed ones of the output are made of."""
    source, made = node.inputs[position], node.outputs[0]
    found = [needed.get(t.name, NOTHING) for t in node.outputs]
    if all(tokens is not None and not tokens.at for tokens in found):
        return NOTHING
    if source.shape is None or made.shape is None:
        return None
    wanted = found[0]
    if node.op == "ReduceMean":
        return _averaged(route, node)
    if node.op in ("Gather", "Slice"):
        return _selected(route, node, wanted) if len(source.shape) == 3 else None
    if wanted is None:
        return None
    if node.op == "Transpose":
        return Some(node.attrs["perm"][wanted.axis], wanted.at)
    if node.op in RESHAPING:
        return _viewed(source.shape, made.shape, wanted)
    if node.op == "Pad":
        return _inside(route, node, wanted)
    if node.op == "Concat" and node.attrs["axis"] % len(made.shape) == wanted.axis:
        return _part(node, position, wanted)
    return wanted if _alike(route, node, source, wanted.axis) else None


def _alike(route: Route, node: Node, source: Tensor, axis: int) -> bool:
    """Is each position of the result made of the same one of the source?"""
    shape, made = source.shape, node.outputs[0].shape
    if len(shape) != len(made) or shape[axis] != made[axis] or made[axis] is None:
        return False
    if len(made) == 3 and axis == 1:
        return _tokenwise(route, node)
    return computes(node) in ELEMENTWISE or node.op == "BatchNormalization"  # a line per channel


def _viewed(old: Sequence[Any], new: Sequence[Any], wanted: Some) -> Tokens:
    """The axis before a view, where it stays whole."""
    sizes = numbers(old, new)
    for mine, theirs in groups(*sizes) if sizes is not None else []:
        if theirs == [wanted.axis] and len(mine) == 1:
            return Some(mine[0], wanted.at)
    return None


def _inside(route: Route, node: Node, wanted: Some) -> Tokens:
    """What is not padding, where that is constant."""
    source, pads = node.inputs[0], route.graph.value(node.inputs[1])
    size = source.shape[wanted.axis]
    if node.attrs.get("mode", "constant") != "constant" or pads is None or len(node.inputs) > 3:
        return None
    before = int(pads[wanted.axis])
    kept = {i - before for i in wanted.at if i >= before}
    return Some(wanted.axis, frozenset(i for i in kept if not isinstance(size, int) or i < size))


def _selected(route: Route, node: Node, wanted: Tokens) -> Tokens:
    """What a Gather or a Slice takes; None where that is not known or not of tokens."""
    if wanted is not None and (wanted.axis != 1 or len(node.outputs[0].shape) != 3):
        wanted = None
    count = node.inputs[0].shape[1]
    values = [route.graph.value(t) if t.name else None for t in node.inputs[1:]]
    if node.op == "Gather":
        if node.attrs["axis"] % 3 != 1 or values[0] is None:
            return None
        taken = [int(i) for i in np.ravel(values[0])]
    else:
        start, end, axes, step = [*values, None, None][:4]
        axis = 0 if axes is None or len(axes) != 1 else int(axes[0]) % 3
        if axis != 1 or start is None or end is None:
            return None
        cut = slice(int(start[0]), int(end[0]), 1 if step is None else int(step[0]))
        if not isinstance(count, int) and not 0 <= cut.start < cut.stop <= LIMIT:
            return None
        taken = list(range(count if isinstance(count, int) else LIMIT))[cut]
    if any(i < 0 for i in taken):
        if not isinstance(count, int):
            return None
        taken = [i % count for i in taken]
    kept = taken if wanted is None else (taken[i] for i in wanted.at if i < len(taken))
    return Some(1, frozenset(kept))


LIMIT = 4096
"""Slices beyond this many tokens, of a number known at run time only, are not followed."""


def _averaged(route: Route, node: Node) -> Tokens:
    """All along the one axis of a mean."""
    source, axes = node.inputs[0], route.graph.value(node.inputs[1]) if node.inputs[1:] else None
    if axes is None or axes.size != 1:
        return None
    axis = int(axes.item()) % len(source.shape)
    extent = source.shape[axis]
    known = isinstance(extent, int) and extent <= LIMIT
    return Some(axis, frozenset(range(extent))) if known else None


def _part(node: Node, position: int, wanted: Some) -> Tokens:
    """The wanted tokens that come from one input of a Concat."""
    extents = [t.shape[wanted.axis] if t.shape is not None else None for t in node.inputs]
    before, own = extents[:position], extents[position]
    if not all(isinstance(d, int) for d in before):
        return None
    start = sum(d for d in before if isinstance(d, int))
    stop = start + own if isinstance(own, int) else max(wanted.at, default=0) + 1
    return Some(wanted.axis, frozenset(i - start for i in wanted.at if start <= i < stop))


def _tokenwise(route: Route, node: Node) -> bool:
    flowing = [t for t in node.inputs if t.name in route.path]
    if computes(node) == "MatMul":
        return len(flowing) == 1 and flowing[0] is node.inputs[0]
    return computes(node) in TOKENWISE and 1 not in _normalised(node)


def _normalised(node: Node) -> list[int]:
    """The axes of [N, T, C] over which a norm takes its moments."""
    if node.op == "GroupNormalization":
        return [1, 2]
    if node.op == "Standardise":
        return [axis % 3 for axis in node.attrs["axes"]]
    if node.op in ("LayerNormalization", "RMSNormalization"):
        return list(range(node.attrs.get("axis", -1) % 3, 3))
    return []
