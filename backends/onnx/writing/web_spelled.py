"""Operators that WebGPU lacks, said with those that it has: a row of SPELLED each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..reading.graph import Tensor, static
from .arithmetic import sign
from .lowering import LOWERINGS
from .op import Op

MOST = 16
"""So many of the best are found one after the other."""


def _argmax(
    op: Op, x: Tensor, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> Tensor | None:
    """The first place of the maximum, without the int64 that ArgMax gives.

    Of a row with NaN, which equals nothing, it is the last place.
    """
    count = x.shape[axis]
    if select_last_index or not isinstance(count, int):
        return None
    place = _place(op, x, op.ReduceMax(x, [axis], keepdims=1), axis)
    return _whole(op, place if keepdims else op.Squeeze(place, [axis]))


def _place(op: Op, x: Tensor, best: Tensor, axis: int) -> Tensor:
    """Where x is `best` first, as float32; one cell along the axis."""
    numbers = _numbers(x, axis)
    found = op.Where(op.Equal(x, best), numbers, np.float32(numbers.size - 1))
    return op.ReduceMin(found, [axis], keepdims=1)


def _numbers(x: Tensor, axis: int) -> Any:
    """0, 1, 2, ... along the axis."""
    along = [-1 if i == axis % len(x.shape) else 1 for i in range(len(x.shape))]
    return np.arange(x.shape[axis], dtype=np.float32).reshape(along)


def _whole(op: Op, x: Tensor) -> Tensor:
    """A float32 tensor of whole numbers as int64, which remembers them as int32."""
    narrow: Tensor = op.Cast(x, to=np.int32)
    wide: Tensor = op.plain("Cast", narrow, to=np.int64)
    op.promises.narrow[wide.name] = narrow
    return wide


def _top_k(
    op: Op, x: Tensor, k: Tensor, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[Tensor, Tensor] | None:
    """The best, then the best of the others, and so on: its places are int64 there."""
    count = op.value(k)
    known = count is not None and isinstance(x.shape[axis], int) and int(count.item()) <= MOST
    if not (known and largest and np.issubdtype(np.dtype(x.dtype), np.floating)) or count is None:
        return None
    least = np.finfo(np.dtype(x.dtype)).min
    values, places, rest = [], [], x
    for _ in range(int(count.item())):
        values.append(op.ReduceMax(rest, [axis], keepdims=1))
        places.append(_place(op, rest, values[-1], axis))
        rest = op.Where(op.Equal(places[-1], _numbers(x, axis)), least, rest)
    if len(values) == 1:
        return values[0], _whole(op, places[0])
    return op.Concat(*values, axis=axis), _whole(op, op.Concat(*places, axis=axis))


def _one_hot(
    op: Op, indices: Tensor, depth: Tensor, values: Tensor, axis: int = -1
) -> Tensor | None:
    """On where the number of the cell is the index, which counts from the end below 0."""
    count, pair = op.value(depth), op.value(values)
    if count is None or pair is None or not static(indices.shape):
        return None
    rank = len(indices.shape) + 1
    size = int(np.ravel(count)[0])
    own = op.Cast(indices, to=np.float32)
    own = op.Unsqueeze(op.Where(op.Less(own, 0.0), op.Add(own, float(size)), own), [axis % rank])
    along = [-1 if i == axis % rank else 1 for i in range(rank)]
    here = op.Equal(own, np.arange(size, dtype=np.float32).reshape(along))
    return op.Where(here, pair[1], pair[0])


def _round(op: Op, x: Tensor) -> Tensor:
    """The nearest whole number, of two the even one: above an odd number a half is enough."""
    low = op.Floor(x)
    over = op.Sub(x, low)
    odd = op.Greater(op.Sub(low, op.Mul(op.Floor(op.Mul(low, 0.5)), 2.0)), 0.5)
    kind = np.dtype(x.dtype).type
    up = op.Greater(over, op.Where(odd, np.nextafter(kind(0.5), kind(0)), kind(0.5)))
    return op.Add(low, op.Cast(up, to=x.dtype))


def _mod(op: Op, a: Tensor, b: Tensor, fmod: int = 0) -> Tensor | None:
    """Of whole numbers, with the sign of the divisor: WGSL's division goes towards 0."""
    if fmod or np.issubdtype(np.dtype(a.dtype), np.floating):
        return None
    rest = op.Sub(a, op.Mul(op.Div(a, b), b))
    return op.Where(op.Less(op.Mul(rest, b), 0), op.Add(rest, b), rest)


