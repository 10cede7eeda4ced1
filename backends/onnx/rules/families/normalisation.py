"""Normalisations. Mean and deviation are computed anew from the input: asking the forward node for
them, or spelling them as it does, would keep the runtime from fusing it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32
from ...writing.op import Op
from ..registry import Cotangent, attribute, swapped_add, unsupported, vjp

MVN_EPSILON = 1e-9
"""What MeanVarianceNormalization adds to the deviation."""


def mean(op: Op, x: Tensor, axes: Sequence[int]) -> Tensor:
    """ReduceMean with the axes kept, spelled as a sum."""
    total = op.ReduceSum(x, list(axes), keepdims=1)
    sizes = [x.shape[axis] for axis in axes]
    if all(isinstance(size, int) for size in sizes):
        return op.Mul(total, 1.0 / float(np.prod(sizes)))
    count = functools.reduce(op.Mul, [op.extent(x, axis) for axis in axes])
    return op.Div(total, op.Cast(count, to=x.dtype))


class Moments:
    """x (wide), x less its mean over `axes`, and one over its deviation."""

    def __init__(
        self, op: Op, x: Tensor, axes: Sequence[int], epsilon: float, *, centre: bool = True
    ) -> None:
        self.op, self.axes, self.centre = op, list(axes), centre
        wide = at_least_float32(op, x)
        self.centred = op.Sub(wide, mean(op, wide, axes)) if centre else wide
        self.variance = mean(op, op.Mul(self.centred, self.centred), axes)
        self.inverse = op.Reciprocal(op.Sqrt(op.Add(epsilon, self.variance)))

    def normal(self) -> Tensor:
        """The normalised x."""
        return self.op.Mul(self.inverse, self.centred)

    def pull(self, g: Tensor) -> Tensor:
        """dx = inv (g - mean(g) - xc inv^2 mean(g xc)); without `centre` no mean(g)."""
        op, keep = self.op, {"keepdims": 1}
        slope = op.ReduceMean(op.Mul(g, self.centred), self.axes, **keep)
        slope = op.Mul(slope, op.Mul(self.inverse, self.inverse))
        rest = op.Sub(g, op.ReduceMean(g, self.axes, **keep)) if self.centre else g
        return op.Mul(op.Sub(rest, op.Mul(self.centred, slope)), self.inverse)


def per_channel(op: Op, vector: Tensor, rank: int) -> Tensor:
    """[C] as [1, C, 1, ...]."""
    return op.Unsqueeze(vector, [0, *range(2, rank)])


def over_channels(op: Op, g: Tensor) -> Tensor:
    """[N, C, ...] summed to [C]."""
    return op.ReduceSum(g, [0, *range(2, len(g.shape))], keepdims=0)


@vjp("BatchNormalization")
def batch_normalization(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Inference: y = (x - mean) scale / sqrt(var + eps) + b; the factor folds at load."""
    x, scale, _, centre, variance = node.inputs
    if attribute(node, "training_mode") or any(t.name for t in node.outputs[1:]):
        raise unsupported(node, "it is in training mode (export the model in evaluation mode)")
    rank = len(x.shape)
    spatial = attribute(node, "spatial") != 0
    inverse = op.Reciprocal(op.Sqrt(op.Add(variance, float(node.attrs["epsilon"]))))

    def shaped(vector: Tensor) -> Tensor:
        wide = op.cast_like(vector, x)
        return per_channel(op, wide, rank) if spatial else op.Unsqueeze(wide, [0])

    def summed(g: Tensor) -> Tensor:
        total = over_channels(op, g) if spatial else op.ReduceSum(g, [0], keepdims=0)
        return op.cast_like(total, scale)

    def of_scale() -> Tensor:
        return summed(op.Mul(gy, op.Mul(op.Sub(x, shaped(centre)), shaped(inverse))))

    factor = shaped(op.Mul(op.cast_like(scale, variance), inverse))
    return op.Mul(gy, factor), of_scale, lambda: summed(gy)


