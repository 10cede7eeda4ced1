"""Virtual operators of `composites`. Each reads its input and output, never what lies between, and
spells nothing as the forward pass may have spelled it.
"""

from __future__ import annotations

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32
from ...writing.op import Op
from ..registry import vjp
from .activation import silu_slope
from .normalisation import Moments


@vjp("SiLU", domain="cam")
def silu(op: Op, node: Node, gy: Tensor) -> Tensor:
    slope = silu_slope(op, node.inputs[0], node.outputs[0], float(node.attrs["alpha"]))
    return op.Mul(gy, slope)


@vjp("Mish", domain="cam")
def mish(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = x t, t = tanh(softplus(x)): y' = t + x (1 - t^2) s(x).

    With q = 1 - s(x) = (1 - tanh(x/2)) / 2 it is t = (1 - q^2) / (1 + q^2): no exponential to
    overflow.
    """
    x = node.inputs[0]
    half = op.Mul(op.Tanh(op.Mul(x, 0.5)), 0.5)
    q = op.Sub(0.5, half)
    square = op.Mul(q, q)
    t = op.Div(op.Sub(1.0, square), op.Add(1.0, square))
    bend = op.Mul(op.Mul(op.Sub(1.0, op.Mul(t, t)), op.Add(half, 0.5)), x)
    return op.Mul(gy, op.Add(t, bend))


@vjp("Standardise", domain="cam")
def standardise(op: Op, node: Node, gy: Tensor) -> Tensor:
    """x over its deviation along any axes, less its mean where `centre` is 1."""
    x, centre = node.inputs[0], bool(node.attrs["centre"])
    moments = Moments(op, x, node.attrs["axes"], float(node.attrs["epsilon"]), centre=centre)
    return op.cast_like(moments.pull(at_least_float32(op, gy)), x)
