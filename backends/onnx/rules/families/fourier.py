"""Fourier transforms, whose adjoint is the transform in the other direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import Extent, as_number, extent, fitted, minus, pad, positions
from ..registry import Cotangent, optional, unsupported, vjp
from ..spelled_out import body

AXIS_INPUT = 20
"""The opset since which a DFT takes its axis as an input."""


@vjp("DFT")
def dft(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y = F x over n samples: gx = n F^-1 gy; and of y = F^-1 x it is F gy / n.

    What the transform pads is cut off, what it leaves out is zero, of a real x the real part stays.
    """
    x = node.inputs[0]
    axis, inverse = _axis(op, node), bool(node.attrs["inverse"])
    before, samples = extent(op, x, axis), _samples(op, node, axis)
    if inverse and node.attrs["onesided"]:
        return _of_half_spectrum(op, node, gy, axis), None, None
    if node.attrs["onesided"]:
        gy = pad(op, gy, {axis: (0, minus(op, samples, extent(op, gy, axis)))})
    g = transform(op, gy, axis, inverse=not inverse)
    count = as_number(op, samples, gy)
    g = op.Div(g, count) if inverse else op.Mul(g, count)
    if x.shape[-1] == 1:
        g = op.Slice(g, [0], [1], [-1])
    if optional(node, 1) is not None:
        g = fitted(op, g, {axis: (0, minus(op, before, samples))}, x)
    return op.typed(g, x.shape), None, None


def transform(
    op: Op, x: Tensor, axis: int, *, inverse: bool = False, onesided: bool = False
) -> Tensor:
    """A DFT as the opset has it."""
    attrs: dict[str, Any] = {"inverse": int(inverse), "onesided": int(onesided)}
    if op.opset < AXIS_INPUT:
        return op.DFT(x, axis=axis, **attrs)
    return op.DFT(x, None, np.array(axis), **attrs)


def _axis(op: Op, node: Node) -> int:
    given = optional(node, 2)
    axis = node.attrs.get("axis", -2) if given is None else op.value(given)
    if axis is None:
        raise unsupported(node, "the axis is known at run time only")
    return int(axis) % len(node.inputs[0].shape)


def _samples(op: Op, node: Node, axis: int) -> Extent:
    """How many samples are transformed."""
    length = optional(node, 1)
    if length is None:
        return extent(op, node.inputs[0], axis)
    value = op.value(length)
    return op.Cast(op.Reshape(length, [1]), to=np.int64) if value is None else int(value.item())


def _of_half_spectrum(op: Op, node: Node, gy: Tensor, axis: int) -> Tensor:
    """y_t = (X_0 + 2 Re sum_k X_k e^(2 pi i k t / n) + X_(n/2) (-1)^t) / n over half a spectrum."""
    x, samples = node.inputs[0], gy.shape[axis]
    bins = x.shape[axis]
    if not isinstance(samples, int) or bins != samples // 2 + 1:
        raise unsupported(node, f"{bins} bins of a spectrum give {samples} samples")
    twice = np.full(bins, 2 / samples)
    twice[0] = 1 / samples
    if samples % 2 == 0:
        twice[-1] = 1 / samples
    aligned = twice.reshape(-1, *[1] * (len(x.shape) - axis - 1)).astype(gy.dtype)
    return op.Mul(transform(op, gy, axis, onesided=True), aligned)


@body("STFT")
def stft(op: Op, node: Node) -> Tensor:
    """The DFT of each frame x[f step : f step + n] times the window; x [N, T, 1 or 2]."""
    x, step = node.inputs[:2]
    window, length = optional(node, 2), optional(node, 3)
    count = extent(op, node.outputs[0], 1)
    if window is not None:
        samples = extent(op, window, 0)
    elif length is None:
        samples = extent(op, x, 1)
    else:
        value = op.value(length)
        samples = op.Reshape(length, [1]) if value is None else int(value.item())
    frames = op.Gather(x, _read(op, count, op.value(step), step, samples), axis=1)
    if window is not None:
        frames = op.Mul(frames, op.Unsqueeze(window, [1]))
    return transform(op, frames, 2, onesided=bool(node.attrs["onesided"]))


def _read(op: Op, count: Extent, hop: Any, step: Tensor, samples: Extent) -> Tensor:
    """Which samples each frame reads, [F, n]."""
    if isinstance(count, int) and isinstance(samples, int) and hop is not None:
        return op.constant(np.arange(count)[:, None] * int(hop.item()) + np.arange(samples))
    starts = op.Mul(positions(op, count), op.Cast(step, to=np.int64))
    return op.Add(op.Unsqueeze(starts, [1]), positions(op, samples))
