"""What an explanation is assembled from: a sum of weighted activations, its places, its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from .backend import Array
from .explanation import Explanation
from .maps.combine import positive
from .maps.diagnosis import floor_under, noise_floor, nothing
from .maps.principal import first_component
from .maps.repeated import once
from .methods import Method, Question
from .region import Region
from .targets import ScoredTarget
from .targets.labels import label_of

OVER_CHANNELS = "nk...,nk...->n..."
"""The sum of alpha_k A^k, or of alpha^k A^k, over k."""


def summed(
    A: Array,
    alpha: Array,
    dtype: np.dtype[Any],
    *,
    eigen: bool = False,
    within: tuple[slice, ...] | None = None,
) -> tuple[Array, Array]:
    """The signed map, and the value below which it is rounding.

    `eigen`: see `explained`. `within`: the places outside which alpha is 0, where that is known.
    """
    if once(alpha).size < A.size and nothing(alpha):  # all scales but one
        kind = np.result_type(A, alpha)
        return np.zeros((len(A), *A.shape[2:]), kind), np.zeros(len(A), kind)
    window = within
    if window is None and not eigen and alpha.shape == A.shape:
        window = lit_window(alpha)
    if window is not None and not eigen:
        signed = np.zeros((len(A), *A.shape[2:]), np.result_type(A, alpha))
        signed[:, *window], floor = _summed(A[:, :, *window], alpha[:, :, *window], dtype)
        return signed, floor
    if not eigen:
        return _summed(A, alpha, dtype)
    weighted = alpha * A
    return first_component(weighted), noise_floor(weighted, dtype)


def _summed(A: Array, alpha: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Without an array of the products, which would be as large as A."""
    signed = np.einsum(OVER_CHANNELS, alpha, A)
    return signed, floor_under(np.einsum(OVER_CHANNELS, np.abs(alpha), np.abs(A)), dtype)


def lit_window(alpha: Array) -> tuple[slice, ...] | None:
    """The places outside which weights [N, K, *S] are 0, where they are few: those of a box."""
    ends = (slice(1), slice(-1, None))  # of each axis
    if all(np.any(alpha[(..., *(end,) * (alpha.ndim - 2))]) for end in ends):
        return None  # from one end of each axis to the other
    lit = np.any(alpha != 0, axis=(0, 1))  # of booleans faster than of numbers
    found = []
    for axis in range(lit.ndim):
        places = np.flatnonzero(np.any(lit, axis=tuple(set(range(lit.ndim)) - {axis})))
        if not places.size:
            return None
        found.append(slice(int(places[0]), int(places[-1]) + 1))
    few = 2 * prod(s.stop - s.start for s in found) < lit.size
    return tuple(found) if few else None


def shown(signed: Array, floor: Array) -> dict[str, Any]:
    """What an explanation says of a signed map [N, *S] and its noise [N]."""
    maps = positive(signed)
    top = np.max(maps, axis=tuple(range(1, maps.ndim)))
    return {"map": maps, "signed": signed, "raw_max": top, "noise_floor": floor}


def asked(target: ScoredTarget, y: Array, labels: Sequence[str] | None) -> dict[str, Any]:
    """What an explanation says of its target: the same at every layer, and by every method."""
    classes = target.classes(y)
    return {
        "target": target.label,
        "classes": classes,
        "labels": None if classes is None else tuple(label_of(int(c), labels) for c in classes),
        "detail": target.detail,
        "outline": target.outline,
    }


def with_facts(known: Explanation, facts: Sequence[Mapping[str, Any]]) -> Explanation:
    """With what the method says of each row, beside what the target does."""
    if not facts:
        return known
    own = known.detail or ({},) * len(facts)
    return replace(known, detail=tuple({**a, **b} for a, b in zip(own, facts, strict=True)))


def places(question: Question, method: Method) -> tuple[str, Region | None]:
    """The name of what the map's places are those of, and what of the input they cover."""
    if method.at == "attention":
        return question.attention.name, question.attention.region
    layer = question.layer if method.layered else question.input.name
    if method.at == "input":
        return layer, whole(question)
    return layer, question.look.regions.get(question.layer)


def whole(question: Question) -> Region:
    """All of the input, which a map of its own size lies over."""
    axes = question.space
    return Region(question.input.name, axes, ((0, 1),) * len(axes), axes)


def by_row(values: Array, rows: int) -> Array:
    """[N k, ...] as [N, k, ...]."""
    return values.reshape(rows, -1, *values.shape[1:])


def said(first: Sequence[str], then: Sequence[str]) -> tuple[str, ...]:
    """What is doubtful about each row, of two things."""
    return tuple("; ".join(filter(None, pair)) for pair in zip(first, then, strict=True))
