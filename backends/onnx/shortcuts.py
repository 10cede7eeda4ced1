"""What the emitter knows of the tensors it made, so that it need not write what costs nothing.

Five promises: a tensor is another one broadcast (an Expand), its rows are unit vectors, it is
another one padded with zeros, nothing but zeros, or its numbers are another one's, put elsewhere.
Arithmetic and reductions read what lies under the first, a matrix product reads one row instead of
all for the second, sums of the third are joined, and what works row by row does so for its rows
alone (see `padded`); the fourth is not pulled back; the mean of the last is that of the other (see
`means`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_graphsurgeon as gs

from . import padded
from .padded_views import outside
from .padding import Padded
from .prepare import Tensor
from .quantised import real
from .shapes import Shape

if TYPE_CHECKING:
    from .emit import Emitter

POINTWISE = {"Mul", "Add", "Sub", "Div", "Where", "Pow"}
"""Broadcasting operators that may read what lies under an Expand."""
LINEAR_REDUCTIONS = {"ReduceSum", "ReduceMean"}
UNARY = {"Neg", "Cast", "Sqrt", "Abs", "Relu", "Sign", "Exp"}


class Shortcuts:
    """The promises about the tensors of one emitter."""

    def __init__(self, op: Emitter) -> None:
        self.op = op
        self.padded: dict[str, Padded] = {}
        self.joints: dict[str, Padded] = {}
        """Of what is padded on two axes, how it is on the other one."""
        self.zero: set[str] = set()
        """Cotangents that are nothing but zeros."""
        self.routed: dict[str, Tensor] = {}
        """Cotangents [N, K, *S] of which each number is one of another, at some cell, or 0."""
        self.weight_means: dict[Any, gs.Constant] = {}
        """What is added to the file because the means of a weight are read instead of it."""
        self._under: dict[str, Tensor] = {}
        self._rows: dict[str, tuple[Tensor, bool]] = {}

    def promise(self, g: Tensor, target: Any, shape: Shape | None) -> Tensor:
        """g broadcast to `target`; the Expand is dead code if nobody reads it."""
        out = self.op.typed(self.op.Expand(g, target), shape)
        self._under[out.name] = g
        return out

    def under(self, g: Tensor) -> Tensor:
        """What g was broadcast from, of g's rank; g itself where it was not."""
        lying: Tensor = self._under.get(g.name, g)
        return lying if len(lying.shape) == len(g.shape) else g

    def mark_rows(self, hot: Tensor, index: Tensor) -> None:
        """Says that the rows of `hot` [N, C] are unit vectors, 1 at `index` [N]."""
        self._rows[hot.name] = index, True

    def one_place(self, rows: Tensor) -> bool:
        """Has every row but one number that is not 0? Then a product reads one row of a weight."""
        return rows.name in self._rows

    def keep(self, op_type: str, inputs: Sequence[Tensor], made: Tensor) -> None:
        """Of what was written as it was asked for: is it zero, has it rows of one place?

        What multiplies rows that are 0 but for one place leaves them so.
        """
        if op_type == "Slice" and outside(self.op, inputs):
            self.zero.add(made.name)
        count = {"Mul": 2, "Div": 1, "Cast": 1, "Neg": 1}.get(op_type, 0)
        for hot in (t for t in inputs[:count] if t.name in self._rows):
            if tuple(made.shape or ()) == tuple(hot.shape):
                self._rows[made.name] = self._rows[hot.name][0], False

    def find(self, op_type: str, inputs: list[Tensor], attrs: dict[str, Any]) -> Tensor | None:
        """The result of an operator without writing it as it was asked for, or None."""
        if op_type in LINEAR_REDUCTIONS and len(inputs) == 2 and self._single(*inputs):
            return inputs[0] if attrs.get("keepdims", 1) else self.op.Squeeze(*inputs)
        if op_type in ("Mul", "Div") and self._column(*inputs):
            return self._before_view(op_type, *inputs)
        if op_type == "MatMul" and inputs[0].name in self._rows and len(inputs[1].shape) == 2:
            return self._row_of(inputs[0], inputs[1])
        if op_type == "ReduceSum" and len(inputs) == 2 and not attrs.get("keepdims", 1):
            combined = self._combined(*inputs)
            if combined is not None:
                return combined
        promised = [t for t in inputs if t.name in self._under]
        if not promised:
            return padded.find(self.op, op_type, inputs, attrs) if self.padded else None
        under = [self._under.get(t.name, t) for t in inputs]
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
        index, unit = self._rows[rows.name]
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
        plain = [t for t in inputs if t.name not in self._under]
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
        return self.promise(product, shape, (rows.shape[0], matrix.shape[1]))

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