@vjp("LayerNormalization")
def layer_normalization(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Normalised over the axes from `axis` on."""
    return _over_last(op, node, gy, centre=True)


@vjp("RMSNormalization")
def rms_normalization(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The same with no mean taken off."""
    return _over_last(op, node, gy, centre=False)[:2]


def _over_last(op: Op, node: Node, gy: Tensor, *, centre: bool) -> tuple[Cotangent, ...]:
    x, scale = node.inputs[:2]
    axes = range(node.attrs["axis"] % len(x.shape), len(x.shape))
    epsilon = float(node.attrs["epsilon"])
    moments = Moments(op, swapped_add(op, x), axes, epsilon, centre=centre)
    g = at_least_float32(op, gy)
    return (
        lambda: op.cast_like(moments.pull(op.Mul(g, at_least_float32(op, scale))), x),
        lambda: op.cast_like(op.Mul(g, moments.normal()), scale),
        gy,
    )


@vjp("InstanceNormalization")
def instance_normalization(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Each channel of each sample over its space."""
    x, scale = node.inputs[:2]
    rank = len(x.shape)
    moments = Moments(op, x, range(2, rank), float(node.attrs["epsilon"]))
    g = at_least_float32(op, gy)
    return (
        lambda: op.cast_like(
            moments.pull(op.Mul(g, per_channel(op, at_least_float32(op, scale), rank))), x
        ),
        lambda: op.cast_like(over_channels(op, op.Mul(g, moments.normal())), scale),
        lambda: over_channels(op, gy),
    )


@vjp("GroupNormalization")
def group_normalization(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """[N, groups, -1] over its last axis; one scale a group at opset 18, one a channel since 21."""
    x, scale = node.inputs[:2]
    groups, rank = node.attrs["num_groups"], len(x.shape)
    moments = Moments(op, _grouped(op, x, groups), [2], float(node.attrs["epsilon"]))
    g = at_least_float32(op, gy)
    by_group = op.opset < 21

    def of_x() -> Tensor:
        factor = at_least_float32(op, scale)
        if by_group:
            scaled = op.Mul(_grouped(op, g, groups), per_channel(op, factor, 3))
        else:
            scaled = _grouped(op, op.Mul(g, per_channel(op, factor, rank)), groups)
        return op.cast_like(op.reshape_like(moments.pull(scaled), x), x)

    def summed(product: Tensor) -> Tensor:
        last = _grouped(op, product, groups) if by_group else op.reshape_like(product, x)
        return op.cast_like(over_channels(op, last), scale)

    def of_scale() -> Tensor:
        return summed(op.Mul(_grouped(op, g, groups), moments.normal()))

    return of_x, of_scale, lambda: summed(g)


def _grouped(op: Op, x: Tensor, groups: int) -> Tensor:
    """[N, groups, everything else]."""
    if len(x.shape) == 3 and x.shape[1] == groups:
        return x
    return op.Reshape(x, [0, groups, -1])


@vjp("MeanVarianceNormalization")
def mean_variance_normalization(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = xc / (s + 1e-9); where the deviation s is zero it has no slope of its own."""
    x = node.inputs[0]
    axes = [int(a) % len(x.shape) for a in node.attrs["axes"]]
    moments = Moments(op, x, axes, 0.0)
    deviation, g = op.Sqrt(moments.variance), at_least_float32(op, gy)
    inverse = op.Reciprocal(op.Add(deviation, MVN_EPSILON))
    divisor = op.Where(op.Greater(deviation, 0.0), deviation, np.ones((), deviation.dtype))
    slope = op.Mul(op.ReduceMean(op.Mul(g, moments.centred), axes, keepdims=1), inverse)
    slope = op.Div(slope, divisor)
    rest = op.Sub(g, op.ReduceMean(g, axes, keepdims=1))
    return op.cast_like(op.Mul(op.Sub(rest, op.Mul(moments.centred, slope)), inverse), x)


@vjp("LpNormalization")
def lp_normalization(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = x / |x|_p along `axis`; zero where the norm is zero."""
    x, axes = node.inputs[0], [node.attrs["axis"] % len(node.inputs[0].shape)]
    norm = op.emit("ReduceL1" if node.attrs["p"] == 1 else "ReduceL2", x, axes, keepdims=1)
    inverse = op.Where(op.Greater(norm, 0.0), op.Reciprocal(norm), 0.0)
    y = op.Mul(inverse, x)
    direction = op.Sign(x) if node.attrs["p"] == 1 else y
    along = op.ReduceSum(op.Mul(gy, y), axes, keepdims=1)
    return op.Mul(op.Sub(gy, op.Mul(direction, along)), inverse)


@vjp("LRN")
def lrn(op: Op, node: Node, gy: Tensor) -> Tensor:
    """y = x f^-beta with f = bias + alpha mean of x^2 over a window of channels.

    dx = g f^-beta - 2 alpha beta x W^T(g x f^(-beta-1)): the window W is wider behind than before
    when its size is even, its transpose the other way round.
    """
    x, size = node.inputs[0], node.attrs["size"]
    alpha, beta, bias = (float(node.attrs[k]) for k in ("alpha", "beta", "bias"))
    before, after = (size - 1) // 2, size // 2
    window = functools.partial(_channel_window, op, x, size)
    f = op.Add(op.Mul(window(before, after)(op.Mul(x, x)), alpha), bias)
    power = op.Pow(f, -beta)
    pulled = window(after, before)(op.Mul(op.Mul(gy, x), op.Div(power, f)))
    return op.Sub(op.Mul(gy, power), op.Mul(op.Mul(x, 2 * alpha * beta), pulled))


def _channel_window(
    op: Op, x: Tensor, size: int, before: int, after: int
) -> Callable[[Tensor], Tensor]:
    """The sum over a window of channels, divided by `size`."""
    channels = x.shape[1] if isinstance(x.shape[1], int) else op.extent(x, 1)

    def averaged(t: Tensor) -> Tensor:
        plane = op.reshape(t, [0, 1, channels, -1])
        pooled = op.AveragePool(
            plane, kernel_shape=[size, 1], pads=[before, 0, after, 0], count_include_pad=1
        )
        return op.reshape_like(pooled, x)

    return averaged
