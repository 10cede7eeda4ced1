"""What a record says of some cells of a score: how many, how strong, how likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...backend import Array
from ..asking import Asking
from ..labels import label_of
from ..scores import find_axis, sigmoid, softmax


def region_facts(
    y: Array, chosen: Array, index: Sequence[int] | None, asking: Asking
) -> tuple[Mapping[str, Any], ...]:
    """One dict a row, ready for JSON.

    Args:
        chosen: bool [N, *P], see `CellsTarget.weights`.
        index: the class of each row; None: the score has none.
    """
    if index is None:
        return tuple({"region": _of(row, y[n])} for n, row in enumerate(chosen))
    own = of_class(y, index, asking.class_axis)
    p = probability(y, asking)
    likely = None if p is None else of_class(p, index, asking.class_axis)
    found = []
    for n, row in enumerate(chosen):
        label = None if asking.labels is None else label_of(index[n], asking.labels)
        facts = {"class": index[n], "label": label, **_of(row, own[n])}
        value = None if likely is None or not row.any() else float(likely[n][row].mean())
        found.append({"region": {**facts, "probability": value}})
    return tuple(found)


def of_class(y: Array, index: Sequence[int], class_axis: int) -> Array:
    """y^c [N, *P] of one class a row."""
    axis = find_axis(y, class_axis)
    return np.stack([np.take(row, c, axis - 1) for row, c in zip(y, index, strict=True)])


def probability(y: Array, asking: Asking) -> Array | None:
    """p in float64, of y's shape, as the model makes it; None where it makes none."""
    how = "" if asking.head is None else asking.head.probability
    wide = y.astype(np.float64)
    if how == "softmax":
        return softmax(wide, asking.class_axis)
    return sigmoid(wide) if how == "sigmoid" else np.exp(wide) if how == "exp" else None


def _of(chosen: Array, values: Array) -> dict[str, Any]:
    mean = float(values[chosen].mean(dtype=np.float64)) if chosen.any() else None
    return {"places": int(chosen.sum()), "share": float(chosen.mean()), "score": mean}
