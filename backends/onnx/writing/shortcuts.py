"""What need not be written as it was asked for, thanks to the promises about its operands.

Each way is a function of what is asked for, and gives the result or None; the first that finds one
is taken. Arithmetic and reductions read what lies under an Expand, a matrix product reads one row
instead of all where its rows are one-hot, and what works row by row does so for a few rows alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..reading.graph import Tensor
from . import few_rows
from .arithmetic import real
from .op import Op

POINTWISE = {"Mul", "Add", "Sub", "Div", "Where", "Pow"}
"""Broadcasting operators that may read what lies under an Expand."""
LINEAR_REDUCTIONS = {"ReduceSum", "ReduceMean"}
UNARY = {"Neg", "Cast", "Sqrt", "Abs", "Relu", "Sign", "Exp"}


class Request(NamedTuple):
    """One operator, as it was asked for."""

    operator: str
    inputs: list[Tensor]
    attrs: dict[str, Any]

    def broadcast(self, op: Op) -> list[Tensor]:
        """Its inputs that are another tensor broadcast."""
        return [t for t in self.inputs if t.name in op.promises.broadcast]

    def under(self, op: Op) -> list[Tensor]:
        """Its inputs, with what was broadcast in place of what it became."""
        return [op.promises.broadcast.get(t.name, t) for t in self.inputs]


def shorter(op: Op, operator: str, inputs: list[Tensor], attrs: dict[str, Any]) -> Tensor | None:
    """The result of an operator without writing it as it was asked for; None: write it."""
    request = Request(operator, inputs, attrs)
    found = (way(op, request) for way in WAYS)
    return next((result for result in found if result is not None), None)


def _of_one_number(op: Op, request: Request) -> Tensor | None:
    """A reduction over axes with one number along each changes nothing."""
    if request.operator not in LINEAR_REDUCTIONS or len(request.inputs) != 2:
        return None
    x, axes = request.inputs
    over = op.value(axes)
    if over is None or not over.size or not x.shape:
        return None
    if any(x.shape[int(axis)] != 1 for axis in over):
        return None
    return x if request.attrs.get("keepdims", 1) else op.Squeeze(x, axes)


def _before_view(op: Op, request: Request) -> Tensor | None:
    """A view [N, C, 1, ...] scaled by a number is the view of what is scaled.

    onnxruntime scales the view in spans of one.
    """
    if request.operator not in ("Mul", "Div"):
        return None
    x, factor = request.inputs
    view, value = op.made.get(x.name), op.value(factor)
    if view is None or view.op not in ("Reshape", "Unsqueeze") or value is None or value.ndim:
        return None
    if x.shape is None or len(x.shape) < 3 or x.shape[-1] != 1:
        return None
    scaled = op.emit(request.operator, view.inputs[0], factor)
    return op.typed(op.emit(view.op, scaled, *view.inputs[1:], **view.attrs), x.shape)


def _one_row(op: Op, request: Request) -> Tensor | None:
    """A product with rows of one place each reads a row of the matrix instead of all of it."""
    if request.operator != "MatMul" or not op.promises.one_hot_rows(request.inputs[0]):
        return None
    rows, matrix = request.inputs
    if len(matrix.shape) != 2:
        return None
    maker, (index, unit) = op.made.get(matrix.name), op.promises.one_hot[rows.name]
    if maker is not None and maker.op == "Transpose":
        found = op.Transpose(_gathered(op, maker.inputs[0], index, 1), perm=[1, 0])
    else:
        found = _gathered(op, matrix, index, 0)
    return found if unit else op.Mul(op.ReduceSum(rows, [1], keepdims=1), found)


def _gathered(op: Op, matrix: Tensor, index: Tensor, axis: int) -> Tensor:
    """Some of its rows or columns; of a quantised weight those alone are dequantised."""
    maker = op.graph.producer.get(matrix.name)
    if maker is None or maker.op != "DequantizeLinear" or maker.domain:
        return op.Gather(matrix, index, axis=axis)
    q, scale, *rest = maker.inputs
    zero = next((t for t in rest if t.name), None)
    across = maker.attrs.get("axis", 1) % 2
    whole = np.dtype(q.dtype).kind in "iu" and op.graph.constant(q)
    if not whole or len(scale.shape) > 1:
        return op.Gather(matrix, index, axis=axis)
    if across == axis and scale.shape not in ((), (1,)):
        scale = op.Gather(scale, index, axis=0)
        zero = None if zero is None else op.Gather(zero, index, axis=0)
    return real(op, op.Gather(q, index, axis=axis), scale, zero, across)


def _weighted_sum(op: Op, request: Request) -> Tensor | None:
    """A weighted sum over channels is a matrix product: no weighted map in between.

    Of weights [N, K, 1, ...] and a map [N, K, *S] with S static.
    """
    if request.operator != "ReduceSum" or len(request.inputs) != 2:
        return None
    product, axes = request.inputs
    maker, over = op.made.get(product.name), op.value(axes)
    if maker is None or maker.op != "Mul" or over is None or over.tolist() != [1]:
        return None
    if request.attrs.get("keepdims", 1):
        return None
    weights, image = maker.inputs
    if not _weigh(weights, image):
        weights, image = image, weights
        if not _weigh(weights, image):
            return None
    space = [int(s) for s in image.shape[2:]]
    row = op.Reshape(weights, [0, 1, image.shape[1]])
    flat = op.Reshape(image, [0, image.shape[1], int(np.prod(space))])
    summed = op.Reshape(op.MatMul(row, flat), [-1, *space])
    return op.typed(summed, (product.shape[0], *space))


def _weigh(weights: Tensor, image: Tensor) -> bool:
    """Is the one a weight a channel of the other, and may they be multiplied as matrices?"""
    if weights.shape is None or image.shape is None or image.dtype != np.float32:
        return False
    rank = len(image.shape)
    return (
        rank > 2
        and len(weights.shape) == rank
        and all(isinstance(s, int) and s > 0 for s in image.shape[1:])
        and weights.shape[1] == image.shape[1]
        and weights.shape[0] == image.shape[0] is not None
        and all(s == 1 for s in weights.shape[2:])
    )


def _pointwise_beneath(op: Op, request: Request) -> Tensor | None:
    """Arithmetic reads what lies under an Expand where the other operand broadcasts it anyway."""
    operator, inputs, attrs = request
    spread = request.broadcast(op)
    if operator not in POINTWISE or not spread or any(t.shape != spread[0].shape for t in spread):
        return None
    full = spread[0]
    plain = [t for t in inputs if t.name not in op.promises.broadcast]
    if any(t.shape == full.shape and None not in t.shape for t in plain if t.shape is not None):
        return _asked(op, request)
    if all(t.shape is not None and len(t.shape) == 0 for t in plain):
        return op.expand_like(op.emit(operator, *request.under(op), **attrs), full)
    return None


def _asked(op: Op, request: Request) -> Tensor:
    """The operator on what lies beneath its operands."""
    made: Tensor = op.emit(request.operator, *request.under(op), **request.attrs)
    return made


def _unary_beneath(op: Op, request: Request) -> Tensor | None:
    """What is done to each number is done before they are repeated."""
    if request.operator not in UNARY or not request.broadcast(op):
        return None
    return op.expand_like(_asked(op, request), request.inputs[0])


def _reduced_beneath(op: Op, request: Request) -> Tensor | None:
    """A mean over what was only repeated is the thing itself, a sum so many times it."""
    if request.operator not in LINEAR_REDUCTIONS or len(request.inputs) != 2:
        return None
    full, axes = request.inputs[0], op.value(request.inputs[1])
    under = request.under(op)[0]
    if under is full or axes is None or len(under.shape) != len(full.shape):
        return None
    rank = len(full.shape)
    reduced = {int(a) % rank for a in axes}
    widened = {i for i in range(rank) if under.shape[i] != full.shape[i]}
    sizes = [full.shape[i] for i in widened]
    if not widened <= reduced or not all(isinstance(s, int) for s in sizes):
        return None
    result: Tensor = op.emit(request.operator, under, request.inputs[1], **request.attrs)
    return result if request.operator == "ReduceMean" else op.Mul(result, float(np.prod(sizes)))


def _multiplied_once(op: Op, request: Request) -> Tensor | None:
    """One row for the whole batch is multiplied once."""
    if request.operator != "MatMul" or request.inputs[0].name not in op.promises.broadcast:
        return None
    rows, matrix = request.inputs
    row = request.under(op)[0]
    if len(rows.shape) != 2 or tuple(row.shape) != (1, rows.shape[1]) or len(matrix.shape) != 2:
        return None
    product = op.MatMul(row, matrix)
    shape = op.Concat(op.extent(rows, 0), op.extent(product, 1), axis=0)
    return op.broadcast(product, shape, (rows.shape[0], matrix.shape[1]))


def _multiplied_beneath(op: Op, request: Request) -> Tensor | None:
    """One row for all tokens is multiplied by a weight once."""
    if request.operator != "MatMul" or request.inputs[0].name not in op.promises.broadcast:
        return None
    full, matrix = request.inputs
    under = request.under(op)[0]
    if len(full.shape) < 3 or len(under.shape) != len(full.shape) or len(matrix.shape) != 2:
        return None
    alike = under.shape[-1] == full.shape[-1] and under.shape[-2] == 1 != full.shape[-2]
    if not alike or None in full.shape:
        return None
    product = op.MatMul(under, matrix)
    extents = [op.extent(full, i) for i in range(len(full.shape) - 1)]
    shape = op.Concat(*extents, op.extent(product, -1), axis=0)
    return op.broadcast(product, shape, (*full.shape[:-1], matrix.shape[1]))


def _of_few_rows(op: Op, request: Request) -> Tensor | None:
    """What works row by row, on a tensor that is zero but for a few rows."""
    if not op.promises.padded or request.broadcast(op):
        return None
    return few_rows.find(op, *request)


WAYS: tuple[Callable[[Op, Request], Tensor | None], ...] = (
    _of_one_number,
    _before_view,
    _one_row,
    _weighted_sum,
    _pointwise_beneath,
    _unary_beneath,
    _reduced_beneath,
    _multiplied_once,
    _multiplied_beneath,
    _of_few_rows,
)
"""In the order in which they are tried."""
