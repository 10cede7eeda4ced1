"""GroupQueryAttention: several queries share a head of keys, and the cache knows how full it is."""

from __future__ import annotations

import functools

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..families.attention import after, by_head, positions, repeated
from ..parts.extents import at_least_zero
from ..registry import attribute, optional, unsupported
from ..spelled_out import body
from .contrib_attention import attended, penalty, require_unread
from .contrib_rotary import turned
from .fused import MICROSOFT

REFUSED = {
    9: "its positions are an input",
    12: "its cache is quantised",
    13: "its cache is quantised",
}
"""Inputs that no body knows."""


@body("GroupQueryAttention", domain=MICROSOFT)
def group_query_attention(op: Op, node: Node) -> Tensor:
    """y = softmax(cap(scale Q K^T) + bias) V over the keys up to the query's own.

    The cache of row n holds past_n = max(seqlens_k_n + 1 - T, 0) keys; its other places are seen
    by no query. A local window of W is the query's own key and the W - 1 before it. Rows of
    padding, whose queries come after seqlens_k, are undefined in the kernels themselves.
    """
    _require_known(node)
    many, few = node.attrs["num_heads"], node.attrs["kv_num_heads"]
    q, k, v = _heads(op, node, many, few)
    filled = op.Add(op.Cast(optional(node, 5), to=np.int64), np.array(1))
    filled = op.Reshape(filled, [-1, 1])
    count = op.extent(q, 2)
    before = at_least_zero(op, op.Sub(filled, count))
    at = op.Add(before, positions(op, q))
    q, k = (_normalised(op, node, t, i) for i, t in ((14, q), (15, k)))
    if attribute(node, "do_rotary"):
        tables, interleaved = node.inputs[7:9], bool(attribute(node, "rotary_interleaved"))
        q, k = (turned(op, t, at, *tables, interleaved=interleaved) for t in (q, k))
    past = optional(node, 3)
    for position in (1, 2):
        require_unread(op, node, position)
    keys, values = after(op, past, k), after(op, optional(node, 4), v)
    where = at if past is None else op.Concat(_cached(op, past, before), at, axis=1)
    seen = _seen(op, node, at, where, filled)
    bias = optional(node, 10)
    if bias is not None and past is not None and past.shape[2] != 0:
        raise unsupported(node, "a cache meets an attention bias")
    return attended(
        op,
        node,
        q,
        repeated(op, keys, many // few),
        repeated(op, values, many // few),
        [bias, penalty(op, seen, float(np.finfo(np.float32).min), q)],
        _sink(op, node),
    )


def _require_known(node: Node) -> None:
    for position, why in REFUSED.items():
        if optional(node, position) is not None:
            raise unsupported(node, why)
    if attribute(node, "sliding_window_cache"):
        raise unsupported(node, "sliding_window_cache is set")
    if len(node.outputs) > 3 and node.outputs[3].name:
        raise unsupported(node, "its scores are an output")


def _heads(op: Op, node: Node, many: int, few: int) -> list[Tensor]:
    """Q, K and V [N, heads, T, D], packed into the first input or not."""
    q, k, v = node.inputs[0], optional(node, 1), optional(node, 2)
    if k is None or v is None:
        if not isinstance(q.shape[2], int):
            raise unsupported(node, "the size of its heads is dynamic")
        size = q.shape[2] // (many + 2 * few)
        q, k, v = op.Split(q, [size * n for n in (many, few, few)], axis=2, outputs=3)
    return [by_head(op, t, n) for t, n in ((q, many), (k, few), (v, few))]


def _normalised(op: Op, node: Node, x: Tensor, position: int) -> Tensor:
    """Each head over its root mean square, where a weight is given."""
    weight, epsilon = optional(node, position), attribute(node, "qk_norm_epsilon")
    if weight is None:
        return x
    return op.RMSNormalization(x, weight, axis=3, epsilon=1e-6 if epsilon is None else epsilon)


def _cached(op: Op, past: Tensor, before: Tensor) -> Tensor:
    """[N, P]: the position of each place of the cache, -1 where nothing is kept."""
    places = op.Add(positions(op, past), op.Mul(before, 0))
    return op.Where(op.Less(places, before), places, np.array(-1))


def _seen(op: Op, node: Node, at: Tensor, where: Tensor, filled: Tensor) -> Tensor:
    """[N, 1, T, L]: may the query at `at` look at the key at `where`?"""
    rows, columns = op.Unsqueeze(at, [1, 3]), op.Unsqueeze(where, [1, 2])
    conditions = [op.Not(op.Less(columns, 0)), op.Less(columns, op.Unsqueeze(filled, [1, 3]))]
    if attribute(node, "causal") != 0:
        conditions.append(op.Not(op.Greater(columns, rows)))
        window = attribute(node, "local_window_size") or -1
        if window > 0:
            conditions.append(op.Greater(columns, op.Sub(rows, window)))
    return functools.reduce(op.And, conditions)


def _sink(op: Op, node: Node) -> Tensor | None:
    """One more score a head [1, H, 1, 1] that takes its share and gives nothing."""
    given = optional(node, 11)
    if given is not None:
        return op.Reshape(given, [1, -1, 1, 1])
    if attribute(node, "smooth_softmax"):
        return op.constant(np.zeros((1, 1, 1, 1), node.inputs[0].dtype))
    return None