def _or(op: Op, a: Tensor, b: Tensor) -> Tensor:
    return op.Not(op.And(op.Not(a), op.Not(b)))


def _space_to_depth(op: Op, x: Tensor, blocksize: int) -> Tensor | None:
    """Blocks [b, b, C] of [N, C, H, W] as channels, in this order."""
    if not static(x.shape):
        return None
    (N, C, H, W), b = x.shape, blocksize
    split = op.Transpose(op.Reshape(x, [N, C, H // b, b, W // b, b]), perm=[0, 3, 5, 1, 2, 4])
    return op.Reshape(split, [N, C * b * b, H // b, W // b])


def _hard_sigmoid(op: Op, x: Tensor, alpha: float = 0.2, beta: float = 0.5) -> Tensor | None:
    """From opset 22 on."""
    if op.opset < 22:
        return None
    return op.Min(op.Max(op.Add(op.Mul(x, alpha), beta), 0.0), 1.0)


def _global_average_pool(op: Op, x: Tensor) -> Tensor | None:
    """From opset 22 on."""
    if op.opset < 22:
        return None
    return op.ReduceMean(x, list(range(2, len(x.shape))), keepdims=1)


def _upsample(op: Op, x: Tensor, scales: Tensor, mode: str = "nearest") -> Tensor | None:
    """Opset 9, whose cell i lies at i / scale: a matrix for each axis that grows."""
    factors = op.value(scales)
    if factors is None or not static(x.shape):
        return None
    found = x
    for axis, factor in enumerate(np.ravel(factors).tolist()):
        if factor != 1:
            found = _along(op, found, axis, _growing(x.shape[axis], factor, mode))
    return found


def _growing(count: int, factor: float, mode: str) -> Any:
    """[count * factor, count]: what each new cell takes of the old ones."""
    place = np.arange(int(count * factor)) / factor
    low = np.minimum(np.floor(place).astype(np.int64), count - 1)
    part = np.minimum(place, count - 1) - low if mode == "linear" else np.zeros(len(place))
    matrix, rows = np.zeros((len(place), count)), np.arange(len(place))
    np.add.at(matrix, (rows, low), 1 - part)
    np.add.at(matrix, (rows, np.minimum(low + 1, count - 1)), part)
    return matrix.astype(np.float32)


def _along(op: Op, x: Tensor, axis: int, matrix: Any) -> Tensor:
    """A matrix [n, m] applied along one axis of extent m."""
    last = len(x.shape) - 1
    if axis == last:
        return op.MatMul(x, np.ascontiguousarray(matrix.T))
    if axis == last - 1:
        return op.MatMul(matrix, x)
    order = list(range(last + 1))
    order[axis], order[last] = last, axis
    turned = op.Transpose(x, perm=order)
    return op.Transpose(op.MatMul(turned, np.ascontiguousarray(matrix.T)), perm=order)


SPELLED: dict[str, Callable[..., Any]] = {
    "ArgMax": _argmax,
    "TopK": _top_k,
    "OneHot": _one_hot,
    "Sign": sign,
    "Round": _round,
    "Mod": _mod,
    "Or": _or,
    "SpaceToDepth": _space_to_depth,
    "HardSigmoid": _hard_sigmoid,
    "GlobalAveragePool": _global_average_pool,
    "Upsample": _upsample,
    "Swish": LOWERINGS["Swish"][1],
    "RMSNormalization": LOWERINGS["RMSNormalization"][1],
}
"""By operator: what it takes -> its result, a tuple of several, or None where there is no way."""
