"""Shapes, static or not: reshaping, broadcasting and its reverse, in whatever nodes they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ..reading.graph import Shape, Tensor
from .op import Op


def extent(op: Op, x: Tensor, axis: int) -> Tensor:
    """x's extent along `axis` as an int64 vector of one element."""
    size = x.shape[axis]
    if isinstance(size, int):
        return op.constant(np.array([size], np.int64))
    return op.Slice(op.Shape(x), [axis % len(x.shape)], [axis % len(x.shape) + 1], [0])


def reshape_like(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """g with the shape of x."""
    if x.shape is not None and g.shape == x.shape and None not in x.shape:
        return g
    return op.typed(op.Reshape(g, _target(op, x)), x.shape)


def _target(op: Op, x: Tensor) -> Any:
    if x.shape is None or 0 in x.shape or sum(not isinstance(d, int) for d in x.shape) > 1:
        return op.Shape(x)
    return [d if isinstance(d, int) else -1 for d in x.shape]


def reshape(op: Op, g: Tensor, shape: Sequence[Any], like: Shape | None = None) -> Tensor:
    """g reshaped to ints, one -1 and `Tensor` extents (int64 vectors of one element).

    `like` says what the symbolic extents are, where inference cannot know.
    """
    if all(isinstance(s, int) for s in shape):
        out = op.Reshape(g, list(shape))
    else:
        parts = [s if isinstance(s, gs.Tensor) else [s] for s in shape]
        out = op.Reshape(g, op.Concat(*op.operands(parts), axis=0))
    return out if like is None else op.typed(out, like)


def expand_like(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """g broadcast to the shape of x (a promise until somebody needs it)."""
    if x.shape is not None and g.shape == x.shape and None not in x.shape:
        return g
    target: Any = op.Shape(x) if x.shape is None else _expand_target(op, g, x)
    return op.broadcast(g, target, x.shape)


def broadcast(op: Op, g: Tensor, target: Any, shape: Shape | None) -> Tensor:
    """g broadcast to `target`; the Expand is dead code if nobody reads it."""
    out = op.typed(op.Expand(g, target), shape)
    op.promises.broadcast[out.name] = g
    return out


def _expand_target(op: Op, g: Tensor, x: Tensor) -> Any:
    have = (1,) * (len(x.shape) - len(g.shape)) + tuple(g.shape)
    dims = []
    for mine, theirs in zip(have, x.shape, strict=True):
        if isinstance(theirs, int):
            dims.append(theirs)
        elif theirs is not None and mine == theirs:
            dims.append(1)
        else:
            return op.Shape(x)
    return dims


def sum_to(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """g summed over what broadcasting made of x, so that it has x's shape."""
    if g.shape is None or x.shape is None:
        return _sum_dynamic(op, g, x)
    lead = len(g.shape) - len(x.shape)
    axes = list(range(lead))
    for axis, (have, want) in enumerate(zip(g.shape[lead:], x.shape, strict=True), lead):
        if want == 1 and have != 1:
            axes.append(axis)
        elif have not in (1, want) and not isinstance(want, int):
            return _sum_dynamic(op, g, x)
    if not axes:
        return g
    kept = op.ReduceSum(g, axes, keepdims=1)
    return kept if lead == 0 else op.reshape_like(kept, x)


def _sum_dynamic(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """The same where an extent may or may not be 1 at run time."""
    wide, mine = op.Shape(g), op.Shape(x)
    lead = op.Sub(op.Shape(wide), op.Shape(mine))
    padded = op.Concat(op.ConstantOfShape(lead, value=np.ones(1, np.int64)), mine, axis=0)
    shrunk = op.And(op.Equal(padded, np.array([1])), op.Not(op.Equal(wide, padded)))
    axes = op.Reshape(op.NonZero(shrunk), [-1])
    summed = op.ReduceSum(g, axes, keepdims=1, noop_with_empty_axes=1)
    return op.typed(op.Reshape(summed, mine), x.shape)
