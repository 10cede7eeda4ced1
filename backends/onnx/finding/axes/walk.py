"""Follows the axes of all tensors of a graph, from the inputs on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...reading.graph import Extent, Graph, Node, Tensor
from ...reading.kinds import POOLS, WINDOWED_PRODUCTS
from ...reading.units import computes
from ...rules import key_of
from ...writing.bodies import read
from ...writing.export import exported_body
from . import cellwise, chosen, products, quantised, sequences, views, windows, writes
from .factors import Axes, fresh, lost, size
from .folds import Folds, folded, folds_of
from .spans import narrowed, spans
from .table import AXES, Kinds, Shape, Step

__all__ = [
    "cellwise",
    "chosen",
    "followed",
    "products",
    "quantised",
    "sequences",
    "views",
    "windows",
    "writes",
]

Found = dict[str, Axes]
PADDED = WINDOWED_PRODUCTS | POOLS
"""Operators with windows, and pads of their own."""
CHOOSING = {
    *("Slice", "Split", "Gather", "GatherND", "CenterCropPad", "Pad", "Concat", "ScatterND"),
    *cellwise.OF_ALL,
}
"""Operators that take a part of an axis and know which, or sum over none."""


def followed(graph: Graph, probe: int = 0, toward: str = "") -> Found:
    """The axes of every tensor of known shape, with the first or second number of each extent.

    Where several inputs are joined, places are those of the input `toward`.
    """
    found = _from_inputs(graph, probe, {}, toward)
    folds = folds_of(graph, found)
    return _from_inputs(graph, probe, folds, toward) if folds else found


def _from_inputs(graph: Graph, probe: int, folds: Folds, toward: str) -> Found:
    shapes = {tensor.name: shape_at(graph, tensor, probe) for tensor in graph.inputs}
    found = {n: folded(n, shape, folds) for n, shape in shapes.items() if shape is not None}
    _walk(graph, found, probe, toward)
    return found


def extent_at(graph: Graph, extent: Extent, probe: int) -> int | None:
    """The number that stood for an extent."""
    if extent is None or isinstance(extent, int):
        return extent
    pair = graph.probed.get(extent)
    computed = re.fullmatch(r"(\d+)\|(\d+)", extent) if pair is None else None
    if computed:
        return int(computed[1 + probe])
    return None if pair is None else pair[probe]


def shape_at(graph: Graph, tensor: Tensor, probe: int) -> Shape | None:
    """The shape of a tensor in numbers, None where one of them is not known."""
    if tensor.shape is None:
        return None
    numbers = [extent_at(graph, extent, probe) for extent in tensor.shape]
    known = [number for number in numbers if number is not None]
    return tuple(known) if len(known) == len(numbers) else None


def _walk(graph: Graph, found: Found, probe: int, toward: str) -> None:
    for node in graph.nodes:
        shapes = [shape_at(graph, t, probe) for t in node.outputs]
        axes = _stepped(graph, node, found, probe, shapes, toward)
        for tensor, own, shape in zip(node.outputs, axes, shapes, strict=False):
            if tensor.name and own is not None and shape is not None:
                found[tensor.name] = own


def _stepped(
    graph: Graph,
    node: Node,
    found: Found,
    probe: int,
    made: Sequence[Shape | None],
    toward: str,
) -> Sequence[Axes | None]:
    """The axes of a node's outputs."""
    shapes = [shape_at(graph, t, probe) if t.name else None for t in node.inputs]
    inputs = [
        found.get(t.name) or (None if shape is None else tuple(fresh(e) for e in shape))
        for t, shape in zip(node.inputs, shapes, strict=True)
    ]

    def enter(body: Any, kinds: Kinds, axes: Sequence[Axes | None]) -> list[Axes | None]:
        inner = read(graph, body, exported_body(body), kinds)
        return _entered(inner, found, probe, axes, toward)

    step = Step(
        node,
        computes(node),
        [axes if t.name else None for axes, t in zip(inputs, node.inputs, strict=True)],
        shapes,
        made,
        [_value(graph, t, probe) for t in node.inputs],
        enter,
        _before_pads(graph, node, found, probe),
        lambda tensor: (graph.producer.get(tensor.name), _value(graph, tensor, probe)),
        toward,
    )
    row = AXES.get((key_of(node)[0], node.op)) or AXES.get(("", computes(node)))
    if row is None:
        return [step.unknown(i) for i in range(len(made))]
    if step.inputs and step.inputs[0] is None and node.inputs[0].name:
        return [step.unknown(i) for i in range(len(made))]
    try:
        given_out = row(step)
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError):
        # a node that contradicts itself, or a form that no runtime takes
        return [step.unknown(i) for i in range(len(made))]
    return [_fit(step, axes, shape) for axes, shape in zip(given_out, made, strict=False)]


def _before_pads(graph: Graph, node: Node, found: Found, probe: int) -> Axes | None:
    """What a Pad reads that puts less round the picture than a window is wide."""
    maker = graph.producer.get(node.inputs[0].name) if node.inputs else None
    if maker is None or maker.op != "Pad" or computes(node) not in PADDED or len(maker.inputs) > 3:
        return None
    sizes, pads = windows.windows_of(node), _value(graph, maker.inputs[1], probe)
    if sizes is None or pads is None or pads.size != 2 * (len(sizes) + 2):
        return None
    sides = pads.reshape(2, -1)
    limits = np.array([1, 1, *sizes])
    small = (sides >= 0).all() and (sides < limits).all()
    return found.get(maker.inputs[0].name) if small else None


def _fit(step: Step, axes: Axes | None, shape: Shape | None) -> Axes | None:
    """An axis that has not the extent of the tensor is lost."""
    if axes is None or shape is None:
        return None
    if len(axes) != len(shape):
        return tuple(lost(extent, step.lost("of another rank")) for extent in shape)
    fit = tuple(
        axis if size(axis) == extent else lost(extent, step.lost("of another extent"))
        for axis, extent in zip(axes, shape, strict=True)
    )
    if step.operator in CHOOSING or any(_same(fit, own) for own in step.inputs if own):
        return fit
    read_axes = [step.before_pads or step.inputs[0], *step.inputs[1:]] if step.inputs else []
    before = spans(axis for own in read_axes if own for axis in own)
    return narrowed(fit, before, step.lost()) if before else fit


def _same(axes: Axes, others: Axes) -> bool:
    """Are they the very axes of an input?"""
    return len(axes) == len(others) and all(a is b for a, b in zip(axes, others, strict=True))


def _value(graph: Graph, tensor: Tensor, probe: int) -> Any:
    """A constant, a large one if it holds integers, or shape arithmetic under this probe."""
    if not tensor.name:
        return None
    known = graph.value(tensor)
    if known is None:
        known = graph.seen[probe].get(tensor.name)
    if known is None and tensor.dtype in (np.int32, np.int64):  # a table of frames, a long roll
        return graph.weight(tensor)
    return known


def _entered(
    body: Graph,
    around: Mapping[str, Axes],
    probe: int,
    handed: Sequence[Axes | None],
    toward: str,
) -> list[Axes | None]:
    """The outputs of a body, by what it is handed and what it captures."""
    own = {name: axes for name, axes in around.items() if name in body.tensors}
    own |= {t.name: a for t, a in zip(body.inputs, handed, strict=False) if a is not None}
    _walk(body, own, probe, toward)
    return [own.get(t.name) for t in body.outputs]
