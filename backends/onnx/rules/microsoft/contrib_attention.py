"""Attention as onnxruntime's transformer fusions write it: projections and masks are inside.

What each body emits is the operator as its CPU kernel computes it. A mask of integers becomes a
number added to the scores, `mask_filter_value`; what causality forbids becomes the lowest one.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32, transposed
from ...writing.op import Op
from ..families.attention import END, EXCHANGE, after, by_head, positions, require_full
from ..registry import attribute, optional, unsupported
from ..spelled_out import body
from .fused import MICROSOFT

FILTER = -10000.0
"""What masked scores receive where `mask_filter_value` is not given."""


@body("Attention", domain=MICROSOFT)
def attention(op: Op, node: Node) -> tuple[Tensor, Tensor | None]:
    """y = softmax(scale Q K^T + mask) V with [Q, K, V] = x W + b; the cache before K and V."""
    bias, projected = optional(node, 2), op.MatMul(*node.inputs[:2])
    if bias is not None:
        projected = op.Add(projected, bias)
    return of_projected(
        op, node, projected, optional(node, 3), optional(node, 4), optional(node, 5)
    )


def of_projected(
    op: Op,
    node: Node,
    projected: Tensor,
    mask: Tensor | None,
    past: Tensor | None,
    scores: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """y and the cache from [Q, K, V] in one tensor; `scores` are added to the scores."""
    for name in ("do_rotary", "past_present_share_buffer"):
        if attribute(node, name):
            raise unsupported(node, f"{name} is set")
    sizes = attribute(node, "qkv_hidden_sizes") or [_extent(node, projected, 2) // 3] * 3
    parts = op.Split(projected, [int(size) for size in sizes], axis=2, outputs=3)
    q, k, v = (by_head(op, part, node.attrs["num_heads"]) for part in parts)
    if past is not None:
        k, v = (after(op, op.Gather(past, np.array(i), axis=0), t) for i, t in enumerate((k, v)))
    added = [_masked(op, node, mask, q, k), scores, _causal(op, node, q, k)]
    y = attended(op, node, q, k, v, added)
    if k.shape[3] != v.shape[3]:  # no cache can hold both
        return y, None
    return y, op.Concat(op.Unsqueeze(k, [0]), op.Unsqueeze(v, [0]), axis=0)


@body("MultiHeadAttention", domain=MICROSOFT)
def multi_head_attention(op: Op, node: Node) -> tuple[Tensor, ...]:
    """The same of given Q, K and V, which may be packed into one tensor or two, or by head."""
    if optional(node, 8) is not None or optional(node, 9) is not None:
        raise unsupported(node, "its cache is shared between past and present")
    require_unread(op, node, 3)
    q, k, v = _biased(op, node, *_unpacked(op, node))
    past_k, past_v = optional(node, 6), optional(node, 7)
    longer = "unidirectional" in node.attrs and k.shape[2] != q.shape[2]
    if longer and attribute(node, "unidirectional"):
        raise unsupported(node, "it is unidirectional over keys that are not its queries'")
    k, v = after(op, past_k, k), after(op, past_v, v)
    added = [_masked(op, node, optional(node, 4), q, k), optional(node, 5)]
    return attended(op, node, q, k, v, [*added, _causal(op, node, q, k)]), k, v


def _unpacked(op: Op, node: Node) -> tuple[Tensor, Tensor, Tensor]:
    """Q, K and V: [N, T, D], or [N, heads, T, D] where a cache is handed in as K and V."""
    q, k, v = node.inputs[0], optional(node, 1), optional(node, 2)
    if k is None:
        if len(q.shape) != 5:
            raise unsupported(node, "its keys are missing")
        q, k, v = _layers(op, q, 3)
    elif len(k.shape) == 5:
        k, v = _layers(op, k, 2)
    if v is None:
        raise unsupported(node, "its values are missing")
    return q, k, v


def _layers(op: Op, x: Tensor, count: int) -> list[Tensor]:
    """[N, T, heads, count, D] as `count` tensors [N, T, heads D]."""
    parts = (op.Gather(x, np.array(i), axis=3) for i in range(count))
    return [op.Reshape(part, [0, 0, -1]) for part in parts]


def _biased(op: Op, node: Node, *tensors: Tensor) -> list[Tensor]:
    """Each with its part of the bias, head by head; a cache has none."""
    heads, bias, start = node.attrs["num_heads"], optional(node, 3), 0
    found = []
    for tensor in tensors:
        if bias is not None and len(tensor.shape) == 3:
            size = _extent(node, tensor, 2)
            tensor = op.Add(tensor, op.Slice(bias, [start], [start + size], [0]))
            start += size
        found.append(by_head(op, tensor, heads))
    return found


def attended(
    op: Op,
    node: Node,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    added: list[Tensor | None],
    sink: Tensor | None = None,
) -> Tensor:
    """softmax(cap(scale Q K^T) + added) V as [N, T, heads D]; `sink` is one more score a head."""
    scale = attribute(node, "scale") or 1 / sqrt(_extent(node, q, 3))
    cap = float(attribute(node, "softcap") or 0)
    scores = at_least_float32(op, op.MatMul(op.Mul(q, float(scale)), transposed(op, k)))
    if cap > 0:
        scores = op.Mul(op.Tanh(op.Mul(scores, 1 / cap)), cap)
    for term in added:
        scores = scores if term is None else op.Add(scores, op.cast_like(term, scores))
    if sink is None:
        shares = op.Softmax(scores, axis=3)
    else:
        column = op.Mul(op.Slice(scores, [0], [1], [3]), 0.0)
        wider = op.Concat(op.Add(column, sink), scores, axis=3)
        shares = op.Slice(op.Softmax(wider, axis=3), [1], [END], [3])
    y = op.MatMul(op.cast_like(shares, v), v)
    return op.Reshape(op.Transpose(y, perm=EXCHANGE), [0, 0, -1])


def _masked(op: Op, node: Node, mask: Tensor | None, q: Tensor, k: Tensor) -> Tensor | None:
    """What the scores [N, H, T, L] receive of a mask in any of its forms."""
    if mask is None or (len(mask.shape) == 2 and mask.shape[1] == 1):  # a column masks nothing
        return None
    if len(mask.shape) in (2, 3):
        require_full(node, mask, k)
    if len(mask.shape) == 1:
        seen = _ranges(op, node, mask, q, k)
    elif len(mask.shape) == 2:
        seen = op.Unsqueeze(op.Greater(mask, 0), [1, 2])
    elif len(mask.shape) == 3:
        seen = op.Unsqueeze(op.Greater(mask, 0), [1])
    else:  # [N, 1, M, M]: the rows of the queries, the columns that there are
        end, begin = op.extent(k, 2), op.Sub(op.extent(k, 2), op.extent(q, 2))
        seen = op.Greater(op.Slice(mask, op.Concat(begin, [0], axis=0),
                                   op.Concat(end, end, axis=0), [2, 3]), 0)  # fmt: skip
    value = attribute(node, "mask_filter_value")
    return penalty(op, seen, FILTER if value is None else float(value), q)


def _ranges(op: Op, node: Node, mask: Tensor, q: Tensor, k: Tensor) -> Tensor:
    """[N]: where each row's keys end; [2 N]: then where they begin."""
    columns, rows = op.Cast(positions(op, k), to=mask.dtype), q.shape[0]
    if mask.shape[0] == rows:
        return op.Less(columns, op.Reshape(mask, [-1, 1, 1, 1]))
    if not isinstance(rows, int) or mask.shape[0] != 2 * rows:
        raise unsupported(node, f"its mask has {mask.shape[0]} entries for {rows} rows")
    end, begin = (op.Reshape(part, [-1, 1, 1, 1]) for part in op.Split(mask, [rows] * 2, axis=0,
                                                                       outputs=2))  # fmt: skip
    return op.And(op.Less(columns, end), op.Not(op.Less(columns, begin)))


