"""Operators that runtimes have in float32 alone, by others that they have in float64.

Rows of `LOWERINGS` add nodes to a part and say whether they could. They know the form of opset 13
and later.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from ..reading.graph import Shape

Array = np.ndarray[Any, Any]
END = np.iinfo(np.int64).max


@dataclass
class Part:
    """Nodes as they are rewritten, and the constants among their tensors."""

    values: dict[str, Array]
    shapes: Mapping[str, Shape]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    made: dict[str, Array] = field(default_factory=dict)

    def write(self, op_type: str, *operands: str | Array, output: str = "", **attrs: Any) -> str:
        """One node; the name of its output."""
        names = [self._named(o) if isinstance(o, np.ndarray) else o for o in operands]
        output = output or f"cam.wide_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(op_type, names, [output], **attrs))
        return output

    def rank(self, name: str) -> int | None:
        """How many axes it has, where that is known."""
        shape = self.shapes.get(name)
        return None if shape is None else len(shape)

    def _named(self, value: Array) -> str:
        name = f"cam.wide_constant_{len(self.made)}"
        self.made[name] = value
        return name


@dataclass(frozen=True)
class Windows:
    """Which cells a convolution or a pool reads."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    def cut(self, part: Part, x: str) -> list[str]:
        """For each place in the kernel what is read there [N, C, *S'], in row-major order."""
        if any(self.pads):
            before, after = np.split(np.array(self.pads), 2)
            part_pads = np.concatenate([[0, 0], before, [0, 0], after])
            x = part.write("Pad", x, part_pads)
        return [self._at(part, x, place) for place in itertools.product(*map(range, self.kernel))]

    def _at(self, part: Part, x: str, place: Sequence[int]) -> str:
        steps, axes = np.array(self.strides), np.arange(2, 2 + len(place))
        starts = np.multiply(place, self.dilations)
        left = np.multiply(np.subtract(self.kernel, 1) - place, self.dilations)
        ends = np.where(left > 0, -left, END)
        if not starts.any() and not left.any() and (steps == 1).all():
            return x
        return part.write("Slice", x, starts, ends, axes, steps)


