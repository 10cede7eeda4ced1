"""Rows of test_fused_operators.py: what transformers have fused, attention apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erf


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def fast_gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def swish(x: Any, alpha: float = 1.0) -> Any:
    return x / (1 + np.exp(-alpha * x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(x: Any, scale: Any, bias: Any = 0.0, epsilon: float = 1e-12) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return rms_norm(centred, scale, epsilon) + bias


def rms_norm(x: Any, scale: Any, epsilon: float = 1e-12) -> Any:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * scale


def group_norm(x: Any, scale: Any, bias: Any, groups: int, epsilon: float = 1e-5) -> Any:
    """Channels last, group by group."""
    y = np.empty_like(x)
    each = x.shape[-1] // groups
    for i in range(x.shape[0]):
        for g in range(groups):
            part = x[i, ..., g * each : (g + 1) * each]
            y[i, ..., g * each : (g + 1) * each] = (part - part.mean()) / np.sqrt(
                part.var() + epsilon
            )
    return y * scale + bias


def nhwc(x: Any) -> Any:
    return np.moveaxis(x, 1, -1)


def nchw(x: Any) -> Any:
    return np.moveaxis(x, -1, 1)


def halves(x: Any, b: Any) -> Any:
    left, right = np.split(x + b, 2, axis=-1)
    return left * gelu(right)


def embedded(words: Any, places: Any, types: Any, scale: Any, bias: Any) -> Any:
    return layer_norm(words[IDS] + places[:4] + types[SEGMENTS], scale, bias)


IDS = np.array([[1, 0, 3, 3], [2, 2, 5, 4]], np.int32)
SEGMENTS = np.array([[0, 0, 1, 1], [0, 1, 1, 1]], np.int32)
PLACES = np.array([[1, 0, 2, 3], [3, 3, 0, 0]], np.int32)
MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.int32)
TABLES = {"words": (7, 6), "places": (5, 6), "types": (2, 6), "s": (6,), "b": (6,)}
ROWS = {"x": (2, 3, 6)}
SKIPPED = ROWS | {"skip": (2, 3, 6), "s": (6,), "b": (6,), "c": (6,)}
DYNAMIC = {"x": ("N", "T", 6), "skip": ("N", "T", 6)}
IMAGE = {"x": (2, 3, 4, 6), "s": (6,), "b": (6,)}
OLD = {"opsets": (11, 17)}
UNSEEN = {"kernel": False}


def skip(operator: str, inputs: str, names: str, formula: Any, **options: Any) -> tuple[Any, ...]:
    text = f"y = com.microsoft.{operator}<epsilon=0.001>({inputs})"
    return operator, text, {n: SKIPPED[n] for n in names.split()}, formula, options


def group(
    operator: str, attributes: str, others: str, inputs: Any, formula: Any
) -> tuple[Any, ...]:
    text = f"y = com.microsoft.{operator}<groups=3, {attributes}>(x, s, b{others})"
    return operator, text, inputs, formula, UNSEEN


CASES = [
    ("Gelu", "y = com.microsoft.Gelu(x)", ROWS, gelu, {"opsets": (9, 17, 20)}),
    (
        "BiasGelu",
        "y = com.microsoft.BiasGelu(x, b)",
        ROWS | {"b": (6,)},
        lambda x, b: gelu(x + b),
        OLD | {"dynamic": {"x": ("N", "T", 6)}},
    ),
    ("FastGelu", "y = com.microsoft.FastGelu(x)", ROWS, fast_gelu, OLD),
    (
        "FastGelu",
        "y = com.microsoft.FastGelu(x, b)",
        ROWS | {"b": (6,)},
        lambda x, b: fast_gelu(x + b),
        {"opsets": (7, 17)},
    ),
    ("QuickGelu", "y = com.microsoft.QuickGelu(x)", ROWS, lambda x: swish(x, 1.702), OLD),
    ("QuickGelu", "y = com.microsoft.QuickGelu<alpha=1.0>(x)", ROWS, swish, {"opsets": (17, 24)}),
    (
        "GemmFastGelu",
        "y = com.microsoft.GemmFastGelu(x, w, b)",
        ROWS | {"w": (6, 5), "b": (5,)},
        lambda x, w, b: fast_gelu(x @ w + b),
        UNSEEN,
    ),
    ("BiasSplitGelu", "y = com.microsoft.BiasSplitGelu(x, b)", ROWS | {"b": (6,)}, halves, UNSEEN),
    (
        "BiasAdd",
        "y = com.microsoft.BiasAdd(x, b, skip)",
        ROWS | {"b": (6,), "skip": (2, 3, 6)},
        lambda x, b, skip: x + b + skip,
        UNSEEN,
    ),
    (
        "BiasDropout",
        "y = com.microsoft.BiasDropout(x, b, skip)",
        ROWS | {"b": (6,), "skip": (2, 3, 6)},
        lambda x, b, skip: x + b + skip,
        UNSEEN,
    ),
    (
        "BiasSoftmax",
        "y = com.microsoft.BiasSoftmax<axis=2, is_inner_broadcast=1>(x, b)",
        {"x": (2, 3, 6), "b": (2, 1, 6)},
        lambda x, b: softmax(x + b),
        UNSEEN | OLD,
    ),
    (
        "BiasSoftmax",
        "y = com.microsoft.BiasSoftmax<is_inner_broadcast=0>(x, b)",
        {"x": (2, 3, 6), "b": (1, 3, 6)},
        lambda x, b: softmax((x + b).reshape(2, 18)).reshape(2, 3, 6),
        UNSEEN,
    ),
    (
        "SimplifiedLayerNormalization",
        "y = SimplifiedLayerNormalization<axis=-1, epsilon=0.001>(x, s)",
        ROWS | {"s": (6,)},
        lambda x, s: rms_norm(x, s, 1e-3),
        {"opsets": (11, 17, 23), "dynamic": {"x": ("N", "T", 6)}},
    ),
    skip(
        "SkipLayerNormalization",
        "x, skip, s, b",
        "x skip s b",
        lambda x, skip, s, b: layer_norm(x + skip, s, b, 1e-3),
        opsets=(11, 17),
        dynamic=SKIPPED | DYNAMIC,
    ),
    skip(
        "SkipLayerNormalization",
        "x, skip, s, b, c",
        "x skip s b c",
        lambda x, skip, s, b, c: layer_norm(x + skip + c, s, b, 1e-3),
    ),
    skip(
        "SkipLayerNormalization",
        "x, skip, s",
        "x skip s",
        lambda x, skip, s: layer_norm(x + skip, s, epsilon=1e-3),
    ),
    (
        "SkipLayerNormalization",
        "n,,, t = com.microsoft.SkipLayerNormalization(x, skip, s, b) y = Mul(n, t)",
        {"x": (2, 3, 6), "skip": (3, 6), "s": (6,), "b": (6,)},
        lambda x, skip, s, b: layer_norm(x + skip, s, b) * (x + skip),
        {"made": lambda x, skip, s, b: {"n": layer_norm(x + skip, s, b), "t": x + skip}},
    ),
    (
        "SkipLayerNormalization",
        "n,,, y = com.microsoft.SkipLayerNormalization(x, skip, s, b)",
        {"x": (2, 3, 6), "skip": (1, 3, 6)},
        lambda x, skip: x + skip,
        {"weights": {"s": np.ones(6), "b": np.zeros(6)}},
    ),
    skip(
        "SkipSimplifiedLayerNormalization",
        "x, skip, s, c",
        "x skip s c",
        lambda x, skip, s, c: rms_norm(x + skip + c, s, 1e-3),
        opsets=(11, 17, 23),
    ),
    (
        "SkipSimplifiedLayerNormalization",
        "n,,, t = com.microsoft.SkipSimplifiedLayerNormalization(x, skip, s) y = Add(n, t)",
        {"x": (2, 3, 6), "skip": (2, 3, 6), "s": (6,)},
        lambda x, skip, s: rms_norm(x + skip, s) + x + skip,
        {"made": lambda x, skip, s: {"t": x + skip}},
    ),
    (
        "EmbedLayerNormalization",
        "y, m = com.microsoft.EmbedLayerNormalization(i, g, words, places, types, s, b, mask)",
        TABLES,
        embedded,
        {"weights": {"i": IDS, "g": SEGMENTS, "mask": MASK}},
    ),
    (
        "EmbedLayerNormalization",
        "n, m, t = com.microsoft.EmbedLayerNormalization(i,, words, places,, s, b,, p) "
        "y = Add(n, t)",
        {name: TABLES[name] for name in ("words", "places", "s", "b")},
        lambda words, places, s, b: (
            layer_norm(words[IDS] + places[PLACES], s, b) + words[IDS] + places[PLACES]
        ),
        {
            "weights": {"i": IDS, "p": PLACES},
            "made": lambda words, places, s, b: {"t": words[IDS] + places[PLACES]},
        },
    ),
    group("GroupNorm", "activation=0", "", IMAGE, lambda x, s, b: group_norm(x, s, b, 3)),
    group(
        "GroupNorm",
        "activation=1, epsilon=0.01",
        "",
        IMAGE,
        lambda x, s, b: swish(group_norm(x, s, b, 3, 0.01)),
    ),
    group(
        "GroupNorm",
        "activation=1, channels_last=0",
        "",
        IMAGE | {"x": (2, 6, 3, 4)},
        lambda x, s, b: nchw(swish(group_norm(nhwc(x), s, b, 3))),
    ),
    group(
        "SkipGroupNorm",
        "activation=1",
        ", skip, c",
        IMAGE | {"skip": (2, 6), "c": (6,)},
        lambda x, s, b, skip, c: swish(group_norm(x + skip[:, None, None] + c, s, b, 3)),
    ),
    group(
        "SkipGroupNorm",
        "activation=0, channels_last=0",
        ", skip, c",
        {"x": (2, 6, 3, 4), "s": (6,), "b": (6,), "skip": (2, 6, 3, 4), "c": (6,)},
        lambda x, s, b, skip, c: nchw(group_norm(nhwc(x + skip) + c, s, b, 3)),
    ),
    (
        "SkipGroupNorm",
        "n, t = com.microsoft.SkipGroupNorm<groups=3, activation=0>(x, s, b, skip) y = Add(n, t)",
        IMAGE | {"skip": (2, 1, 1, 6)},
        lambda x, s, b, skip: group_norm(x + skip, s, b, 3) + x + skip,
        UNSEEN | {"made": lambda x, s, b, skip: {"t": x + skip}},
    ),
]
