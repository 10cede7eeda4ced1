"""The boxes of two detectors on one photo: which are the same one, how far they drifted apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Array
from ..boxes import box_questions, boxes_of
from ..errors import NothingFoundError, TargetError
from ..targets import ScoredTarget, Seen
from ..targets.detection.suppression import overlap
from .sides import Sides

LEAST = 0.5
"""Intersection over union from which on two boxes are the same one."""
Box = Mapping[str, Any]
"""A record, with `corners`, `class` and `score`."""


def pair_boxes(
    a: Sequence[Box], b: Sequence[Box], class_in_b: Callable[[int], int | None] = lambda c: c
) -> list[tuple[int, int, float]]:
    """(of A, of B, their intersection over union): the pairing with the largest sum (Kuhn 1955).

    Boxes of other classes, or with less than LEAST in common, are no pair.
    """
    if not a or not b:
        return []
    from scipy.optimize import linear_sum_assignment

    theirs = np.array([box["corners"] for box in b], np.float64)
    shared = np.stack([overlap(np.array(box["corners"], np.float64), theirs) for box in a])
    same = np.array([[class_in_b(one["class"]) == other["class"] for other in b] for one in a])
    shared = np.where(same & (shared >= LEAST), shared, 0.0)
    rows, columns = linear_sum_assignment(-shared)
    pairs = zip(rows, columns, strict=True)
    return [(int(i), int(j), float(shared[i, j])) for i, j in pairs if shared[i, j] > 0]


def drift(a: Box, b: Box, iou: float) -> dict[str, float]:
    """How far B's box lies from A's: pixels between the centres, factor of the areas, score.

    The factor is 0 where A's box has no area.
    """
    first, second = (np.array(box["corners"], np.float64) for box in (a, b))
    return {
        "iou": iou,
        "moved": float(np.linalg.norm(_centre(second) - _centre(first))),
        "area": _area(second) / _area(first) if _area(first) > 0 else 0.0,
        "score": float(b["score"] - a["score"]),
    }


def boxes_record(sides: Sides, seen: tuple[Seen, Seen]) -> dict[str, Any] | None:
    """Pairs with their drift, misses (of A alone) and ghosts (of B alone) with what is amiss.

    Of a miss: what the best anchor over that place lacks in B; of a ghost, in A. None of models
    that are no detectors.
    """
    try:
        questions = [
            box_questions(backend, ["box:all"], labels)
            for backend, labels in zip((sides.a, sides.b), sides.labels, strict=True)
        ]
    except TargetError:
        return None
    a, b = (_found(asked, one) for asked, one in zip(questions, seen, strict=True))
    pairs = pair_boxes(a, b, sides.classes.of)
    paired = [{i for i, _, _ in pairs}, {j for _, j, _ in pairs}]
    in_b = sides.classes.of, sides.b, sides.labels[1], seen[1]
    in_a = sides.classes.back, sides.a, sides.labels[0], seen[0]
    misses = [box for i, box in enumerate(a) if i not in paired[0]]
    ghosts = [box for j, box in enumerate(b) if j not in paired[1]]
    return {
        "pairs": [{"a": a[i], "b": b[j], **drift(a[i], b[j], iou)} for i, j, iou in pairs],
        "misses": [{"box": box, "in_b": why_none(box, *in_b)} for box in misses],
        "ghosts": [{"box": box, "in_a": why_none(box, *in_a)} for box in ghosts],
    }


def why_none(
    box: Box,
    other: Callable[[int], int | None],
    backend: Any,
    labels: Sequence[str] | None,
    seen: Seen,
) -> dict[str, Any]:
    """What the anchor over the place of a box lacks in the model that has no box there."""
    index = other(int(box["class"]))
    if index is None:
        return {"why": "it has no such class"}
    try:
        detail = none_there(box, index, backend, labels, seen).detail[0]
    except (NothingFoundError, TargetError) as error:
        return {"why": str(error)}
    near, lacks, shared = detail["box"], detail["nobox"]["gap"], detail["nobox"]["overlap"]
    p = near.get("probability")
    has = f"score {near['score']:.3g}" + ("" if p is None else f", probability {p:.3g}")
    what = f"anchor {near['anchor']} lies there best (overlap {shared:.0%}) and has {has}"
    why = f"{what}, {lacks:.3g} too little" if lacks > 0 else f"{what}, and another box won"
    known = {"anchor": near["anchor"], "score": near["score"], "probability": p}
    return {"why": why, **known, "overlap": float(shared), "lacks": float(lacks)}


def none_there(
    box: Box, index: int, backend: Any, labels: Sequence[str] | None, seen: Seen
) -> ScoredTarget:
    """Why is there no box of a class: the question about the anchor over its place.

    Raises:
        NothingFoundError: no anchor lies there.
        TargetError: there are never boxes of that class.
    """
    area = ",".join(f"{v:.2f}" for v in box["corners"])
    (question,) = box_questions(backend, [f"nobox:{index}@{area}"], labels)
    (found,) = question.found_in(seen)
    return found


def _found(questions: Sequence[Any], seen: Seen) -> list[Box]:
    try:
        return boxes_of(questions, seen)
    except NothingFoundError:
        return []


def _centre(corners: Array) -> Array:
    found: Array = (corners[:2] + corners[2:]) / 2
    return found


def _area(corners: Array) -> float:
    return float(np.prod(np.maximum(corners[2:] - corners[:2], 0)))
