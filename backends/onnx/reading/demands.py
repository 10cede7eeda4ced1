"""What weights say of dynamic extents: where one fits what it meets, it decides the size."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from .fold import Values, static_shape
from .probes import Pairs, Types

LONGEST = 2**18
"""No extent from here on is tried for a weight."""

MEETING = (
    ("Conv", (0, 1), (1, 1)),
    ("ConvInteger", (0, 1), (1, 1)),
    ("QLinearConv", (0, 1), (3, 1)),
    ("ConvTranspose", (0, 1), (1, 0)),
    ("BatchNormalization", (0, 1), (1, 0)),
    ("Gemm", (0, 1), (1, 0)),
    ("MatMul", (0, -1), (1, -2)),
    ("MatMul", (1, -2), (0, -1)),
    ("RNN", (0, 2), (1, 2)),
    ("GRU", (0, 2), (1, 2)),
    ("LSTM", (0, 2), (1, 2)),
)
"""Operator, (input, its axis), (weight, its axis): the two axes are equally long."""
BROADCASTING = {"Add", "Sub", "Mul", "Div"}
"""Operators whose inputs have equal extents, or 1."""
DEMANDING = {"Reshape", *BROADCASTING, *(row[0] for row in MEETING)}


@dataclass(frozen=True)
class Demand:
    """What a weight says of a tensor: so many numbers along these axes."""

    tensor: str
    axes: tuple[int, ...]
    count: int


def unmet(
    node: onnx.NodeProto, types: Types, values: Values, fixed: Collection[str]
) -> Iterator[Demand]:
    """The demands of a node's weights (names in `fixed`) that its other inputs do not meet."""
    if node.op_type not in DEMANDING or node.domain not in ("", "ai.onnx") or len(node.input) < 2:
        return
    shapes = [static_shape(types.get(name)) for name in node.input]
    if node.op_type in BROADCASTING:
        yield from _beside(node, shapes, fixed)
    if node.op_type == "Reshape" and node.input[1] in values:
        yield from _flattened(node, shapes[0], values[node.input[1]])
    for operator, (mine, axis), (theirs, other) in MEETING:
        if operator != node.op_type or node.input[theirs] not in fixed:
            continue
        attrs = {a.name: a.i for a in node.attribute}
        axis, other = axis - attrs.get("transA", 0), other + attrs.get("transB", 0)
        groups = attrs.get("group", 1) if operator != "ConvTranspose" else 1
        have, wanted = _extent(shapes[mine], axis), _extent(shapes[theirs], other)
        if have and wanted and have != wanted * groups:
            rank = len(shapes[mine] or ())
            yield Demand(node.input[mine], (axis % rank,), wanted * groups)


def _extent(shape: tuple[int, ...] | None, axis: int) -> int | None:
    return shape[axis] if shape and -len(shape) <= axis < len(shape) else None


def _beside(
    node: onnx.NodeProto, shapes: Sequence[tuple[int, ...] | None], fixed: Collection[str]
) -> Iterator[Demand]:
    """Of a weight that is added to a tensor, or multiplied with it."""
    for mine, theirs in ((0, 1), (1, 0)):
        shape, weight = shapes[mine], shapes[theirs]
        if node.input[theirs] in fixed and node.input[mine] not in fixed and shape and weight:
            for back in range(1, min(len(shape), len(weight)) + 1):
                if shape[-back] != weight[-back] and 1 not in (shape[-back], weight[-back]):
                    yield Demand(node.input[mine], (len(shape) - back,), weight[-back])


def _flattened(node: onnx.NodeProto, shape: tuple[int, ...] | None, to: Any) -> Iterator[Demand]:
    """Of a Reshape to rows of a fixed length."""
    if not shape or to.size != 2 or to[0] not in (-1, 0) or to[1] < 1:
        return
    if math.prod(shape) % to[1] or (to[0] == 0 and math.prod(shape[1:]) != to[1]):
        yield Demand(node.input[0], tuple(range(1, len(shape))), int(to[1]))


@dataclass(frozen=True)
class Limit:
    """The end of a table that a Slice reads beyond: of positions, of a causal mask."""

    asked: int
    """Where the Slice would end."""
    extent: int
    """How long the table is."""


