"""Rows for attention.py (see test_rules.py); more oracles are in test_attention_torch.py."""

import numpy as np

BOTH = {"opsets": (23, 24)}
LATER = {"opsets": (24,)}
QKV = {"q": (2, 4, 3, 6), "k": (2, 4, 5, 6), "v": (2, 4, 5, 6)}
GROUPED = {"q": (2, 4, 3, 6), "k": (2, 2, 5, 6), "v": (2, 2, 5, 3)}
FLAT = {"q": (2, 3, 24), "k": (2, 5, 12), "v": (2, 5, 14)}
FOUR = {"q": ("N", 4, "T", 6), "k": ("N", 4, "L", 6), "v": ("N", 4, "L", 6)}
FOUR_GROUPED = {"q": ("N", 4, "T", 6), "k": ("N", 2, "L", 6), "v": ("N", 2, "L", 3)}
THREE = {"q": ("N", "T", 24), "k": ("N", "L", 12), "v": ("N", "L", 14)}
HEADS = "q_num_heads=4, kv_num_heads=2"
SINGLE = {"frozen": "the operator has no float64"}
SEEN = np.random.default_rng(3).random((2, 1, 3, 5)) > 0.3
SEEN[0, 0, 1] = False
INFINITE = np.where(SEEN, np.linspace(-1, 1, 5), -np.inf)
CACHE = {"pk": np.linspace(-1, 1, 48).reshape(2, 2, 2, 6), "pv": np.ones((2, 2, 2, 3)) / 3}


def _attention(attributes: str, others: str, inputs: dict, note: str, **options: object) -> tuple:
    text = f"<{attributes}>" if attributes else ""
    return "Attention", f"y = Attention{text}(q, k, v{others})", inputs, note, BOTH | options


def _cached(attributes: str, note: str) -> tuple:
    body = f"y, key, value = Attention<{attributes}>(q, k, v,, pk, pv)"
    return "Attention", body, GROUPED | CACHE, note, BOTH


def _rotary(attributes: str, inputs: dict, others: str, note: str, **options: object) -> tuple:
    text = f"<{attributes}>" if attributes else ""
    body = f"y = RotaryEmbedding{text}(x, c, s{others})"
    return "RotaryEmbedding", body, inputs, note, BOTH | SINGLE | options


ANGLES = np.random.default_rng(4).normal(size=(7, 3))
TABLE = {"c": np.cos(ANGLES), "s": np.sin(ANGLES)}
SHORT = {name: table[:, :2] for name, table in TABLE.items()}
IDS = {"p": np.array([[0, 1, 2], [4, 6, 0]])}

CASES = [
    _attention("", "", QKV, "4-D", dynamic=FOUR),
    _attention("scale=0.3", "", QKV, "scaled"),
    _attention("softcap=0.8", "", QKV, "capped"),
    _attention("is_causal=1", "", QKV, "causal", dynamic=FOUR),
    _attention("", "", GROUPED, "grouped queries", dynamic=FOUR_GROUPED),
    _attention("is_causal=1", "", QKV | {"q": (2, 4, 7, 6)}, "causal, more queries than keys"),
    _attention(HEADS, "", FLAT, "3-D", dynamic=THREE),
    _attention(f"{HEADS}, is_causal=1, softcap=2.0", "", FLAT, "3-D, causal, capped"),
    _attention("", ", m", QKV | {"m": (3, 5)}, "added mask of two axes"),
    _attention("softcap=1.5", ", m", QKV | {"m": (2, 1, 3, 5)}, "added mask of four axes, capped"),
    _attention("is_causal=1", ", m", GROUPED | {"m": (4, 3, 5)}, "added mask, causal"),
    _attention("", ", m", QKV | {"m": SEEN}, "boolean mask, a row without keys", dynamic=FOUR),
    _attention("", ", m", QKV | {"m": INFINITE}, "infinite mask, a row without keys"),
    _attention("is_causal=1", ", m", QKV | {"m": SEEN[:1]}, "boolean mask, causal"),
    _attention("softmax_precision=11", "", QKV, "softmax in double"),
    _cached("is_causal=0", "cache"),
    _cached("is_causal=1", "cache, causal"),
    _attention("", ",,,, n", QKV | {"n": np.array([3, 5])}, "padded keys", **LATER),
    _attention(
        "is_causal=1", ",,,, n", QKV | {"n": np.array([2, 5])}, "padded keys, causal", **LATER
    ),
    _rotary("", {"x": (2, 4, 3, 6)} | TABLE | IDS, ", p", "halves"),
    _rotary("interleaved=1", {"x": (2, 4, 3, 6)} | TABLE | IDS, ", p", "interleaved"),
    _rotary(
        "rotary_embedding_dim=4, interleaved=1",
        {"x": (2, 4, 3, 6)} | SHORT | IDS,
        ", p",
        "part of it",
        dynamic={"x": ("N", 4, 3, 6)},
    ),
    _rotary("num_heads=4", {"x": (2, 3, 24)} | TABLE | IDS, ", p", "3-D"),
    _rotary(
        "num_heads=2, rotary_embedding_dim=4",
        {"x": (2, 3, 12)} | SHORT | IDS,
        ", p",
        "3-D, part of it",
    ),
    _rotary(
        "",
        {"x": (2, 4, 3, 6), "c": TABLE["c"][:6].reshape(2, 3, 3), "s": ANGLES[:6].reshape(2, 3, 3)},
        "",
        "no positions",
    ),
]
