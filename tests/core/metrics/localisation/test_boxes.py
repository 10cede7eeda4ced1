"""Boxes round heat against boxes of objects: drawn by hand, and by counting pixels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.boxes import inside
from cam_core.metrics.localisation import box_overlap, localisation_error, max_box_accuracy

Array = np.ndarray
OBJECT = [(2, 2, 6, 6)]


def block(left: int, top: int, right: int, bottom: int, heat: float = 1.0) -> Array:
    found = np.zeros((10, 10))
    found[top:bottom, left:right] = heat
    return found


def counted(a: Array, b: Array) -> float:
    """Intersection over union of whole boxes, by their pixels."""
    first, second = inside([a], (10, 10)), inside([b], (10, 10))
    return float((first & second).sum() / (first | second).sum())


MAPS = np.stack(
    [
        block(2, 2, 6, 6),
        block(4, 2, 6, 6),
        block(4, 4, 6, 6),
        block(8, 8, 10, 10),
        block(2, 2, 6, 6, 0.18) + block(8, 8, 9, 9),
        np.zeros((10, 10)),
    ]
)
BY_HAND = [1, 0.5, 0.25, 0, 1, 0]


def test_overlaps_by_hand() -> None:
    assert box_overlap(MAPS, [OBJECT] * 6).tolist() == BY_HAND


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.15, 1.0), (0.2, 0.0), ("otsu", 0.0)], ids=str
)
def test_the_threshold_is_that_of_the_paper(threshold: float, expected: float) -> None:
    """Grad-CAM's 15 % holds a segment that CAM's 20 % does not; Otsu parts the hot cell."""
    assert box_overlap(MAPS[4:5], [OBJECT], threshold=threshold).tolist() == [expected]


def test_the_best_of_several_objects_counts() -> None:
    assert box_overlap(MAPS[3:4], [[*OBJECT, (8, 8, 10, 9)]]).tolist() == [0.5]


def test_errors_with_the_class_given_and_predicted() -> None:
    assert localisation_error(MAPS, [OBJECT] * 6).tolist() == [0, 0, 1, 1, 0, 1]
    right = [False, True, True, True, True, True]
    assert localisation_error(MAPS, [OBJECT] * 6, correct=right).tolist() == [1, 0, 1, 1, 0, 1]
    assert localisation_error(MAPS, [OBJECT] * 6, least=0.2).tolist() == [0, 0, 0, 1, 0, 1]
    with pytest.raises(InputError, match="1 of `correct` for 6 maps"):
        localisation_error(MAPS, [OBJECT] * 6, correct=[True])


def test_max_box_accuracy_by_loops(rng: np.random.Generator) -> None:
    """All segments of all maps at all thresholds, flooded and counted pixel by pixel."""
    maps = rng.random((4, 10, 10)) + block(1, 2, 6, 7)
    boxes = [[(1, 2, 6, 7)], [(0, 0, 10, 10)], [(2, 2, 8, 8), (0, 0, 2, 2)], [(5, 5, 10, 10)]]
    thresholds, overlaps = (0.0, 0.3, 0.5, 0.8), (0.3, 0.5, 0.7)
    hits = {}
    for t, d in itertools.product(thresholds, overlaps):
        for n, heat in enumerate(maps):
            scaled = (heat - heat.min()) / (heat.max() - heat.min())
            hits[t, d, n] = any(
                counted(box, held) >= d for box in flooded(scaled > t) for held in boxes[n]
            )
    best = {d: max(sum(hits[t, d, n] for n in range(4)) / 4 for t in thresholds) for d in overlaps}
    found = max_box_accuracy(maps, boxes, thresholds=thresholds)
    assert found.by_overlap == best
    assert found.value == pytest.approx(sum(best.values()) / 3)
    for d, t in found.thresholds.items():
        assert found.hits[d].tolist() == [hits[t, d, n] for n in range(4)]


def flooded(cells: Array) -> list[tuple[int, int, int, int]]:
    left, boxes = {(int(i), int(j)) for i, j in np.argwhere(cells)}, []
    while left:
        todo, part = [left.pop()], []
        while todo:
            i, j = todo.pop()
            part.append((i, j))
            near = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
            left -= near
            todo += near
        ys, xs = zip(*part, strict=True)
        boxes.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return boxes


def test_one_threshold_serves_all_maps() -> None:
    """Each alone has a perfect threshold, both together have not."""
    thin = block(2, 2, 6, 6) + block(0, 0, 10, 10, 0.5)  # perfect above 0.5 / 1.5
    wide = block(2, 2, 6, 6) + block(3, 3, 4, 4, 9)  # perfect below 1 / 10
    thin[0, 0] = wide[0, 0] = 0  # so that scaling each map by itself changes nothing
    options = {"overlaps": (0.9,), "thresholds": (0.05, 0.6)}
    assert max_box_accuracy(thin[None], [OBJECT], **options).value == 1
    assert max_box_accuracy(wide[None], [OBJECT], **options).value == 1
    both = max_box_accuracy(np.stack([thin, wide]), [OBJECT] * 2, **options)
    assert both.value == 0.5


def test_version_two_takes_any_segment() -> None:
    """The object is the smaller segment, which the box round the largest one misses."""
    heat = block(2, 2, 6, 6) + block(7, 0, 10, 10)
    assert box_overlap(heat[None], [OBJECT]).tolist() == [0]
    assert max_box_accuracy(heat[None], [OBJECT]).value == 1


def test_thresholds_that_are_none_are_refused() -> None:
    for options in ({"overlaps": ()}, {"thresholds": ()}):
        with pytest.raises(InputError, match="at least one"):
            max_box_accuracy(MAPS, [OBJECT] * 6, **options)
    with pytest.raises(InputError, match="'otzu'"):
        box_overlap(MAPS, [OBJECT] * 6, threshold="otzu")
