"""What a model says of photos, out of its scores: answers, how sure it is, what a map is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backend import Array, Backend
from ...compare.photos import Answer, Seen
from ...compare.sides import Sides
from ...head import head_of, probability_of
from ...targets import ScoredTarget
from ...targets.labels import label_of
from ...targets.scores import pool, sigmoid, softmax
from .shot import NAN, One


def told(
    sides: Sides,
    y: Array,
    target: ScoredTarget | None,
    classes: Sequence[int] | Array | None,
    Y: Sequence[float] | Array,
    maps: Sequence[Seen],
) -> list[One]:
    """What A says of each row.

    Args:
        y: the score [N, ...].
        target: what the maps are about; None where nobody knows.
        classes: the class of each; None of no class.
        Y: the target's number of each.
        maps: the maps.
    """
    names, n = sides.labels[0], len(maps)
    answers = answers_of(sides, y[:n])
    likely = confidences(sides.a, y[:n], [None if one is None else one.index for one in answers])
    found = []
    for i, seen in enumerate(maps):
        about = None if classes is None else int(classes[i])
        label = "" if about is None else label_of(about, names)
        said = "" if target is None else target.title(about, names) or target.name(about)
        found.append(One(answers[i], likely[i], said, about, label, float(Y[i]), seen))
    return found


def answers_of(sides: Sides, y: Array) -> list[Answer | None]:
    """The top class of each row of a score [N, ...]; None where classes are no answer."""
    y = pool(y, sides.a.class_axis)
    if not sides.ranked or y.shape[1] < 2:
        return [None] * len(y)
    tops = np.nan_to_num(y, nan=-np.inf).argmax(axis=1)
    pairs = zip(tops, y, strict=True)
    return [
        Answer(int(c), label_of(int(c), sides.labels[0]), float(row[int(c)])) for c, row in pairs
    ]


def confidences(backend: Backend, y: Array, classes: Sequence[int | None]) -> list[float]:
    """The probability of each row's class, where the model itself makes one of its score [N, C].

    NaN of a model that ends in its logits: a softmax that it has not is no word of its own.
    """
    how, head = probability_of(backend), head_of(backend)
    plain = head is not None and head.boxes is None and y.ndim == 2
    if how not in ("softmax", "sigmoid") or not plain:
        return [NAN] * len(classes)
    own: Any = y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        p = softmax(own, backend.class_axis) if how == "softmax" else sigmoid(own)
    return [NAN if c is None else float(row[c]) for row, c in zip(p, classes, strict=True)]
