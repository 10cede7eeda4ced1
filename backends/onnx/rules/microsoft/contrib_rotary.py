"""Rotary embedding of onnxruntime's own: positions look their angles up in two tables."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..families.attention import by_head, positions
from ..registry import attribute, unsupported
from ..spelled_out import body
from .fused import MICROSOFT


@body("RotaryEmbedding", domain=MICROSOFT)
def rotary_embedding(op: Op, node: Node) -> Tensor:
    """Each pair (a, b) of a head's numbers is turned to (a cos - b sin, b cos + a sin).

    One position is the first row's, the others follow it. The attribute `scale` has no effect.
    """
    x, at, cos, sin = node.inputs[:4]
    if attribute(node, "is_packed_batching"):
        raise unsupported(node, "its batch is packed")
    heads = x if len(x.shape) == 4 else by_head(op, x, _heads(node))
    if len(at.shape) < 2 or at.shape[0] == at.shape[1] == 1:
        at = op.Add(op.Reshape(at, [1, 1]), op.Cast(positions(op, heads), to=at.dtype))
    y = turned(op, heads, at, cos, sin, interleaved=bool(attribute(node, "interleaved")))
    if len(x.shape) == 4:
        return y
    return op.reshape_like(op.Transpose(y, perm=[0, 2, 1, 3]), x)


def _heads(node: Node) -> int:
    """Of an input [N, T, heads D]: as given, or as the tables' width says."""
    count, x, cos = attribute(node, "num_heads"), node.inputs[0], node.inputs[2]
    if count:
        return int(count)
    if not (isinstance(x.shape[2], int) and isinstance(cos.shape[1], int)):
        raise unsupported(node, "the number of heads or their size is dynamic")
    return int(x.shape[2] // (2 * cos.shape[1]))


def turned(op: Op, x: Tensor, at: Tensor, cos: Tensor, sin: Tensor, *, interleaved: bool) -> Tensor:
    """x [N, H, T, D] with its first numbers, twice the tables' width, turned by position."""
    half, size = cos.shape[1], x.shape[3]
    c, s = (op.Unsqueeze(op.Gather(table, at, axis=0), [1]) for table in (cos, sin))
    part, rest = x, None
    if size != 2 * half:
        part, rest = op.Split(x, [2 * half, size - 2 * half], axis=3, outputs=2)
    if interleaved:
        pairs = op.Reshape(part, [0, 0, 0, half, 2])
        a, b = (op.Gather(pairs, np.array(i), axis=4) for i in range(2))
    else:
        a, b = op.Split(part, [half, half], axis=3, outputs=2)
    left = op.Sub(op.Mul(a, c), op.Mul(b, s))
    right = op.Add(op.Mul(b, c), op.Mul(a, s))
    if interleaved:
        both = op.Concat(op.Unsqueeze(left, [4]), op.Unsqueeze(right, [4]), axis=4)
        y = op.Reshape(both, [0, 0, 0, 2 * half])
    else:
        y = op.Concat(left, right, axis=3)
    return y if rest is None else op.Concat(y, rest, axis=3)
