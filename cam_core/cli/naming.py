"""What a target, its class and its files are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array
from cam_core.targets.labels import label_of


def probabilities(logits: Array) -> Array:
    """Softmax [N, C] in float64, the sigmoid of a single class; what is one already stays."""
    y = logits.astype(np.float64)
    if y.shape[1] == 1:
        return np.exp(-np.logaddexp(0.0, -y))
    if y.min() >= 0 and np.allclose(y.sum(axis=1), 1, atol=1e-3):
        return y
    e = np.exp(y - y.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def best(
    likely: Array, names: Sequence[str] | None, count: int = 5
) -> tuple[tuple[int, str, float], ...]:
    """Index, label and probability of the likeliest classes; likely is [C]."""
    order = np.argsort(-likely, kind="stable")[:count].tolist()
    return tuple((c, "" if names is None else label_of(c, names), float(likely[c])) for c in order)


def top_line(top: Sequence[tuple[int, str, float]]) -> str:
    """'tiger cat 0.560 · ...' of the likeliest classes."""
    return " · ".join(f"{label or f'class {c}'} {p:.3f}" for c, label, p in top)


def file_name(text: str) -> str:
    """Without what file systems mind: 'prob:243' is 'prob-243'."""
    return re.sub(r"[^\w+.-]+", "-", text).strip("-.") or "target"


def subject(target: str) -> str:
    """'class 243', or 'target prob:243'."""
    return f"{'class' if target.isdecimal() else 'target'} {target}"
