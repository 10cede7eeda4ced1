"""Cotangents that are zero but for a few rows: what reads one token has no other.

A gathered class token's cotangent is one row of zeros' many. Whatever works row by row is written
for that row alone, and what it reads of the forward pass is read, or computed again, for that row.
Only where rows are mixed do the zeros have to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ..reading.graph import Tensor
from .op import Op
from .padded_views import concatenated, sliced, viewed, widened
from .padding import around
from .promises import Padded

ZERO_AT_ZERO = {"Neg", "Cast", "Abs", "Sign", "Relu", "Identity"}
"""Elementwise operators that leave zeros zero."""
ELEMENTWISE = ZERO_AT_ZERO | {
    *("Add", "Sub", "Mul", "Div", "Pow", "Where", "Max", "Min", "And", "Or", "Not", "Equal"),
    *("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Reciprocal", "Sqrt", "Exp", "Log"),
    *("Erf", "Tanh", "Sigmoid", "HardSigmoid", "Sin", "Cos"),
}
"""What can be computed for some rows alone."""
REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")
DEEPEST = 24
"""How far back rows are computed again instead of cut out of the result."""


def find(op: Op, op_type: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Tensor | None:
    """The result of an operator on padded tensors, computed on what they pad; None: no such way."""
    flat = _flattened(op, inputs[0])
    found = None if flat is None else _unflattened(op, op_type, flat, inputs, attrs)
    if found is not None:
        return found
    padded = [op.promises.padded.get(t.name) for t in inputs]
    known = [p for p in padded if p is not None]
    if op_type == "Slice" and known:
        return sliced(op, inputs, known[0])
    if not known or not all(p.sparse and p.beside(known[0]) for p in known):
        return None
    if op_type in ZERO_AT_ZERO:
        return around(op, known[0].of(op.emit(op_type, known[0].core, **attrs), known[0].axis))
    if op_type in ("Add", "Sub", "Mul", "Div", "Where"):
        return _pointwise(op, op_type, inputs, padded)
    if op_type in ("ReduceSum", "ReduceMean") and len(inputs) == 2:
        return _reduced(op, op_type, known[0], inputs[1], attrs)
    if op_type == "MatMul" and len(known) == 1:
        return _product(op, inputs, padded)
    if op_type == "Transpose":
        perm = list(attrs["perm"])
        core = op.Transpose(known[0].core, perm=perm)
        return around(op, known[0].of(core, perm.index(known[0].axis)))
    if op_type in ("Reshape", "Squeeze", "Unsqueeze"):
        return viewed(op, op_type, inputs, known[0])
    if op_type == "Pad":
        return widened(op, inputs, known[0], attrs)
    if op_type == "Concat" and len(known) == len(inputs):
        return concatenated(op, known, attrs)
    return None


def _pointwise(
    op: Op, op_type: str, inputs: Sequence[Tensor], padded: Sequence[Padded | None]
) -> Tensor | None:
    """Zero outside the rows: a factor, a numerator, or all that is added or chosen from."""
    place = next(p for p in padded if p is not None)
    needed = {"Mul": [], "Div": [0], "Where": [1, 2]}.get(op_type, [0, 1])
    if not all(padded[i] is not None or _zero(op, inputs[i]) for i in needed):
        return None
    rank = len(place.core.shape)
    if any(t.shape is None or len(t.shape) > rank for t in inputs):
        return None
    axis = place.axis - rank
    cores = [
        p.core if p is not None else rows(op, t, axis, place)
        for t, p in zip(inputs, padded, strict=True)
    ]
    core = op.emit(op_type, *cores)
    return None if len(core.shape) != rank else around(op, place.of(core, place.axis))


def _zero(op: Op, tensor: Tensor) -> bool:
    value = op.value(tensor)
    return value is not None and not np.any(value)


def _reduced(
    op: Op, op_type: str, place: Padded, axes: Tensor, attrs: dict[str, Any]
) -> Tensor | None:
    value, rank = op.value(axes), len(place.core.shape)
    if value is None or not value.size:
        return None
    reduced = {int(a) % rank for a in value}
    if place.axis in reduced:
        return op.emit(op_type, place.core, axes, **attrs) if op_type == "ReduceSum" else None
    core = op.emit(op_type, place.core, axes, **attrs)
    gone = 0 if attrs.get("keepdims", 1) else sum(a < place.axis for a in reduced)
    return around(op, place.of(core, place.axis - gone))


def _product(op: Op, inputs: Sequence[Tensor], padded: Sequence[Padded | None]) -> Tensor | None:
    """A B: rows of A, columns of B and batches are the product's, what is summed is cut on both."""
    first = padded[0] is not None
    place = padded[0] or padded[1]
    other = inputs[1 if first else 0]
    assert place is not None
    rank = len(place.core.shape)
    if rank < 2 or other.shape is None or not 2 <= len(other.shape) <= rank:
        return None
    axis = place.axis - rank
    kept, shared = (-2, -1) if first else (-1, -2)
    if axis == shared:
        other = rows(op, other, kept, place)
    elif axis not in (-1, -2):
        other = rows(op, other, axis, place)
    elif axis != kept:
        return None
    core = op.MatMul(place.core, other) if first else op.MatMul(other, place.core)
    return core if axis == shared else around(op, place.of(core, place.axis))


