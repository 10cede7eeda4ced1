"""What need not be written as it was asked for, thanks to the promises about its operands.

Arithmetic and reductions read what lies under an Expand, a matrix product reads one row instead of
all where its rows are one-hot, sums of padded tensors are joined, and what works row by row does so
for their rows alone (see `few_rows`); the mean of what was put elsewhere is that of what it was
(see `early_means`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..reading.graph import Tensor
from . import few_rows as padded
from .arithmetic import real
from .op import Op
from .promises import Padded

POINTWISE = {"Mul", "Add", "Sub", "Div", "Where", "Pow"}
"""Broadcasting operators that may read what lies under an Expand."""
LINEAR_REDUCTIONS = {"ReduceSum", "ReduceMean"}
UNARY = {"Neg", "Cast", "Sqrt", "Abs", "Relu", "Sign", "Exp"}


class Shortcuts:
    """What one emitter need not write as it was asked for."""

    def __init__(self, op: Op) -> None:
        self.op = op

    def total(self, parts: Sequence[Tensor]) -> Tensor:
        """The sum; neighbours that were padded to one extent are joined instead of added."""
        joined = self._joined([self.op.promises.padded.get(t.name) for t in parts])
        if joined is None:
            return functools.reduce(self.op.Add, parts)
        return self.op.typed(joined, parts[0].shape)

    def _joined(self, parts: Sequence[Padded | None]) -> Tensor | None:
        known = sorted((p for p in parts if p is not None), key=lambda p: p.before)
        if len(known) < max(len(parts), 2) or len({p.axis for p in known}) > 1:
            return None
        ends = [p.before + p.core.shape[p.axis] for p in known]
        if [p.before for p in known] != [0, *ends[:-1]] or known[-1].after:
            return None
        return self.op.Concat(*(p.core for p in known), axis=known[0].axis)

    def find(self, op_type: str, inputs: list[Tensor], attrs: dict[str, Any]) -> Tensor | None:
        """The result of an operator without writing it as it was asked for, or None."""
        if op_type in LINEAR_REDUCTIONS and len(inputs) == 2 and self._single(*inputs):
            return inputs[0] if attrs.get("keepdims", 1) else self.op.Squeeze(*inputs)
        if op_type in ("Mul", "Div") and self._column(*inputs):
            return self._before_view(op_type, *inputs)
        if (
            op_type == "MatMul"
            and inputs[0].name in self.op.promises.one_hot
            and len(inputs[1].shape) == 2
        ):
            return self._row_of(inputs[0], inputs[1])
        if op_type == "ReduceSum" and len(inputs) == 2 and not attrs.get("keepdims", 1):
            combined = self._combined(*inputs)
            if combined is not None:
                return combined
        promised = [t for t in inputs if t.name in self.op.promises.broadcast]
        if not promised:
            return padded.find(self.op, op_type, inputs, attrs) if self.op.promises.padded else None
        under = [self.op.promises.broadcast.get(t.name, t) for t in inputs]
        full = promised[0]
        if op_type in POINTWISE and all(t.shape == full.shape for t in promised):
            return self._pointwise(op_type, full, inputs, under, attrs)
        if op_type in UNARY:
            return self.op.expand_like(self.op.emit(op_type, *under, **attrs), inputs[0])
        if op_type in LINEAR_REDUCTIONS and len(inputs) == 2:
            return self._reduced(op_type, inputs, under[0], attrs)
        if op_type == "MatMul" and full is inputs[0]:
            return self._multiplied(full, under[0], inputs[1])
        return None

    def _single(self, x: Tensor, axes: Tensor) -> bool:
        """Is there only one number along each of these axes?"""
        over = self.op.value(axes)
        if over is None or not over.size or not x.shape:
            return False
        return all(x.shape[int(axis)] == 1 for axis in over)

    def _column(self, x: Tensor, factor: Tensor) -> bool:
        """Is x a view [N, C, 1, ...] that a number scales? onnxruntime does it in spans of one."""
        maker, shape = self.op.made.get(x.name), x.shape
        if maker is None or maker.op not in ("Reshape", "Unsqueeze") or shape is None:
            return False
        value = self.op.value(factor)
        return len(shape) > 2 and shape[-1] == 1 and value is not None and value.ndim == 0

    def _before_view(self, op_type: str, x: Tensor, factor: Tensor) -> Tensor:
        """A view scaled is the view of what is scaled."""
        view = self.op.made[x.name]
        scaled = self.op.emit(op_type, view.inputs[0], factor)
        return self.op.typed(self.op.emit(view.op, scaled, *view.inputs[1:], **view.attrs), x.shape)

    def _row_of(self, rows: Tensor, matrix: Tensor) -> Tensor:
        """A product with rows of one place each reads a row of the matrix instead of all of it."""
        op, maker = self.op, self.op.made.get(matrix.name)
        index, unit = self.op.promises.one_hot[rows.name]
        if maker is not None and maker.op == "Transpose":
            found = op.Transpose(self._gathered(maker.inputs[0], index, 1), perm=[1, 0])
        else:
            found = self._gathered(matrix, index, 0)
        return found if unit else op.Mul(op.ReduceSum(rows, [1], keepdims=1), found)

    def _gathered(self, matrix: Tensor, index: Tensor, axis: int) -> Tensor:
        """Some of its rows or columns; of a quantised weight those alone are dequantised."""
        op, maker = self.op, self.op.graph.producer.get(matrix.name)
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

    def _combined(self, product: Tensor, axes: Tensor) -> Tensor | None:
        """A weighted sum over channels is a matrix product: no weighted map in between.

        Of weights [N, K, 1, ...] and a map [N, K, *S] with S static.
        """
        op, maker, over = self.op, self.op.made.get(product.name), self.op.value(axes)
        if maker is None or maker.op != "Mul" or over is None or over.tolist() != [1]:
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

    def _pointwise(
        self, op_type: str, full: Tensor, inputs: list[Tensor], under: list[Tensor], attrs: Any
    ) -> Tensor | None:
        plain = [t for t in inputs if t.name not in self.op.promises.broadcast]
        if any(t.shape == full.shape and None not in t.shape for t in plain if t.shape is not None):
            return self.op.emit(op_type, *under, **attrs)
        if all(t.shape is not None and len(t.shape) == 0 for t in plain):
            return self.op.expand_like(self.op.emit(op_type, *under, **attrs), full)
        return None

    def _multiplied(self, rows: Tensor, row: Tensor, matrix: Tensor) -> Tensor | None:
        """One row for the whole batch is multiplied once."""
        if len(rows.shape) != 2 or tuple(row.shape) != (1, rows.shape[1]) or len(matrix.shape) != 2:
            return None
        product = self.op.MatMul(row, matrix)
        shape = self.op.Concat(self.op.extent(rows, 0), self.op.extent(product, 1), axis=0)
        return self.op.broadcast(product, shape, (rows.shape[0], matrix.shape[1]))

    def _reduced(self, op_type: str, inputs: list[Tensor], under: Tensor, attrs: Any) -> Any:
        """A mean over what was only repeated is the thing itself, a sum so many times it."""
        full, axes = inputs[0], self.op.value(inputs[1])
        if axes is None or len(under.shape) != len(full.shape):
            return None
        rank = len(full.shape)
        reduced = {int(a) % rank for a in axes}
        widened = {i for i in range(rank) if under.shape[i] != full.shape[i]}
        sizes = [full.shape[i] for i in widened]
        if not widened <= reduced or not all(isinstance(s, int) for s in sizes):
            return None
        result = self.op.emit(op_type, under, inputs[1], **attrs)
        return result if op_type == "ReduceMean" else self.op.Mul(result, float(np.prod(sizes)))


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
