"""Boxes of two detectors: which are the same, how far apart, and why one is missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from cam_core.compare.boxes import boxes_record, drift, pair_boxes


def box(corners: Any, index: int = 0, score: float = 1.0) -> dict[str, Any]:
    return {"corners": [float(v) for v in corners], "class": index, "score": score}


def shared(a: Any, b: Any) -> float:
    """Intersection over union, pixel by pixel on a fine grid."""
    ys, xs = np.mgrid[0:40, 0:40] + 0.5
    one, other = ((xs > x0) & (xs < x1) & (ys > y0) & (ys < y1) for x0, y0, x1, y1 in (a, b))
    return float((one & other).sum() / (one | other).sum())


def test_the_pairing_is_the_best_of_all() -> None:
    rng = np.random.default_rng(3)
    corners = rng.integers(0, 6, (4, 4)) + np.array([0, 0, 20, 20])
    moved = corners[[2, 0, 3, 1]] + rng.integers(0, 4, (4, 4))
    a, b = [box(c) for c in corners], [box(c) for c in moved]
    found = pair_boxes(a, b)
    table = np.array([[shared(x, y) for y in moved] for x in corners])
    orders = permutations(range(4))
    best = max(orders, key=lambda order: sum(table[i, j] for i, j in enumerate(order)))
    assert {(i, j) for i, j, _ in found} == set(enumerate(best))
    for i, j, iou in found:
        assert iou == pytest.approx(table[i, j])


def test_others_are_no_pair() -> None:
    here = box((0, 0, 10, 10))
    assert pair_boxes([here], [box((6, 0, 16, 10))]) == []
    assert pair_boxes([here], [box((0, 0, 10, 10), 1)]) == []
    assert pair_boxes([here], [box((0, 0, 10, 10), 1)], lambda c: c + 1) == [(0, 0, 1.0)]
    assert (pair_boxes([], [here]), pair_boxes([here], [])) == ([], [])


def test_the_drift_in_numbers() -> None:
    found = drift(box((0, 0, 10, 10)), box((3, 4, 23, 14), score=0.5), 0.4)
    assert found == {"iou": 0.4, "moved": np.hypot(8, 4), "area": 2.0, "score": -0.5}


def test_a_planted_miss_is_told_with_what_it_lacks() -> None:
    pytest.importorskip("onnxruntime")
    from cam_core import open_backend
    from cam_core.asking import seen_by
    from cam_core.compare.sides import Sides
    from cam_core.demo import DETECTOR, load_crowds
    from cam_core.image import DETECTORS, preprocess

    backend = open_backend(DETECTOR)
    crowd = load_crowds()[0].pixels()
    x = preprocess(crowd, DETECTORS[""][1], backend.inputs()[0]).x
    seen = seen_by(backend, x, backend.look(x, layers=()))
    sides = Sides(backend, backend, [])
    whole = boxes_record(sides, (seen, seen))
    assert whole is not None
    assert whole["pairs"]
    assert (whole["misses"], whole["ghosts"]) == ([], [])
    faint = replace(seen, score=seen.score - 20, made={})
    gone = boxes_record(sides, (seen, faint))
    assert gone is not None
    assert (gone["pairs"], gone["ghosts"], len(gone["misses"])) == ([], [], len(whole["pairs"]))
    first = gone["misses"][0]
    assert "too little" in first["in_b"]["why"]
    ghosts = boxes_record(sides, (faint, seen))
    assert ghosts is not None
    assert len(ghosts["ghosts"]) == len(whole["pairs"])
