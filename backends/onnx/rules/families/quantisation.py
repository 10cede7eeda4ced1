"""Quantised tensors, straight through.

An integer tensor carries a floating point cotangent, per unit of the integer: quantising divides it
by the scale, dequantising multiplies it. Where the quantiser saturates the derivative is 0, which
is also what remains of a ReLU or ReLU6 that was folded into the quantiser's range.

Saturation is read from the quantised tensor: reading what was rounded would keep the runtime from
using its integer kernels (of 52 QLinearConv of a MobileNetV2 none is left). So an end bin counts as
saturated as a whole, where torch's fake quantisation still passes the half of it in the range; with
a ReLU folded in, the lowest bin is its zero. An end that the input cannot lie beyond (the mean of a
map that is not negative: ranges.py) cuts nothing off.
"""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.ranges import interval, limits
from ..registry import Cotangent, optional, unsupported, vjp


@vjp("QuantizeLinear", quantises=True)
def quantize_linear(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """q = saturate(round(x / s) + z): dx = gy / s and ds = -gy x / s^2, 0 where q saturates."""
    x, s = node.inputs[0], _scale(op, node)
    masked = unsaturated(op, node, gy)
    gx = op.Div(masked, s)

    def of_s() -> Tensor:
        return _to_scale(op, node, op.Neg(op.Div(op.Mul(masked, op.cast_like(x, s)), op.Mul(s, s))))

    return op.cast_like(gx, x), of_s


@vjp("DequantizeLinear", quantises=True)
def dequantize_linear(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y = (q - z) s: dq = gy s and ds = gy (q - z)."""
    s, y = _scale(op, node), node.outputs[0]
    return op.Mul(gy, s), lambda: _to_scale(op, node, op.Div(op.Mul(gy, y), s))


@vjp("DynamicQuantizeLinear", several=True, quantises=True)
def dynamic_quantize_linear(op: Op, node: Node, gys: tuple[Tensor | None, ...]) -> Tensor:
    """Scale and zero point are chosen so that nothing saturates; they count as constants."""
    gy = gys[0]
    if gy is None:
        raise unsupported(node, "only its scale reaches the score")
    return op.Div(gy, node.outputs[1])


def unsaturated(op: Op, node: Node, gy: Tensor) -> Tensor:
    """gy, and 0 where the quantised output lies at an end of its range that cuts the input off.

    With m the range's middle and h its half width, h - |q - m|, at most 1, is 0 at both ends.
    """
    q = node.outputs[0]
    try:
        low, high = limits(q.dtype)
    except (TypeError, ValueError):
        raise unsupported(node, f"it quantises to {q.dtype}") from None
    below, above = cuts(op, node)
    if not below and not above:
        return gy
    steps = op.Cast(q, to=np.float32)
    if below and above:
        distance = op.Abs(op.Sub(steps, (high + low) / 2))
        mask = op.HardSigmoid(distance, alpha=-1.0, beta=(high - low) / 2)
    else:
        mask = op.HardSigmoid(steps, alpha=1.0 if below else -1.0, beta=-low if below else high)
    return op.Mul(gy, op.cast_like(mask, gy))


def cuts(op: Op, node: Node) -> tuple[bool, bool]:
    """Can the input lie beyond the quantised range, on either side?"""
    low, high = limits(node.outputs[0].dtype)
    x, scale = node.inputs[:2]
    found, s, zero = interval(op, x), op.value(scale), op.value(optional(node, 2))
    if s is None or (zero is None and optional(node, 2) is not None):
        return True, True
    z = 0.0 if zero is None else zero.astype(np.float64)
    lowest, highest = (np.rint(end / s.astype(np.float64)) + z for end in found)
    return bool(np.any(lowest < low)), bool(np.any(highest > high))


def _scale(op: Op, node: Node) -> Tensor:
    """The scale, shaped so that it broadcasts against the first input."""
    x, s = node.inputs[:2]
    if not s.shape or s.shape == (1,):  # one for all
        return s
    axis = node.attrs["axis"] % len(x.shape)
    if len(s.shape) == 1:
        return op.Reshape(s, [-1 if i == axis else 1 for i in range(len(x.shape))])
    return _blocks(op, node, s, axis)


def _blocks(op: Op, node: Node, s: Tensor, axis: int) -> Tensor:
    """A scale a block along `axis`, each repeated over its block."""
    x, block = node.inputs[0], node.attrs["block_size"]
    extent = x.shape[axis]
    if not isinstance(extent, int):
        raise unsupported(node, "the blocked axis has a dynamic extent")
    blocks = np.arange(extent) // block
    return op.Gather(s, blocks, axis=axis)


def _to_scale(op: Op, node: Node, g: Tensor) -> Tensor:
    """g, of x's shape, summed to the scale's."""
    x, s = node.inputs[:2]
    if len(s.shape) == 1 and len(x.shape) > 1 and s.shape != (1,):
        axis = node.attrs["axis"] % len(x.shape)
        return op.ReduceSum(g, [i for i in range(len(x.shape)) if i != axis], keepdims=0)
    if len(s.shape) > 1:
        raise unsupported(node, "the scale of blocks depends on the layer")
    return g