def _causal(op: Op, node: Node, q: Tensor, k: Tensor) -> Tensor | None:
    """The lowest number at keys later than the query, the cache counted."""
    if not attribute(node, "unidirectional"):
        return None
    rows = op.Add(positions(op, q), op.Sub(op.extent(k, 2), op.extent(q, 2)))
    later = op.Greater(positions(op, k), op.Unsqueeze(rows, [1]))
    return penalty(op, op.Not(later), float(np.finfo(np.float32).min), q)


def penalty(op: Op, seen: Tensor, value: float, q: Tensor) -> Tensor:
    """0 where a key is seen and `value` elsewhere, in float32 at least."""
    kind = np.float32 if np.dtype(q.dtype).itemsize < 4 else q.dtype
    return op.Mul(op.Cast(op.Not(seen), to=kind), value)


def _extent(node: Node, x: Tensor, axis: int) -> int:
    if not isinstance(x.shape[axis], int):
        raise unsupported(node, "the number of heads or their size is dynamic")
    return int(x.shape[axis])


def require_unread(op: Op, node: Node, position: int) -> None:
    """An output that no body makes may be there, as long as nobody reads it."""
    if position < len(node.outputs) and node.outputs[position].name in op.graph.consumers:
        raise unsupported(node, f"its output {position} is read")
