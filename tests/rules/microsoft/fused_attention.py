"""Rows of test_fused_operators.py: attention, query by query."""

from __future__ import annotations

from typing import Any

import numpy as np

LOWEST = float(np.finfo(np.float32).min)


def heads(x: Any, count: int) -> Any:
    """[N, T, heads D] as [N, heads, T, D]."""
    return x.reshape(*x.shape[:2], count, -1).swapaxes(1, 2)


def attend(q: Any, k: Any, v: Any, mask: Any = 0.0, bias: Any = 0.0, scale: Any = None) -> Any:
    """[N, heads, T, D], row by row; the mask is added where a key is not to be seen."""
    n, h, rows, size = q.shape
    shape = (n, h, rows, k.shape[2])
    added = np.broadcast_to(mask, shape) + np.broadcast_to(bias, shape)
    y = np.zeros((n, rows, h, v.shape[3]))
    for i in range(n):
        for j in range(h):
            for t in range(rows):
                scores = k[i, j] @ q[i, j, t] * (scale or size**-0.5) + added[i, j, t]
                e = np.exp(scores - scores.max())
                y[i, t, j] = e / e.sum() @ v[i, j]
    return y.reshape(n, rows, -1)


def later(rows: int, keys: int) -> Any:
    """Lowest at the keys after a query, the queries being the last."""
    return np.triu(np.full((rows, keys), LOWEST), keys - rows + 1)


def unseen(seen: Any, value: float = -1e4) -> Any:
    return np.where(seen, 0.0, value)


def attention(x: Any, w: Any, b: Any, past: Any = None, sizes: Any = None, **how: Any) -> Any:
    cuts = np.cumsum(sizes)[:2] if sizes else 3
    q, k, v = (heads(part, 2) for part in np.split(x @ w + b, cuts, axis=-1))
    if past is not None:
        k, v = (np.concatenate([old, new], 2) for old, new in zip(past, (k, v), strict=True))
    return attend(q, k, v, **how)


def mha(q: Any, k: Any, v: Any, b: Any = None, **how: Any) -> Any:
    b = np.zeros(q.shape[2] + k.shape[2] + v.shape[2]) if b is None else b
    parts = zip((q, k, v), np.split(b, np.cumsum([q.shape[2], k.shape[2]])), strict=True)
    return attend(*(heads(t + bias, 2) for t, bias in parts), **how)


def rotate(x: Any, at: Any, *, interleaved: bool = False, cos: Any = None, sin: Any = None) -> Any:
    """x [..., T, D] by complex numbers: each pair is multiplied by a unit number."""
    unit = (COS if cos is None else cos)[at] + 1j * (SIN if sin is None else sin)[at]
    size = 2 * unit.shape[-1]
    part, rest = x[..., :size], x[..., size:]
    a, b = (part[..., 0::2], part[..., 1::2]) if interleaved else np.split(part, 2, axis=-1)
    z = (a + 1j * b) * unit
    pairs = np.stack([z.real, z.imag], -1) if interleaved else np.stack([z.real, z.imag], -2)
    return np.concatenate([pairs.reshape(part.shape), rest], -1)


