"""Which tokens of every tensor the score depends on, read from the graph's structure alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .prepare import Node
from .quantised import computes
from .route import Route
from .rules import ZERO, key_of

Tokens = frozenset[int] | None
"""Positions on axis 1 of a tensor [N, T, C]; None: any of them."""
NOTHING: frozenset[int] = frozenset()
"""Of a tensor of any shape."""
NORMS = {
    *("LayerNormalization", "BatchNormalization", "RMSNormalization", "GroupNormalization"),
    *("InstanceNormalization", "Standardise"),
}
TOKENWISE = NORMS | {
    *("Add", "Sub", "Mul", "Div", "Gelu", "SiLU", "Relu", "Sigmoid", "Tanh", "Identity", "Clip"),
    *("Dropout", "Cast", "MatMul", "HardSwish", "Erf", "Pow", "Sqrt", "QuickGelu"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Operators that treat each token by itself (a product of two maps apart)."""


def needed_tokens(route: Route) -> dict[str, Tokens]:
    """Of every tensor on the path the tokens that the score depends on, by one pass back."""
    needed: dict[str, Tokens] = {route.score.name: None}
    for node in reversed(route.graph.nodes):
        if key_of(node) in ZERO or not any(t.name in needed for t in node.outputs):
            continue
        for position, source in enumerate(node.inputs):
            if source.name in route.path:
                more, known = _pulled(route, node, position, needed), needed.get(source.name)
                first = source.name not in needed
                both = None if more is None or known is None else more | known
                needed[source.name] = more if first else both
    return needed


def _pulled(route: Route, node: Node, position: int, needed: Mapping[str, Tokens]) -> Tokens:
    """The tokens of one input that the needed ones of the output are made of."""
    source, made = node.inputs[position], node.outputs[0]
    if all(needed.get(t.name, NOTHING) == NOTHING for t in node.outputs):
        return NOTHING
    if source.shape is None or len(source.shape) != 3 or made.shape is None:
        return None
    wanted = needed.get(made.name) if len(made.shape) == 3 else None
    if node.op in ("Gather", "Slice"):
        return _selected(route, node, wanted)
    if wanted is None:
        return None
    if node.op == "Concat" and node.attrs["axis"] % 3 == 1:
        return _part(node, position, wanted)
    alike = source.shape[1] == made.shape[1]
    return wanted if alike and _tokenwise(route, node) else None


def _selected(route: Route, node: Node, wanted: Tokens) -> Tokens:
    """What a Gather or a Slice takes; None where that is not known or not of tokens."""
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
    return frozenset(taken if wanted is None else (taken[i] for i in wanted if i < len(taken)))


LIMIT = 4096
"""Slices beyond this many tokens, of a number known at run time only, are not followed."""


def _part(node: Node, position: int, wanted: frozenset[int]) -> Tokens:
    """The wanted tokens that come from one input of a Concat."""
    before, own = [t.shape[1] for t in node.inputs[:position]], node.inputs[position].shape[1]
    if not all(isinstance(d, int) for d in before):
        return None
    start = sum(before)
    stop = start + own if isinstance(own, int) else max(wanted, default=0) + 1
    return frozenset(i - start for i in wanted if start <= i < stop)


def _tokenwise(route: Route, node: Node) -> bool:
    flowing = [t for t in node.inputs if t.name in route.path]
    if computes(node) == "MatMul":
        return len(flowing) == 1 and flowing[0] is node.inputs[0]
    return computes(node) in TOKENWISE
