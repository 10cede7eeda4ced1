"""What an old opset lacks, said with what it has; see `spelling`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cam_core.errors import ModelError

from ..reading.graph import Tensor
from .arithmetic import at_least_float32, sign
from .op import Op


def lower(op: Op, op_type: str, inputs: list[Tensor], attrs: dict[str, Any]) -> Any:
    """What an old opset lacks, said with what it has; None where nothing is lacking."""
    since, lowering = LOWERINGS.get(op_type, (0, None))
    if lowering is None or op.opset >= since:
        return None
    return lowering(op, *inputs, **attrs)


def _where(op: Op, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Opset 7 and 8: exact for finite numbers."""
    keep = op.Cast(condition, to=a.dtype)
    return op.Add(op.Mul(keep, a), op.Mul(op.Sub(1.0, keep), b))


def _gemm(op: Op, a: Tensor, b: Tensor, *c: Tensor, **attrs: Any) -> Tensor | None:
    """Before opset 11 it needs its third operand."""
    return None if c else op.Gemm(a, b, np.zeros(1, a.dtype), **attrs)


def _equal(op: Op, a: Tensor, b: Tensor) -> Tensor | None:
    """Before opset 11 Equal takes integers only; browsers lack Or."""
    if np.issubdtype(np.dtype(a.dtype), np.floating):
        return op.And(op.Not(op.Greater(a, b)), op.Not(op.Less(a, b)))
    return None


def _greater_or_equal(op: Op, a: Tensor, b: Tensor) -> Tensor:
    return op.Not(op.Less(a, b))


def _less_or_equal(op: Op, a: Tensor, b: Tensor) -> Tensor:
    return op.Not(op.Greater(a, b))


def _comparison(name: str) -> Callable[..., Tensor | None]:
    def lowered(op: Op, a: Tensor, b: Tensor) -> Tensor | None:
        """Opset 7 and 8 compare floating point numbers only."""
        if np.issubdtype(np.dtype(a.dtype), np.floating):
            return None
        return op.emit(name, op.Cast(a, to=np.float32), op.Cast(b, to=np.float32))

    return lowered


def _expand(op: Op, x: Tensor, shape: Tensor) -> Tensor:
    """Opset 7: by an addition, or by repeating the axes of extent 1."""
    dims = op.value(shape)
    if dims is not None:
        return op.Add(x, np.zeros(dims, x.dtype))
    if not shape.shape or x.shape is None or None in (*x.shape, shape.shape[0]):
        raise ModelError(
            "opset 7 cannot broadcast a tensor of unknown shape; convert the model with "
            "onnx.version_converter.convert_version(model, 13)"
        )
    lead = shape.shape[0] - len(x.shape)
    x = op.Unsqueeze(x, list(range(lead))) if lead else x
    once = np.array([extent != 1 for extent in x.shape], np.int64)
    return op.Tile(x, op.Add(op.Mul(shape, 1 - once), once))


def _pair(comparison: str) -> Callable[..., Tensor | None]:
    def lowered(op: Op, *inputs: Tensor) -> Tensor | None:
        """Before opset 8 Max and Min do not broadcast (and before 12 take no integers)."""
        if len(inputs) != 2:
            return None
        a, b = inputs
        if a.shape == b.shape and np.issubdtype(np.dtype(a.dtype), np.floating):
            return None
        return op.Where(op.emit(comparison, a, b), a, b)

    return lowered


def _gelu(op: Op, x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        cubic = op.Mul(op.Mul(op.Mul(x, x), x), 0.044715)
        bent = op.Tanh(op.Mul(op.Add(x, cubic), math.sqrt(2 / math.pi)))
    else:
        bent = op.Erf(op.Mul(x, math.sqrt(0.5)))
    return op.Mul(op.Mul(x, 0.5), op.Add(bent, 1.0))


def _swish(op: Op, x: Tensor, alpha: float = 1.0) -> Tensor:
    return op.Mul(x, op.Sigmoid(x if alpha == 1 else op.Mul(x, alpha)))


def _hard_swish(op: Op, x: Tensor) -> Tensor:
    return op.Mul(x, op.HardSigmoid(x, alpha=1 / 6, beta=0.5))


def _softmax(op: Op, x: Tensor, axis: int | None = None) -> Tensor | None:
    """Before opset 13 it takes all axes from `axis` on at once, by default from the second."""
    if axis is None:
        return op.Softmax(x, axis=-1)
    last = len(x.shape) - 1
    if axis % len(x.shape) == last:
        return None
    order = [i for i in range(last + 1) if i != axis % (last + 1)] + [axis % (last + 1)]
    back = [order.index(i) for i in range(last + 1)]
    return op.Transpose(op.Softmax(op.Transpose(x, perm=order), axis=last), perm=back)


def _layer_normalization(
    op: Op,
    x: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    centred = op.Sub(
        at_least_float32(op, x),
        op.ReduceMean(at_least_float32(op, x), _last_axes(x, axis), keepdims=1),
    )
    y = op.Mul(op.cast_like(_scaled(op, centred, _last_axes(x, axis), epsilon), x), scale)
    return y if bias is None or not bias.name else op.Add(y, bias)


def _rms_normalization(
    op: Op,
    x: Tensor,
    scale: Tensor,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    y = _scaled(op, at_least_float32(op, x), _last_axes(x, axis), epsilon)
    return op.Mul(op.cast_like(y, scale), scale)


def _scaled(op: Op, x: Tensor, axes: list[int], epsilon: float) -> Tensor:
    """x by the root of its mean square."""
    square = op.ReduceMean(op.Mul(x, x), axes, keepdims=1)
    return op.Div(x, op.Sqrt(op.Add(square, epsilon)))


def _last_axes(x: Tensor, axis: int) -> list[int]:
    return list(range(axis % len(x.shape), len(x.shape)))


LOWERINGS: dict[str, tuple[int, Callable[..., Any]]] = {
    "Where": (9, _where),
    "Equal": (11, _equal),
    "Greater": (9, _comparison("Greater")),
    "Less": (9, _comparison("Less")),
    "GreaterOrEqual": (12, _greater_or_equal),
    "LessOrEqual": (12, _less_or_equal),
    "Expand": (8, _expand),
    "Gemm": (11, _gemm),
    "Sign": (9, sign),
    "Max": (8, _pair("Greater")),
    "Min": (8, _pair("Less")),
    "Gelu": (20, _gelu),
    "Swish": (24, _swish),
    "HardSwish": (14, _hard_swish),
    "Softmax": (13, _softmax),
    "LayerNormalization": (17, _layer_normalization),
    "RMSNormalization": (23, _rms_normalization),
}