def gqa(
    q: Any,
    k: Any,
    v: Any,
    lengths: Any = (3, 3),
    past: Any = None,
    rotary: Any = None,
    window: int = 0,
    cap: float = 0.0,
    sink: Any = None,
    bias: Any = None,
    causal: bool = True,
    scale: float = 0.25,
) -> Any:
    """Four heads of queries, two of keys; each row's cache ends where its new keys begin."""
    q, k, v = heads(q, 4), heads(k, 2), heads(v, 2)
    n, h, rows, size = q.shape
    y = np.zeros((n, rows, h, size))
    for i, j, t in np.ndindex(n, h, rows):
        before = max(lengths[i] + 1 - rows, 0)
        at = before + np.arange(rows)
        query, keys, values = q[i, j], k[i, j // 2], v[i, j // 2]
        if rotary is not None:
            query, keys = (rotate(x, at, interleaved=rotary) for x in (query, keys))
        if past is not None:
            keys = np.concatenate([past[0][i, j // 2, :before], keys])
            values = np.concatenate([past[1][i, j // 2, :before], values])
        last = before + t + 1 if causal else len(keys)
        first = max(last - window, 0) if window else 0
        scores = keys[first:last] @ query[t] * scale
        scores = cap * np.tanh(scores / cap) if cap else scores
        scores = scores if bias is None else scores + bias[0, j, t, first:last]
        more = -np.inf if sink is None else sink[j]
        e = np.exp(scores - max(scores.max(), more))
        total = e.sum() + np.exp(more - max(scores.max(), more))
        y[i, t, j] = e / total @ values[first:last]
    return y.reshape(n, rows, -1)


SELF = {"x": (2, 4, 6), "w": (6, 24), "b": (24,)}
QKV = {"q": (2, 3, 8), "k": (2, 5, 8), "v": (2, 5, 12)}
SQUARE = {"q": (2, 4, 8), "k": (2, 4, 8), "v": (2, 4, 8)}
GROUPED = {"q": (2, 4, 64), "k": (2, 4, 32), "v": (2, 4, 32)}
STEP = {"q": (2, 1, 64), "k": (2, 1, 32), "v": (2, 1, 32)}
CACHE = {"pk": (2, 2, 3, 16), "pv": (2, 2, 3, 16)}
DRAWN = np.random.default_rng(5)
ANGLES = DRAWN.normal(size=(9, 8))
COS, SIN = np.cos(ANGLES), np.sin(ANGLES)
TABLES = {"c": COS, "s": SIN}
SHORT = {"c": COS[:, :2], "s": SIN[:, :2]}
IDS = np.array([[0, 2, 1, 5], [3, 3, 4, 8]])
PADDED = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], np.int32)
PAIRS = (DRAWN.random((2, 4, 4)) > 0.4).astype(np.int32)
MEGATRON = (DRAWN.random((2, 1, 6, 6)) > 0.4).astype(np.int32)
KEYS = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0]], np.int32)
COLUMNS = np.arange(4)
ENDS = {"m": np.array([3, 2], np.int32)}
BOUNDS = {"m": np.array([4, 3, 1, 0], np.int32)}
LENGTHS = {"l": np.array([3, 3], np.int32), "t": np.array(4, np.int32)}
RAGGED = {"l": np.array([1, 3], np.int32), "t": np.array(4, np.int32)}


def own(attributes: str, others: str, formula: Any, more: Any = None, **options: Any) -> Any:
    text = f"y, p = com.microsoft.Attention<num_heads=2{attributes}>(x, w, b{others})"
    return "Attention", text, SELF | (more or {}), formula, options


def multi(attributes: str, others: str, formula: Any, inputs: Any = QKV, **options: Any) -> Any:
    text = f"y = com.microsoft.MultiHeadAttention<num_heads=2{attributes}>(q, k, v{others})"
    return "MultiHeadAttention", text, inputs, formula, options


def rotary(attributes: str, shape: Any, formula: Any, tables: Any = TABLES, at: Any = IDS) -> Any:
    text = f"y = com.microsoft.RotaryEmbedding<{attributes}>(x, p, c, s)"
    return "RotaryEmbedding", text, {"x": shape}, formula, {"weights": tables | {"p": at}}


def grouped(
    attributes: str,
    others: str,
    formula: Any,
    inputs: Any = GROUPED,
    weights: Any = LENGTHS,
    qkv: str = "q, k, v",
    **options: Any,
) -> Any:
    heads = f"num_heads=4, kv_num_heads=2{attributes}"
    text = f"y, u, o = com.microsoft.GroupQueryAttention<{heads}>({qkv}, {others})"
    return "GroupQueryAttention", text, inputs, formula, {"weights": weights} | options


CASES = [
    own("", "", attention, opsets=(11, 17), dynamic={"x": ("N", "T", 6)}),
    own(", scale=0.3", "", lambda x, w, b: attention(x, w, b, scale=0.3)),
    own(", unidirectional=1", "", lambda x, w, b: attention(x, w, b, mask=later(4, 4)),
        dynamic={"x": ("N", "T", 6)}),
    own("", ", m", lambda x, w, b: attention(x, w, b, mask=unseen(PADDED[:, None, None])),
        weights={"m": PADDED}, dynamic={"x": ("N", "T", 6), "m": ("N", "T")}),
    own(", unidirectional=1, mask_filter_value=-2.0", ", m",
        lambda x, w, b: attention(
            x, w, b, mask=np.maximum(unseen(PADDED[:, None, None], -2.0) + later(4, 4), LOWEST)
        ), weights={"m": PADDED}),
    own("", ", m", lambda x, w, b: attention(x, w, b, mask=unseen(PAIRS[:, None])),
        weights={"m": PAIRS}),
    own("", ", m", lambda x, w, b: attention(x, w, b, mask=unseen(MEGATRON[:, :, :4, :4])),
        weights={"m": MEGATRON}, kernel=False),
    own("", ", m", lambda x, w, b: attention(
        x, w, b, mask=unseen(np.less.outer(COLUMNS, ENDS["m"]).T[:, None, None])),
        weights=ENDS, dynamic={"x": ("N", "T", 6), "m": ("N",)}),
    own("", ", m", lambda x, w, b: attention(
        x, w, b, mask=unseen(np.array([[0, 1, 1, 1], [1, 1, 1, 0]])[:, None, None])),
        weights=BOUNDS),
    own("", ", m", attention, weights={"m": np.zeros((2, 1), np.int32)}),
    own("", ",, past", lambda x, w, b, past: attention(x, w, b, past), {"past": (2, 2, 2, 3, 4)}),
    own(", unidirectional=1", ",, past",
        lambda x, w, b, past: attention(x, w, b, past, mask=later(4, 7)),
        {"past": (2, 2, 2, 3, 4)}),
    own("", ",,, a", lambda x, w, b, a: attention(x, w, b, bias=a), {"a": (1, 2, 4, 4)}),
    own("", ", m,, a",
        lambda x, w, b, a: attention(x, w, b, mask=unseen(PADDED[:, None, None]), bias=a),
        {"a": (2, 1, 4, 4)}, weights={"m": PADDED}),
    own(", qkv_hidden_sizes=[8, 8, 12]", "",
        lambda x, w, b: attention(x, w, b, sizes=(8, 8, 12)), {"w": (6, 28), "b": (28,)}),
    ("Attention", "y = com.microsoft.Attention<num_heads=2>(x, w)", {"x": (2, 4, 6), "w": (6, 24)},
     lambda x, w: attention(x, w, 0.0), {"kernel": False}),
    multi("", "", mha, opsets=(11, 17)),
    multi(", scale=0.3", "", lambda q, k, v: mha(q, k, v, scale=0.3)),
    multi("", ", b", mha, QKV | {"b": (28,)}),
    multi("", ",, m", lambda q, k, v: mha(q, k, v, mask=unseen(KEYS[:, None, None])),
          weights={"m": KEYS}, dynamic=QKV | {"m": (2, "L"), "k": (2, "L", 8), "v": (2, "L", 12)}),
    multi("", ",,, a", lambda q, k, v, a: mha(q, k, v, bias=a), QKV | {"a": (1, 2, 3, 5)}),
    multi(", unidirectional=1", "", lambda q, k, v: mha(q, k, v, mask=later(4, 4)), SQUARE),
    multi("", "", lambda q, k, v: attend(heads(q, 2), k, v),
          {"q": (2, 3, 8), "k": (2, 2, 5, 4), "v": (2, 2, 5, 4)}),
    ("MultiHeadAttention",
     "y, pk, pv = com.microsoft.MultiHeadAttention<num_heads=2, unidirectional=1>"
     "(q, k, v,,,, a, c)",
     SQUARE | {"a": (2, 2, 3, 4), "c": (2, 2, 3, 4)},
     lambda q, k, v, a, c: attend(
         heads(q, 2), np.concatenate([a, heads(k, 2)], 2), np.concatenate([c, heads(v, 2)], 2),
         later(4, 7)), {"made": lambda q, k, v, a, c: {
             "pk": np.concatenate([a, heads(k, 2)], 2), "pv": np.concatenate([c, heads(v, 2)], 2)
         }}),
    ("MultiHeadAttention", "y = com.microsoft.MultiHeadAttention<num_heads=2>(q,,, b)",
     {"q": (2, 4, 2, 3, 4), "b": (24,)},
     lambda q, b: mha(*(q[:, :, :, i].reshape(2, 4, 8) for i in range(3)), b), {"kernel": False}),
    ("MultiHeadAttention", "y = com.microsoft.MultiHeadAttention<num_heads=2>(q, k)",
     {"q": (2, 3, 8), "k": (2, 5, 2, 2, 4)},
     lambda q, k: mha(q, *(k[:, :, :, i].reshape(2, 5, 8) for i in range(2))), {"kernel": False}),
    rotary("interleaved=0", (2, 3, 4, 16), lambda x: rotate(x, IDS[:, None])),
    rotary("interleaved=1", (2, 3, 4, 16), lambda x: rotate(x, IDS[:, None], interleaved=True)),
    rotary("scale=0.5", (2, 3, 4, 16), lambda x: rotate(x, 2 + COLUMNS), at=np.array([2])),
    rotary("interleaved=0", (2, 4, 48), lambda x: rotate(
        heads(x, 3), IDS[:, None]).swapaxes(1, 2).reshape(2, 4, 48)),
    rotary("num_heads=3, rotary_embedding_dim=4", (2, 4, 24), lambda x: rotate(
        heads(x, 3), IDS[:, None], cos=SHORT["c"], sin=SHORT["s"]).swapaxes(1, 2).reshape(
        2, 4, 24), SHORT),
    rotary("num_heads=3, rotary_embedding_dim=4, interleaved=1", (2, 3, 4, 8), lambda x: rotate(
        x, IDS[:, None], cos=SHORT["c"], sin=SHORT["s"], interleaved=True), SHORT),
    grouped("", ",, l, t", gqa, opsets=(11, 17)),
    grouped(", causal=0", ",, l, t", lambda q, k, v: gqa(q, k, v, causal=False)),
    grouped(", softcap=0.7, scale=0.9", ",, l, t",
            lambda q, k, v: gqa(q, k, v, cap=0.7, scale=0.9)),
    grouped(", local_window_size=2", ",, l, t", lambda q, k, v: gqa(q, k, v, window=2)),
    grouped(", smooth_softmax=1", ",, l, t", lambda q, k, v: gqa(q, k, v, sink=np.zeros(4))),
    grouped("", ",, l, t,,,,, z", lambda q, k, v, z: gqa(q, k, v, sink=z), GROUPED | {"z": (4,)}),
    grouped(", softcap=0.7", ",, l, t,,,, a", lambda q, k, v, a: gqa(q, k, v, cap=0.7, bias=a),
            GROUPED | {"a": (1, 4, 4, 4)}),
    grouped(", do_rotary=1", ",, l, t, c, s", lambda q, k, v: gqa(q, k, v, rotary=False),
            weights=LENGTHS | TABLES, dynamic={"q": ("N", "T", 64), "k": ("N", "T", 32),
                                               "v": ("N", "T", 32), "l": ("N",)}),
    grouped(", do_rotary=1, rotary_interleaved=1", ",, l, t, c, s",
            lambda q, k, v: gqa(q, k, v, rotary=True), weights=LENGTHS | TABLES),
    grouped(", do_rotary=1", ",, l, t, c, s",
            lambda q: gqa(*np.split(q, [64, 96], axis=-1), rotary=False), {"q": (2, 4, 128)},
            LENGTHS | TABLES, "q,,"),
    grouped("", "pk, pv, l, t", lambda q, k, v, a, c: gqa(q, k, v, (1, 3), (a, c)),
            STEP | CACHE, RAGGED),
    grouped(", do_rotary=1, local_window_size=2", "pk, pv, l, t, c, s",
            lambda q, k, v, a, c: gqa(q, k, v, (1, 3), (a, c), False, 2),
            STEP | CACHE, RAGGED | TABLES),
    grouped("", ",, l, t,,,,,,,, n, d", lambda q, k, v, n, d: gqa(
        *(t / np.sqrt((heads(t, h) ** 2).mean(-1) + 1e-6).swapaxes(1, 2).repeat(16, -1)
          * np.tile(w, h) for t, h, w in ((q, 4, n), (k, 2, d))), v),
        GROUPED | {"n": (16,), "d": (16,)}, kernel=False),
]  # fmt: skip
