"""Threshold, segments and boxes against loops, and against maps drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.image.place import place
from cam_core.maps.boxes import (
    as_boxes,
    cells_above,
    in_photo,
    inside,
    largest_box,
    otsu,
    rescaled,
    segment_boxes,
    segments,
)

Array = np.ndarray


def drawn(*rows: str) -> Array:
    """A map of digits."""
    return np.array([[float(c) for c in row] for row in rows])


def flood(cells: Array, diagonal: bool) -> list[set[tuple[int, int]]]:
    """The connected parts, cell by cell."""
    left = {(int(i), int(j)) for i, j in np.argwhere(cells)}
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if diagonal or a == 0 or b == 0]
    parts = []
    while left:
        part, todo = set(), [min(left)]
        while todo:
            i, j = todo.pop()
            if (i, j) in left:
                left.remove((i, j))
                part.add((i, j))
                todo += [(i + a, j + b) for a, b in steps]
        parts.append(part)
    return sorted(parts, key=lambda part: (-len(part), min(part)))


@pytest.mark.parametrize("diagonal", [True, False])
def test_segments_and_their_boxes_by_flooding(diagonal: bool, rng: np.random.Generator) -> None:
    for _ in range(20):
        heat = rng.random((7, 9))
        parts = flood(heat > 0.6 * heat.max(), diagonal)
        found = segments(cells_above(heat, 0.6), diagonal=diagonal)
        assert [{(int(i), int(j)) for i, j in np.argwhere(s)} for s in found] == parts
        expected = [
            (
                min(j for _, j in part),
                min(i for i, _ in part),
                max(j for _, j in part) + 1,
                max(i for i, _ in part) + 1,
            )
            for part in parts
        ]
        boxes = segment_boxes(heat, 0.6, diagonal=diagonal)
        assert boxes.tolist() == [list(map(float, box)) for box in expected]


def test_edges_are_those_of_pixels() -> None:
    heat = drawn("0000", "0090", "0000")
    assert largest_box(heat).tolist() == [[2, 1, 3, 2]]
    assert largest_box(np.ones((3, 4))).tolist() == [[0, 0, 4, 3]]


def test_the_largest_segment_is_not_the_hottest() -> None:
    heat = drawn("90000", "00055", "00055")
    assert largest_box(heat, 0.15).tolist() == [[3, 1, 5, 3]]
    assert segment_boxes(heat, 0.6).tolist() == [[0, 0, 1, 1]]


def test_cells_at_the_threshold_are_not_above() -> None:
    assert cells_above(np.array([[1.0, 2.0, 4.0]]), 0.5).tolist() == [[False, False, True]]
    assert not cells_above(np.zeros((2, 2)), 0).any()
    assert largest_box(np.zeros((2, 2))).shape == (0, 4)


def best_split(values: list[float]) -> float:
    """Otsu's threshold by trying every value."""

    def between(t: float) -> float:
        low, high = [v for v in values if v <= t], [v for v in values if v > t]
        if not high:
            return -1.0
        gap = sum(low) / len(low) - sum(high) / len(high)
        return len(low) * len(high) * gap**2

    return max(sorted(set(values)), key=between)


def test_otsu_by_trying_every_value(rng: np.random.Generator) -> None:
    for _ in range(20):
        values = np.concatenate([rng.normal(1, 0.3, 17), rng.normal(4, 1, 9)]).round(1)
        assert otsu(values) == pytest.approx(best_split(values.tolist()))
    assert otsu(np.full((2, 3), 2.0)) == 2.0


def test_otsu_parts_a_map() -> None:
    heat = drawn("0110", "1770", "0880")
    assert cells_above(heat, "otsu").tolist() == (heat > 1).tolist()


def test_cells_in_boxes_by_their_centres(rng: np.random.Generator) -> None:
    boxes = np.sort(rng.uniform(-1, 8, (60, 2, 2)), axis=1).reshape(60, 4)
    for count in (1, 3):
        for held in boxes.reshape(-1, count, 4):
            found = inside(held, (5, 6))
            for i, j in np.ndindex(5, 6):
                x, y = j + 0.5, i + 0.5
                assert found[i, j] == any(a <= x < c and b <= y < d for a, b, c, d in held)
    assert not inside([], (5, 6)).any()


def test_a_box_round_cells_holds_them(rng: np.random.Generator) -> None:
    heat = rng.random((6, 6))
    for box, part in zip(segment_boxes(heat, 0.7), segments(cells_above(heat, 0.7)), strict=True):
        assert inside([box], (6, 6))[part].all()


def test_boxes_at_another_size() -> None:
    assert rescaled(np.array([[1, 0, 2, 3]]), (3, 4), (6, 16)).tolist() == [[4, 0, 8, 6]]


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox", "corner"])
def test_boxes_in_the_photo_cover_what_they_covered(fit: str, rng: np.random.Generator) -> None:
    """A block of the input, warped as pixels are, against its box moved by the matrix."""
    placement = place((90, 120), (32, 32), fit)
    heat = np.zeros((32, 32))
    heat[9:20, 8:27] = 1
    (box,) = in_photo(largest_box(heat), placement)
    warped = placement.to_photo(heat) > 0.5
    rows, columns = np.flatnonzero(warped.any(1)), np.flatnonzero(warped.any(0))
    expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(box, expected, atol=1)  # half a pixel at each edge is rounded


def test_boxes_are_cut_at_the_photo() -> None:
    placement = place((50, 100), (40, 40), "letterbox")
    assert in_photo(np.array([[0, 0, 40, 40]]), placement).tolist() == [[0, 0, 100, 50]]
    _, top, _, bottom = in_photo(np.array([[0, 0, 40, 5]]), placement)[0]
    assert top == bottom == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cells_above(np.ones((2, 2)), 1.0), "part of a map's maximum"),
        (lambda: cells_above(np.ones((2, 2)), 15), "part of a map's maximum"),
        (lambda: cells_above(-np.ones((2, 2))), "positive part"),
        (lambda: cells_above(np.full((2, 2), np.nan)), "NaN"),
        (lambda: cells_above(np.ones((1, 2, 2))), r"one map \[H, W\]"),
        (lambda: as_boxes([[1, 2, 3]]), "left, top, right, bottom"),
        (lambda: as_boxes([[5, 0, 4, 2]]), "ends before it begins"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
