"""Attention and rotary embedding, of opset 23 on.

The probabilities are computed anew from Q and K, the scale on Q alone: the function body of the
operator, which a runtime without a kernel inlines, puts its square root on both.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32, transposed
from ...writing.op import Op
from ..registry import Cotangent, attribute, optional, unsupported, vjp

EXCHANGE = [0, 2, 1, 3]
"""[N, T, heads, D] to [N, heads, T, D] and back."""
END = np.iinfo(np.int64).max


@vjp("Attention")
def attention(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y = P V, P = softmax(S + mask), S = softcap(scale Q K^T).

    dV = P^T g, dP = g V^T, dS = P (dP - sum dP P), dQ = scale dS K, dK = scale dS^T Q. The scores
    are in float32 at least, whatever softmax_precision is. A cache may be read, but no derivative
    goes through it.
    """
    q, k, v = node.inputs[:3]
    inside = _Attention.of(op, node, gy)
    mask = optional(node, 3)
    return (
        lambda: side_by_side(op, inside.of_q(), q),
        lambda: side_by_side(op, inside.fewer(inside.of_k(), k), k),
        lambda: side_by_side(op, inside.fewer(inside.of_v(), v), v),
        (lambda: op.cast_like(inside.of_masked(), mask)) if mask is not None else None,
    )


def written_out(op: Op, node: Node) -> Tensor:
    """The result as P V, with P a tensor of the graph: to look at the weights."""
    if any(t.name for t in node.outputs[1:]) or optional(node, 4) is not None:
        raise unsupported(node, "it has a cache, or more outputs than one")
    inside = _Attention.of(op, node, node.inputs[0])
    y = op.MatMul(op.cast_like(inside.probabilities(), inside.V), inside.V)
    if len(node.inputs[0].shape) == 4:
        return y
    return op.Reshape(op.Transpose(y, perm=EXCHANGE), [0, 0, -1])


