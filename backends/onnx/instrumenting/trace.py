"""Runs the NumPy core on tensors of a graph, so that its formulas are written into the file.

A `Traced` answers NumPy's dispatch protocols (NEP 13 and NEP 18) by emitting ONNX operators: the
same `METHODS[name](A, G)` gives numbers for arrays and nodes for traced tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cam_core.errors import ModelError
from cam_core.maps.ranges import SHORT, runs

from ..reading.graph import Tensor
from ..writing.op import Op
from .early_means import early_mean

UFUNCS = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.true_divide: "Div",
    np.power: "Pow",
    np.negative: "Neg",
    np.absolute: "Abs",
    np.sqrt: "Sqrt",
    np.exp: "Exp",
    np.tanh: "Tanh",
    np.log: "Log",
    np.maximum: "Max",
    np.minimum: "Min",
    np.matmul: "MatMul",
    np.greater: "Greater",
    np.less: "Less",
    np.greater_equal: "GreaterOrEqual",
    np.less_equal: "LessOrEqual",
    np.equal: "Equal",
    np.logical_and: "And",
    np.logical_or: "Or",
    np.logical_not: "Not",
}


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A tensor of the graph that NumPy's functions accept."""

    def __init__(self, op: Op, tensor: Tensor, every: int | None = None) -> None:
        self.op = op
        self.tensor = tensor
        self.every = every
        """The number that each of its elements is, where that was known beforehand."""

    @property
    def shape(self) -> Any:
        """Extents: int where static, else a symbol."""
        return self.tensor.shape

    @property
    def ndim(self) -> int:
        return len(self.tensor.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        kind: np.dtype[Any] = np.dtype(self.tensor.dtype)
        return kind

    def astype(self, dtype: Any) -> Traced:
        same = self.dtype == np.dtype(dtype)
        return self if same else Traced(self.op, self.op.Cast(self.tensor, to=np.dtype(dtype)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or (ufunc not in UFUNCS and ufunc is not np.not_equal):
            return NotImplemented
        if ufunc is np.not_equal:
            return Traced(self.op, self.op.Not(self.op.Equal(*self._tensors(inputs))))
        if ufunc is np.maximum and np.isscalar(inputs[1]) and inputs[1] == 0:
            return Traced(self.op, self.op.Relu(inputs[0].tensor))
        return Traced(self.op, self.op.emit(UFUNCS[ufunc], *self._tensors(inputs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            return NotImplemented
        made = FUNCTIONS[function](self.op, *args, **kwargs)
        if isinstance(made, tuple):
            return [Traced(self.op, tensor) for tensor in made]
        return made if isinstance(made, Traced) else Traced(self.op, made)

    def __getitem__(self, index: Any) -> Traced:
        index = index if isinstance(index, tuple) else (index,)
        axes = [i for i, part in enumerate(index) if part != slice(None)]
        parts = [index[i] for i in axes]
        if not all(isinstance(p, slice) and (p.step or 1) > 0 for p in parts):
            raise TypeError("a traced tensor takes slices forwards only")
        if not axes:
            return self
        starts = [p.start or 0 for p in parts]
        stops = [np.iinfo(np.int64).max if p.stop is None else p.stop for p in parts]
        steps = [p.step or 1 for p in parts]
        given = [starts, stops, axes, *([steps] if set(steps) != {1} else [])]
        if len(given) > 3 and self.op.opset < STEPS:
            raise ModelError(f"Slice has no steps before opset {STEPS}; convert the model to it")
        return Traced(self.op, self.op.Slice(self.tensor, *given))

    def _tensors(self, operands: Sequence[Any]) -> list[Any]:
        return [unwrap(o, self.dtype) for o in operands]


def unwrap(operand: Any, dtype: np.dtype[Any]) -> Any:
    """What the emitter takes: tensors and scalars as they are, arrays in the tensor's type."""
    if isinstance(operand, Traced):
        return operand.tensor
    if isinstance(operand, np.ndarray) and np.issubdtype(operand.dtype, np.floating):
        return operand.astype(dtype)
    return operand


def _reduction(op_type: str) -> Callable[..., Tensor]:
    def traced(
        op: Op, x: Traced, axis: Any = None, *, keepdims: bool = False, dtype: Any = None
    ) -> Tensor:
        """In the tensor's own type: `dtype` is what NumPy is to sum in."""
        axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        if not list(axes):
            return x.tensor
        return op.emit(op_type, x.tensor, [a % x.ndim for a in axes], keepdims=int(keepdims))

    return traced


def _mean(op: Op, x: Traced, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    """What the mean of a cotangent is worth, its last steps need not be."""
    if keepdims and isinstance(axis, tuple):
        early = early_mean(op, x.tensor, [a % x.ndim for a in axis])
        if early is not None:
            return early
    return _reduction("ReduceMean")(op, x, axis, keepdims=keepdims)


def _where(op: Op, condition: Traced, a: Any, b: Any) -> Tensor:
    typed = next(o for o in (a, b) if isinstance(o, Traced))
    return op.Where(condition.tensor, unwrap(a, typed.dtype), unwrap(b, typed.dtype))


def _transpose(op: Op, x: Traced, axes: Sequence[int] | None = None) -> Tensor:
    perm = list(axes) if axes is not None else list(range(x.ndim))[::-1]
    return x.tensor if perm == sorted(perm) else op.Transpose(x.tensor, perm=perm)


def _reshape(op: Op, x: Traced, shape: Sequence[Any]) -> Tensor:
    """An extent that is no number is that of the same axis before: 0 says so."""
    out = op.Reshape(x.tensor, [d if isinstance(d, int) else 0 for d in shape])
    if out.shape and shape[0] == -1 and not isinstance(x.shape[0], int):
        fixed = np.prod(list(shape[1:])) == np.prod(
            [s if isinstance(s, int) else -1 for s in x.shape[1:]]
        )
        if fixed:  # the batch keeps its name
            out.shape = (x.shape[0], *out.shape[1:])
    return out


def _take(op: Op, x: Traced, indices: Any, axis: int) -> Tensor:
    """A long order made of few ranges needs no list of its cells in the file."""
    cells = np.asarray(indices)
    parts = runs(cells.tolist()) if cells.ndim == 1 and cells.size > SHORT else []
    sliced = 0 < len(parts) <= FEW and (op.opset >= STEPS or all(p.step == 1 for p in parts))
    if not sliced:
        return op.Gather(x.tensor, cells, axis=axis)
    slices = [_sliced(op, x, part, axis) for part in parts]
    return op.Concat(*slices, axis=axis) if len(slices) > 1 else slices[0]


def _sliced(op: Op, x: Traced, part: range, axis: int) -> Tensor:
    stop = part.stop if part.stop >= 0 else np.iinfo(np.int64).min
    steps = [[part.step]] if part.step != 1 else []
    return op.Slice(x.tensor, [part.start], [stop], [axis], *steps)


FEW = 16
"""Slices that are written for one order at most."""
STEPS = 10
"""The opset from which a Slice takes steps."""


def _argmax(op: Op, x: Traced, axis: int) -> Tensor:
    return op.ArgMax(x.tensor, axis=axis, keepdims=0)


def _axes(axis: Any) -> list[int]:
    return [axis] if isinstance(axis, int) else list(axis)


def _split(op: Op, x: Traced, parts: int, axis: int = 0) -> tuple[Tensor, ...]:
    """Equal parts, whatever the extent is when it runs."""
    said = {"num_outputs": parts} if op.opset >= COUNTED else {}
    found: tuple[Tensor, ...] = op.emit("Split", x.tensor, outputs=parts, axis=axis, **said)
    return found


COUNTED = 18
"""The opset from which a Split into equal parts says how many."""

FUNCTIONS: dict[Any, Callable[..., Tensor | Traced | tuple[Tensor, ...]]] = {
    np.sum: _reduction("ReduceSum"),
    np.mean: _mean,
    np.max: _reduction("ReduceMax"),
    np.min: _reduction("ReduceMin"),
    np.argmax: _argmax,
    np.where: _where,
    np.transpose: _transpose,
    np.reshape: _reshape,
    np.expand_dims: lambda op, x, axis: op.Unsqueeze(x.tensor, _axes(axis)),
    np.squeeze: lambda op, x, axis: op.Squeeze(x.tensor, _axes(axis)),
    np.take: _take,
    np.split: _split,
    np.concatenate: lambda op, xs, axis=0: op.Concat(*(x.tensor for x in xs), axis=axis),
}
"""What the functions of NumPy become, and those of the core that are `traceable`."""


def traces(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says what a function of the core becomes: traced(op, its own arguments)."""

    def register(traced: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[function] = traced
        return traced

    return register