def windows(node: onnx.NodeProto, kernel: Sequence[int]) -> Windows | None:
    """Those of a node; None where its padding hangs on the extents, or reads beyond them."""
    attrs = attributes(node)
    count = len(kernel)
    if attrs.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or attrs.get("ceil_mode"):
        return None
    pads = attrs.get("pads", [0] * 2 * count)
    if min(pads) < 0:
        return None
    strides, dilations = (attrs.get(key, [1] * count) for key in ("strides", "dilations"))
    return Windows(tuple(kernel), tuple(strides), tuple(dilations), tuple(pads))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """By name, as Python values."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def conv(part: Part, node: onnx.NodeProto) -> bool:
    """The cells that each place of the kernel reads, side by side, times the weights.

    Columns [N, group, places C/group, cells]; weights [group, O/group, places C/group].
    """
    weights = part.values.get(node.input[1])
    found = None if weights is None else windows(node, weights.shape[2:])
    if weights is None or found is None:
        return False
    groups, (out, own) = attributes(node).get("group", 1), weights.shape[:2]
    cut = found.cut(part, node.input[0])
    rows = np.array([0, groups, own, -1])
    columns = [part.write("Reshape", one, rows) for one in cut]
    column = columns[0] if len(columns) == 1 else part.write("Concat", *columns, axis=2)
    matrix = weights.astype(np.float64).reshape(groups, out // groups, own, -1).swapaxes(2, 3)
    flat = part.write("MatMul", matrix.reshape(groups, out // groups, -1).copy(), column)
    spatial = part.write("Slice", part.write("Shape", cut[0]), np.array([2]), np.array([END]))
    shape = part.write("Concat", np.array([0, out]), spatial, axis=0)
    biased = len(node.input) > 2 and node.input[2]
    y = part.write("Reshape", flat, shape, output="" if biased else node.output[0])
    if biased:
        ones = np.array([1, -1, *[1] * (weights.ndim - 2)])
        bias = part.write("Reshape", node.input[2], ones)
        part.write("Add", y, bias, output=node.output[0])
    return True


def average_pool(part: Part, node: onnx.NodeProto) -> bool:
    """The mean of what the places of the kernel read; zeros around count where they are said to."""
    attrs = attributes(node)
    found = windows(node, attrs["kernel_shape"])
    if found is None or (any(found.pads) and not attrs.get("count_include_pad")):
        return False
    cut = found.cut(part, node.input[0])
    total = cut[0] if len(cut) == 1 else part.write("Sum", *cut)
    part.write("Div", total, np.array(float(len(cut))), output=node.output[0])
    return True


def global_average_pool(part: Part, node: onnx.NodeProto) -> bool:
    """The mean of all places [N, C, 1, ...]."""
    rank = part.rank(node.input[0])
    if rank is None or rank < 3:
        return False
    flat = part.write("Reshape", node.input[0], np.array([0, 0, -1]))
    count = part.write("Gather", part.write("Shape", flat), np.array([2]), axis=0)
    total = part.write("ReduceSum", flat, np.array([2]), keepdims=1)
    mean = part.write("Div", total, part.write("Cast", count, to=onnx.TensorProto.DOUBLE))
    ones = np.array([0, 0, *[1] * (rank - 2)])
    part.write("Reshape", mean, ones, output=node.output[0])
    return True


def resize(part: Part, node: onnx.NodeProto) -> bool:
    """Each cell so many times over along each axis; what Resize else can do is left.

    Half of the ways to find the nearest cell are this for whole factors; whether it is the
    node's own is seen when both tails are run.
    """
    factors = _factors(part, node)
    if attributes(node).get("mode", b"nearest") != b"nearest" or factors is None:
        return False
    count = len(factors)
    apart = part.write("Unsqueeze", node.input[0], np.arange(1, 2 * count, 2))
    repeats = np.stack([np.ones(count, np.int64), factors], axis=1).ravel()
    extents = part.write("Mul", part.write("Shape", node.input[0]), factors)
    tiled = part.write("Tile", apart, repeats)
    part.write("Reshape", tiled, extents, output=node.output[0])
    return True


def _factors(part: Part, node: onnx.NodeProto) -> Array | None:
    """By how many times each axis grows; None where that is not whole, or not known."""
    names = [*node.input, "", "", ""][:4]
    scales, sizes = (part.values.get(name) for name in names[2:])
    shape = part.shapes.get(node.input[0])
    if sizes is not None and shape is not None and all(isinstance(e, int) for e in shape):
        scales = sizes / np.array(shape, np.float64)
    if scales is None or not scales.size or attributes(node).get("axes"):
        return None
    whole = np.rint(scales).astype(np.int64)
    return whole if np.array_equal(whole, scales) and (whole > 0).all() else None


def hard_sigmoid(part: Part, node: onnx.NodeProto) -> bool:
    """max(0, min(1, alpha x + beta))."""
    attrs = attributes(node)
    alpha, beta = float(attrs.get("alpha", 0.2)), float(attrs.get("beta", 0.5))
    _bounded(part, node.input[0], alpha, beta, node.output[0])
    return True


def hard_swish(part: Part, node: onnx.NodeProto) -> bool:
    """x max(0, min(1, x/6 + 1/2))."""
    gate = _bounded(part, node.input[0], 1 / 6, 0.5, "")
    part.write("Mul", node.input[0], gate, output=node.output[0])
    return True


def _bounded(part: Part, x: str, alpha: float, beta: float, output: str) -> str:
    line = part.write("Add", part.write("Mul", x, np.array(alpha)), np.array(beta))
    return part.write("Clip", line, np.array(0.0), np.array(1.0), output=output)


LOWERINGS: dict[str, Callable[[Part, onnx.NodeProto], bool]] = {
    "Conv": conv,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "Resize": resize,
}
