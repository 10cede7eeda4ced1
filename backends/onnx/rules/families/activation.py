"""Activations: rectifiers, gates and softmaxes.

A rectifier's mask is read from its output, so that the runtime may still fuse it with the
convolution before it. What has to be computed again is spelled unlike the forward pass (a sigmoid
s(x) by s(-x), erf(x) by erf(-x)), because a runtime merges equal nodes first and then finds no gate
to fuse. Functions named `*_slope` give y' from x; recognised composites use them too.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from ...reading.graph import Node, Tensor
from ...reading.units import requantised
from ...writing.op import Op
from ..parts.masks import above
from ..parts.nchwc import blockable, blocked
from ..registry import Cotangent, swapped_add, vjp


@vjp("Relu")
def relu(op: Op, node: Node, gy: Tensor) -> Tensor:
    """0 at 0."""
    return op.Mul(gy, above(op, requantised(op.graph, node.outputs[0])))


@vjp("LeakyRelu")
def leaky_relu(op: Op, node: Node, gy: Tensor) -> Tensor:
    """At 0 the slope of the negative side."""
    slope = node.attrs["alpha"]
    # with a slope below 0 the output is positive on both sides
    read = requantised(op.graph, node.outputs[0]) if slope >= 0 else node.inputs[0]
    return op.Where(op.Greater(read, 0.0), gy, op.Mul(gy, slope))


@vjp("PRelu")
def prelu(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    x, slope = node.inputs
    up = op.Greater(x, 0.0)
    return (
        lambda: op.Where(up, gy, op.Mul(gy, slope)),
        lambda: op.Where(up, 0.0, op.Mul(gy, x)),
    )


@vjp("ThresholdedRelu")
def thresholded_relu(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Mul(gy, above(op, node.inputs[0], node.attrs["alpha"]))


@vjp("Shrink")
def shrink(op: Op, node: Node, gy: Tensor) -> Tensor:
    x = node.inputs[0]
    return op.Mul(gy, above(op, op.Abs(x), node.attrs["lambd"]))


@vjp("Elu")
def elu(op: Op, node: Node, gy: Tensor) -> Tensor:
    return _exponential(op, node, gy, left=node.attrs["alpha"])


@vjp("Selu")
def selu(op: Op, node: Node, gy: Tensor) -> Tensor:
    alpha, gamma = node.attrs["alpha"], node.attrs["gamma"]
    return _exponential(op, node, gy, right=gamma, left=gamma * alpha)


@vjp("Celu")
def celu(op: Op, node: Node, gy: Tensor) -> Tensor:
    return _exponential(op, node, gy, inside=1 / node.attrs["alpha"])


def _exponential(
    op: Op, node: Node, gy: Tensor, *, right: float = 1, left: float = 1, inside: float = 1
) -> Tensor:
    """y' = right for x > 0, left exp(inside x) for x <= 0."""
    x = node.inputs[0]
    up = op.Greater(x, 0.0)
    falling = op.Exp(op.Mul(op.Where(up, 0.0, x), inside))
    return op.Where(up, op.Mul(gy, right), op.Mul(gy, op.Mul(falling, left)))


@vjp("Sigmoid")
def sigmoid(op: Op, node: Node, gy: Tensor) -> Tensor:
    y = requantised(op.graph, node.outputs[0])
    return op.Mul(gy, op.Mul(y, op.Sub(1.0, y)))


@vjp("Tanh")
def tanh(op: Op, node: Node, gy: Tensor) -> Tensor:
    y = node.outputs[0]
    return op.Mul(gy, op.Sub(1.0, op.Mul(y, y)))


@vjp("HardSigmoid")
def hard_sigmoid(op: Op, node: Node, gy: Tensor) -> Tensor:
    """0 at both ends."""
    y = node.outputs[0]
    inside = op.And(op.Greater(y, 0.0), op.Less(y, 1.0))
    return op.Mul(gy, op.Mul(op.Cast(inside, to=y.dtype), node.attrs["alpha"]))


