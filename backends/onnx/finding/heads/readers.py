"""Readers that give a character a step, however wide the picture is: by queries, or by slots.

Steps of connectionist temporal classification run along the picture; these come from no place of
it (PARSeq, ABINet, slots of a number plate), or are the first of its patches (ViTSTR).
"""

from __future__ import annotations

from ...reading.graph import Graph, Tensor, floating
from ..axes.factors import Axis, Joined, Reordered, loss, size
from .makers import last_step, maker
from .origins import Origins, places

STEPS = 64
"""More are queries of a detector: DETR has a hundred."""
CLASSES = 10
"""Fewer are no alphabet: ten digits are one."""


def by_step(graph: Graph, own: Origins) -> str:
    """Why the only output is a line with a character a step, in words; '' where it is none."""
    inputs = graph.inputs
    picture = len(inputs) == 1 and floating(inputs[0]) and len(inputs[0].shape or ()) == 4
    softmax = own.tail.activation in ("Softmax", "LogSoftmax") or own.tail.reader == "ArgMax"
    scored = softmax or (own.tail.plain and linear(graph, own.tensor))
    if not picture or not scored or len(own.positions) != 1 or (own.classes or 0) < CLASSES:
        return ""
    axis = own.axes[own.positions[0]]
    if not own.followed or not 1 < size(axis) <= STEPS or loss(axis) is not None:
        return ""
    if not list(places(axis)):
        return f"{own.classes} classes at each of {size(axis)} steps, at no place of the picture"
    if _first_of(axis):
        return f"{own.classes} classes at each of the first {size(axis)} tokens of a picture"
    return ""


def _first_of(axis: Axis) -> bool:
    """Is it a token that comes from no place, and the first of the patches after it?"""
    if len(axis) != 1 or not isinstance(axis[0].origin, Joined):
        return False
    first, *more = axis[0].origin.parts
    return axis[0].whole and not list(places(first)) and size(first) == 1 and any(map(_cut, more))


def _cut(part: Axis) -> bool:
    """Is it the beginning of patches, in their order?"""
    origin = part[0].origin if len(part) == 1 else None
    if not isinstance(origin, Reordered):
        return False
    count = len(origin.cells)
    return origin.cells == tuple(range(count)) and count < size(origin.base)


def linear(graph: Graph, tensor: Tensor) -> bool:
    """Does a linear layer make it, one of more steps, or one each of the steps that are joined?"""
    node = maker(graph, tensor)
    if node is not None and node.op == "Slice":
        return linear(graph, node.inputs[0])
    each = node.inputs if node is not None and node.op == "Concat" else [tensor]
    return all(last_step(graph, one) == "linear" for one in each)