@dataclass(frozen=True)
class _Attention:
    """One node seen head by head; equal nodes are emitted once, so nothing is kept here."""

    op: Op
    node: Node
    Q: Tensor
    """[N, H, T, D], times the scale."""
    K: Tensor
    """[N, H, L, D], the cache before it, each of its heads as often as queries share it."""
    V: Tensor
    """[N, H, L, D']."""
    g: Tensor
    """[N, H, T, D']."""
    scale: float
    heads: int
    """Of K and V in the model."""

    @classmethod
    def of(cls, op: Op, node: Node, gy: Tensor) -> _Attention:
        q, k, v = node.inputs[:3]
        flat = len(q.shape) == 3
        many = node.attrs["q_num_heads"] if flat else q.shape[1]
        few = node.attrs["kv_num_heads"] if flat else k.shape[1]
        Q, V = by_head(op, q, many), by_head(op, v, few)
        sizes = (many, few, Q.shape[3], V.shape[3])
        if not all(isinstance(size, int) for size in sizes):
            raise unsupported(node, "the number of heads or their size is dynamic")
        scale = attribute(node, "scale")
        scale = 1 / sqrt(Q.shape[3]) if scale is None else float(scale)
        K = repeated(op, after(op, optional(node, 4), by_head(op, k, few)), many // few)
        V = repeated(op, after(op, optional(node, 5), V), many // few)
        return cls(op, node, op.Mul(Q, scale), K, V, by_head(op, gy, many), scale, few)

    def scores(self) -> tuple[Tensor, Tensor | None]:
        """S [N, H, T, L], and the slope of the soft cap where there is one."""
        op, cap = self.op, float(self.node.attrs["softcap"])
        S = at_least_float32(op, op.MatMul(self.Q, transposed(op, self.K)))
        if not cap:
            return S, None
        bent = op.Tanh(op.Mul(S, 1 / cap))
        return op.Mul(bent, cap), op.Sub(1.0, op.Mul(bent, bent))

    def probabilities(self) -> Tensor:
        """P [N, H, T, L]; a row without any key is zero."""
        op, (S, _) = self.op, self.scores()
        bias, allowed = _mask(op, self.node, self.Q, self.K)
        if bias is not None:
            S = op.Add(S, at_least_float32(op, bias))
        if allowed is None:
            return op.Softmax(S, axis=-1)
        lowest = float(np.finfo(S.dtype).min)
        return op.Where(allowed, op.Softmax(op.Where(allowed, S, lowest), axis=-1), 0.0)

    def of_masked(self) -> Tensor:
        """The cotangent of what the softmax reads [N, H, T, L]."""
        op, P = self.op, self.probabilities()
        dP = at_least_float32(op, op.MatMul(self.g, transposed(op, self.V)))
        return op.Mul(P, op.Sub(dP, op.ReduceSum(op.Mul(dP, P), [-1], keepdims=1)))

    def of_scores(self) -> Tensor:
        """dS [N, H, T, L]."""
        _, slope = self.scores()
        dS = self.of_masked()
        return self.op.cast_like(dS if slope is None else self.op.Mul(dS, slope), self.Q)

    def of_q(self) -> Tensor:
        return self.op.Mul(self.op.MatMul(self.of_scores(), self.K), self.scale)

    def of_k(self) -> Tensor:
        return self.op.MatMul(transposed(self.op, self.of_scores()), self.Q)

    def of_v(self) -> Tensor:
        P = self.op.cast_like(self.probabilities(), self.g)
        return self.op.MatMul(transposed(self.op, P), self.g)

    def fewer(self, g: Tensor, x: Tensor) -> Tensor:
        """[N, H, L, D] summed over the queries that share a head, the cache's part left out."""
        op, past = self.op, optional(self.node, 4)
        if g.shape[1] != self.heads:
            places = g.shape[2] if isinstance(g.shape[2], int) else -1
            shape = [0, self.heads, g.shape[1] // self.heads, places, g.shape[3]]
            g = op.ReduceSum(op.Reshape(g, shape), [2], keepdims=0)
        return g if past is None else op.Slice(g, op.extent(past, 2), [END], [2])


def by_head(op: Op, x: Tensor, heads: int) -> Tensor:
    """[N, heads, T, D]; three dimensions hold the heads side by side in the last."""
    if len(x.shape) == 4:
        return x
    size = x.shape[2] // heads if isinstance(x.shape[2], int) else -1
    return op.Transpose(op.Reshape(x, [0, 0, heads, size]), perm=EXCHANGE)


def side_by_side(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """[N, heads, T, D] in the form of x."""
    return g if len(x.shape) == 4 else op.reshape_like(op.Transpose(g, perm=EXCHANGE), x)


def after(op: Op, past: Tensor | None, x: Tensor) -> Tensor:
    return x if past is None else op.Concat(past, x, axis=2)


def repeated(op: Op, x: Tensor, times: int) -> Tensor:
    """Each head `times` times in a row."""
    if times == 1:
        return x
    _, heads, places, size = x.shape
    wide = op.Concat(*[op.Unsqueeze(x, [2])] * times, axis=2)
    return op.Reshape(wide, [0, heads * times, places if isinstance(places, int) else -1, size])


def _mask(op: Op, node: Node, Q: Tensor, K: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """(what is added to the scores, where a query may look at all); None: nothing, everywhere."""
    mask, bias, allowed = optional(node, 3), None, []
    if mask is not None:
        require_full(node, mask, K)
        if mask.dtype == np.bool_:
            allowed.append(mask)
        else:
            bias = mask
            value = op.value(mask)
            if value is None or np.isneginf(value).any():
                allowed.append(op.GreaterOrEqual(mask, float(np.finfo(mask.dtype).min)))
    if node.attrs["is_causal"] or optional(node, 6) is not None:
        allowed.extend(_reach(op, node, Q, K))
    return bias, functools.reduce(op.And, allowed) if allowed else None


def require_full(node: Node, mask: Tensor, K: Tensor) -> None:
    have, want = mask.shape[-1], K.shape[2]
    if isinstance(have, int) and isinstance(want, int) and have != want:
        raise unsupported(node, f"its mask has {have} columns for {want} keys")


def _reach(op: Op, node: Node, Q: Tensor, K: Tensor) -> list[Tensor]:
    """Which keys are there (nonpad_kv_seqlen) and which are not later than the query."""
    columns = positions(op, K)
    filled, past = optional(node, 6), optional(node, 4)
    count = None if filled is None else op.Reshape(filled, [-1, 1, 1, 1])
    found = [] if count is None else [op.Less(columns, count)]
    if node.attrs["is_causal"]:
        rows = op.Unsqueeze(positions(op, Q), [1])
        if count is not None:
            rows = op.Add(rows, op.Sub(count, op.extent(Q, 2)))
        elif past is not None:
            rows = op.Add(rows, op.extent(past, 2))
        found.append(op.LessOrEqual(columns, rows))
    return found


def positions(op: Op, x: Tensor) -> Tensor:
    """0, 1, ... along the third axis of x."""
    if isinstance(x.shape[2], int):
        return op.constant(np.arange(x.shape[2]))
    start, step = (op.constant(np.array(i)) for i in (0, 1))
    return op.Range(start, op.Squeeze(op.extent(x, 2), [0]), step)


@vjp("RotaryEmbedding")
def rotary_embedding(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Turned back by the same angles: the adjoint has -sin for sin."""
    _, cos, sin = node.inputs[:3]
    names = ("interleaved", "num_heads", "rotary_embedding_dim")
    attrs = {name: attribute(node, name) for name in names}
    back = op.RotaryEmbedding(gy, cos, op.Neg(sin), optional(node, 3), **attrs)
    return back, None, None