def _flattened(op: Op, x: Tensor) -> Tensor | None:
    """The padded [T, ..., K] whose view [T ..., K] x is: nobody counts the zeros of x itself."""
    maker = op.made.get(x.name)
    if maker is None or maker.op != "Reshape" or x.shape is None or len(x.shape) != 2:
        return None
    source = maker.inputs[0]
    known = op.promises.padded.get(source.name)
    whole = known is not None and known.sparse and known.axis < len(source.shape) - 1
    return source if whole and source.shape[-1] == x.shape[-1] else None


def _unflattened(
    op: Op, op_type: str, x: Tensor, inputs: Sequence[Tensor], attrs: dict[str, Any]
) -> Tensor | None:
    """What works row by row is done before the rows of all tokens are laid one after the other."""
    if op_type in ZERO_AT_ZERO:
        found = op.emit(op_type, x, **attrs)
    elif op_type == "MatMul" and len(inputs[1].shape or ()) == 2:
        found = op.MatMul(x, inputs[1])
    elif op_type == "Reshape":
        target = op.value(inputs[1])
        return None if target is None or 0 in target else op.Reshape(x, target)
    else:
        return None
    shape = inputs[0].shape[0], found.shape[-1]
    return op.typed(op.Reshape(found, [-1, shape[1]]), shape)


def rows(op: Op, tensor: Tensor, axis: int, place: Padded, depth: int = 0) -> Tensor:
    """`tensor` at the rows of `place`, its own `axis` (negative); computed for them alone."""
    if -axis > len(tensor.shape) or tensor.shape[axis] == 1:
        return tensor
    known = op.promises.padded.get(tensor.name)
    if known is not None and known.axis - len(known.core.shape) == axis and known.beside(place):
        return known.core
    maker = op.made.get(tensor.name)
    if maker is not None and depth < DEEPEST:
        found = _again(op, maker, axis, place, depth + 1)
        if found is not None:
            return found
    start, stop = place.before, place.extent - place.after
    value = tensor.values if isinstance(tensor, gs.Constant) else None
    if value is not None:
        return op.constant(value.take(range(start, stop), axis=axis))
    at = axis % len(tensor.shape)
    shape = (*tensor.shape[:at], stop - start, *tensor.shape[at + 1 :])
    return op.typed(op.Slice(tensor, [start], [stop], [at]), shape)


def _again(op: Op, maker: Any, axis: int, place: Padded, depth: int) -> Tensor | None:
    """An emitted operator, written for some rows; None where it mixes them."""
    ranks = [len(t.shape) for t in maker.inputs if t.shape is not None]
    if maker.op in ELEMENTWISE and len(ranks) == len(maker.inputs):
        parts = [rows(op, t, axis, place, depth) for t in maker.inputs]
        return op.emit(maker.op, *parts, **maker.attrs)
    if maker.op in REDUCTIONS and maker.attrs.get("keepdims", 1):
        given = maker.attrs.get("axes")
        given = op.value(maker.inputs[1]) if given is None and len(maker.inputs) > 1 else given
        if given is None or any(int(a) % ranks[0] == axis % ranks[0] for a in given):
            return None
        part = rows(op, maker.inputs[0], axis, place, depth)
        return op.emit(maker.op, part, [int(a) for a in given], keepdims=1)
    if maker.op == "Transpose":
        perm = list(maker.attrs["perm"])
        part = rows(op, maker.inputs[0], perm[axis] - len(perm), place, depth)
        return op.Transpose(part, perm=perm)
    return None
