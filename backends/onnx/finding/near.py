"""Tensors each of whose cells is made of few cells of one tensor: of its own place, or near it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..reading.graph import Graph, Node, Tensor
from ..reading.kinds import FLATTENING
from ..rules import key_of


@dataclass(frozen=True)
class Near:
    """Where some axes of the first tensor lie in another one, cell for cell."""

    axes: tuple[int, ...]
    """Of this tensor; their extents are those of the first one."""
    reach: tuple[int, ...]
    """Cells on either side, on each of the axes, that a cell is made of at most."""


Step = Callable[[Graph, Node, Sequence[Near | None]], Near | None]
"""(graph, node, what is known of its inputs) -> of its output; None: not cell for cell."""

CELLWISE = (
    *("Abs", "Add", "Celu", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish"),
    *("Identity", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "Pow", "PRelu"),
    *("Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub", "Sum"),
    *("Swish", "Tanh", "ThresholdedRelu"),
)


def near(graph: Graph, first: Tensor, axes: Sequence[int]) -> dict[str, Near]:
    """By name, what is made of cells near its own of `first` alone, and of constants."""
    found = {first.name: Near(tuple(axes), (0,) * len(axes))}
    extents = [first.shape[axis] for axis in axes]
    for node in graph.nodes:
        step = STEPS.get(key_of(node))
        known = [found.get(t.name) for t in node.inputs]
        if step is None or not any(known) or len(node.outputs) != 1:
            continue
        (made,) = node.outputs
        here = step(graph, node, known)
        if here is not None and _as_long(made, here, extents):
            found[made.name] = here
    return found


def _as_long(made: Tensor, here: Near, extents: Sequence[object]) -> bool:
    return made.shape is not None and [made.shape[axis] for axis in here.axes] == extents


def _cellwise(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """Of all inputs; a constant is the same in every cell."""
    if any(t.name and t.shape is None for t in node.inputs):
        return None
    ranks = [len(t.shape) if t.name else 0 for t in node.inputs]
    rank = max(ranks)
    ends = {tuple(a - r for a in one.axes) for one, r in zip(known, ranks, strict=True) if one}
    if len(ends) != 1:
        return None
    (from_end,) = ends
    for tensor, one in zip(node.inputs, known, strict=True):
        if one is None and tensor.name and not _same_everywhere(graph, tensor, from_end):
            return None
    return Near(tuple(axis + rank for axis in from_end), _widest(known))


def _same_everywhere(graph: Graph, tensor: Tensor, from_end: Sequence[int]) -> bool:
    """Is it a constant with an extent of 1, if any, on these axes, counted from the end?"""
    own = [tensor.shape[axis] for axis in from_end if -axis <= len(tensor.shape)]
    return graph.constant(tensor) and all(extent == 1 for extent in own)


def _first_alone(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """Of the first input; the others are constants that know no places."""
    return known[0] if all(graph.constant(t) for t in node.inputs[1:] if t.name) else None


def _per_channel(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """As `_first_alone`, with weights of axis 1."""
    here = _first_alone(graph, node, known)
    return None if here is None or 1 in here.axes else here


def _along(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """Along another axis, all inputs alike."""
    shape = node.inputs[0].shape
    if None in known or shape is None or len({one.axes for one in known if one}) != 1:
        return None
    here = known[0]
    assert here is not None
    if node.op in FLATTENING and graph.opset < 13:
        return None
    axis = node.attrs.get("axis", -1) % len(shape)
    return None if axis in here.axes else Near(here.axes, _widest(known))


def _cut(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """A Slice of other axes."""
    here = _first_alone(graph, node, known)
    axes = graph.value(node.inputs[3]) if len(node.inputs) > 3 else None
    if here is None or axes is None:
        return None
    rank = len(node.inputs[0].shape)
    return None if {int(a) % rank for a in axes} & set(here.axes) else here


def _turned(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    here, order = known[0], node.attrs.get("perm")
    if here is None or order is None:
        return None
    return Near(tuple(list(order).index(axis) for axis in here.axes), here.reach)


def _convolved(graph: Graph, node: Node, known: Sequence[Near | None]) -> Near | None:
    """Step by step over all places, as many as before; each row (axis 0) for itself."""
    here, weight = _first_alone(graph, node, known), node.inputs[1]
    rank = None if weight.shape is None else len(weight.shape) - 2
    places = None if here is None else tuple(axis for axis in here.axes if axis)
    if here is None or rank is None or places != tuple(range(2, 2 + rank)):
        return None
    ones, attrs = [1] * rank, node.attrs
    if list(attrs.get("strides", ones)) != ones or attrs.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    pads, wide = list(attrs.get("pads", [0] * 2 * rank)), attrs.get("dilations", ones)
    widths = [(k - 1) * d for k, d in zip(weight.shape[2:], wide, strict=True)]
    if [a + b for a, b in zip(pads[:rank], pads[rank:], strict=True)] != widths:
        return None
    sides = dict(zip(places, map(max, pads[:rank], pads[rank:]), strict=True))
    each = zip(here.axes, here.reach, strict=True)
    return Near(here.axes, tuple(reach + sides.get(axis, 0) for axis, reach in each))


def _widest(known: Sequence[Near | None]) -> tuple[int, ...]:
    return tuple(map(max, zip(*(one.reach for one in known if one), strict=True)))


STEPS: Mapping[tuple[str, str], Step] = {
    **{("", operator): _cellwise for operator in CELLWISE},
    ("cam", "SiLU"): _first_alone,
    ("cam", "Mish"): _first_alone,
    ("", "BatchNormalization"): _per_channel,
    ("", "Conv"): _convolved,
    ("", "Concat"): _along,
    ("", "Softmax"): _along,
    ("", "LogSoftmax"): _along,
    ("", "Slice"): _cut,
    ("", "Transpose"): _turned,
}
"""(domain, operator) -> its step."""