@vjp("HardSwish")
def hard_swish(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Mul(gy, hard_swish_slope(op, node.inputs[0]))


def hard_swish_slope(op: Op, x: Tensor) -> Tensor:
    """x/3 + 1/2 between -3 and 3; 0 at -3 and 1 at 3."""
    inner = op.Mul(op.Add(x, 1.5), 1 / 3)
    return op.Where(op.Less(x, 3.0), op.Mul(inner, above(op, x, -3.0)), np.ones((), x.dtype))


@vjp("Softplus")
def softplus(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Mul(gy, logistic(op, node.inputs[0]))


def logistic(op: Op, x: Tensor) -> Tensor:
    """The sigmoid of x, by Tanh(x / 2)."""
    return op.Add(op.Mul(op.Tanh(op.Mul(x, 0.5)), 0.5), 0.5)


@vjp("Softsign")
def softsign(op: Op, node: Node, gy: Tensor) -> Tensor:
    """1 / (1 + |x|)^2."""
    root = op.Add(op.Abs(node.inputs[0]), 1.0)
    return op.Div(gy, op.Mul(root, root))


@vjp("Gelu")
def gelu(op: Op, node: Node, gy: Tensor) -> Tensor:
    slope = gelu_tanh_slope if node.attrs["approximate"] == "tanh" else gelu_slope
    return op.Mul(gy, slope(op, swapped_add(op, node.inputs[0])))


def gelu_slope(op: Op, x: Tensor) -> Tensor:
    """Phi(x) + x phi(x)."""
    cumulative = op.Sub(0.5, op.Mul(op.Erf(op.Mul(x, -sqrt(0.5))), 0.5))
    scaled = op.Mul(x, sqrt(0.5))
    density = op.Exp(op.Neg(op.Mul(scaled, scaled)))
    return op.Add(cumulative, op.Mul(x, op.Mul(density, 1 / sqrt(2 * pi))))


def gelu_tanh_slope(op: Op, x: Tensor) -> Tensor:
    """y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3)."""
    linear, cubic = sqrt(2 / pi), sqrt(2 / pi) * 0.044715
    root = op.Mul(x, sqrt(cubic))
    square = op.Mul(root, root)
    t = op.Tanh(op.Mul(x, op.Add(square, linear)))
    du = op.Add(op.Mul(square, 3.0), linear)
    curve = op.Mul(op.Mul(x, du), op.Sub(1.0, op.Mul(t, t)))
    return op.Mul(op.Add(op.Add(curve, t), 1.0), 0.5)


@vjp("Swish")
def swish(op: Op, node: Node, gy: Tensor) -> Tensor:
    slope = silu_slope(op, node.inputs[0], node.outputs[0], node.attrs["alpha"])
    return op.Mul(gy, slope)


def silu_slope(op: Op, x: Tensor, y: Tensor, alpha: float = 1.0) -> Tensor:
    """y = x s(alpha x), s the sigmoid: with u = s(-alpha x), so that s + u = 1, it is
    s + alpha y u = 1 - u (1 - alpha y). The first is for maps, whose sigmoid is taken anew.
    """
    scaled = y if alpha == 1 else op.Mul(y, alpha)
    if alpha == 1 and blockable(x):
        s = op.Sigmoid(blocked(op, x))
        return op.Add(op.Mul(op.HardSigmoid(s, alpha=-1.0, beta=1.0), scaled), s)
    u = op.Sigmoid(op.Neg(x) if alpha == 1 else op.Mul(x, -alpha))
    return op.Sub(1.0, op.Mul(u, op.Sub(1.0, scaled)))


@vjp("Mish")
def mish(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = x t with t = tanh(softplus(x)): t + x (1 - t^2) sigmoid(x)."""
    x = node.inputs[0]
    t = op.Tanh(op.Softplus(x))
    inner = op.Mul(op.Sub(1.0, op.Mul(t, t)), logistic(op, x))
    return op.Mul(gy, op.Add(op.Mul(x, inner), t))


def softmax_axes(node: Node) -> list[int]:
    """What is normalised over: one axis, or before opset 13 all from `axis` on."""
    rank, axis = len(node.inputs[0].shape), node.attrs["axis"]
    return list(range(axis % rank, rank)) if node.attrs["flatten"] else [axis]


@vjp("Softmax")
def softmax(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y (gy - sum gy y)."""
    y = requantised(op.graph, node.outputs[0])
    total = op.ReduceSum(op.Mul(gy, y), softmax_axes(node), keepdims=1)
    return op.Mul(y, op.Sub(gy, total))


@vjp("LogSoftmax")
def log_softmax(op: Op, node: Node, gy: Tensor) -> Tensor:
    """gy - exp(y) sum gy."""
    total = op.ReduceSum(gy, softmax_axes(node), keepdims=1)
    return op.Sub(gy, op.Mul(op.Exp(node.outputs[0]), total))


@vjp("ImageScaler")
def image_scaler(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = scale x + bias, an operator of the oldest exporters."""
    return op.Mul(gy, node.attrs.get("scale", 1.0))