def beyond(
    node: onnx.NodeProto, types: Types, values: Values, fixed: Collection[str]
) -> Iterator[Limit]:
    """The limits that a Slice of a table (a name in `fixed`) goes beyond; its end has a number."""
    if node.op_type != "Slice" or len(node.input) < 4 or node.input[0] not in fixed:
        return
    shape = static_shape(types.get(node.input[0]))
    ends, axes = (values.get(name) for name in node.input[2:4])
    if not shape or ends is None or axes is None:
        return
    for end, axis in zip(ends.ravel().tolist(), axes.ravel().tolist(), strict=False):
        if shape[axis] < end < LONGEST:
            yield Limit(end, shape[axis])


def within(limits: Iterable[Limit], pairs: Pairs, free: Collection[str]) -> Pairs:
    """Other numbers for the `free` extents that such an end is, none beyond the table."""
    found: Pairs = {}
    for limit in limits:
        named = (n for n in free if limit.asked in pairs[n] and len(set(pairs[n])) > 1)
        for name in named:
            most = min(limit.extent, found.get(name, (0, limit.extent))[1])
            found[name] = (most // 2 + 1, most)
    return {name: pair for name, pair in found.items() if pair[0] < pair[1]}


def made_of(graph: onnx.GraphProto, weights: Collection[str]) -> set[str]:
    """The weights, and what is made of them alone."""
    fixed = set(weights)
    for node in graph.node:
        bodies = any(a.HasField("g") for a in node.attribute)
        if any(node.input) and fixed.issuperset(filter(None, node.input)) and not bodies:
            fixed.update(node.output)
    return fixed


def decided(
    model: onnx.ModelProto,
    demands: Iterable[Demand],
    pairs: Pairs,
    free: Collection[str],
    types_at: Callable[[onnx.ModelProto, Mapping[str, int]], Types],
) -> Pairs:
    """Those of the `free` extents that the first demand decides that any of them can meet.

    Args:
        pairs: what stood for each extent.
        types_at: the types of a model's tensors at such extents.
    """
    for demand in demands:
        part = _before(model, demand.tensor)

        def count(extents: Mapping[str, int], part: Any = part, demand: Demand = demand) -> int:
            shape = static_shape(types_at(part, extents).get(demand.tensor))
            return 0 if shape is None else math.prod(shape[axis] for axis in demand.axes)

        found = settled(demand, pairs, free, count)
        if found:
            return found
    return {}


def _before(model: onnx.ModelProto, tensor: str) -> onnx.ModelProto:
    """The part of a model that makes a tensor, without what it declares inside."""
    part = onnx.ModelProto(ir_version=model.ir_version)
    part.opset_import.extend(model.opset_import)
    needed, nodes = {tensor}, []
    for node in reversed(model.graph.node):
        if not needed.isdisjoint(node.output):
            nodes.append(node)
            needed.update(node.input)
    part.graph.node.extend(reversed(nodes))
    part.graph.input.extend(i for i in model.graph.input if i.name in needed)
    part.graph.initializer.extend(t for t in model.graph.initializer if t.name in needed)
    return part


def settled(
    demand: Demand,
    pairs: Pairs,
    free: Collection[str],
    count: Callable[[Mapping[str, int]], int],
) -> Pairs:
    """The `free` extents that meet a demand, alike where there are several; none if none do.

    Counts grow with extents. Of all that meet it, it is the one that the strides divide.

    Args:
        count: how many numbers there are at these extents; 0 where nothing can be made of them.
    """
    start = {name: pair[0] for name, pair in pairs.items()}
    first = count(start)
    moving = [name for name in pairs if count(start | {name: pairs[name][1]}) != first]
    if not moving or not set(moving) <= set(free):
        return {}

    def at(extent: int) -> int:
        return count(start | dict.fromkeys(moving, extent))

    low = bisect_left(range(LONGEST), demand.count, key=at)
    high = bisect_right(range(LONGEST), demand.count, key=at)
    if low == high or high == LONGEST:
        return {}
    stride = high - low
    extent = math.ceil(low / stride) * stride
    return dict.fromkeys(moving, (extent, extent))
