"""Of boxes over one another the best remains: against the definition, written as loops."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.targets.detection.suppression import overlap, suppress


def shared_cells(a: np.ndarray, b: np.ndarray, side: int = 40) -> float:
    """Intersection over union of whole boxes, by counting pixels."""
    both = either = 0
    for y in range(side):
        for x in range(side):
            inside = [box[0] <= x < box[2] and box[1] <= y < box[3] for box in (a, b)]
            both, either = both + all(inside), either + any(inside)
    return both / either if either else 0.0


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    low = rng.integers(0, 25, (count, 2))
    return np.concatenate([low, low + rng.integers(1, 15, (count, 2))], 1).astype(float)


def test_overlap_counts_pixels(rng: np.random.Generator) -> None:
    boxes = random_boxes(rng, 12)
    found = overlap(boxes[0], boxes)
    assert found == pytest.approx([shared_cells(boxes[0], box) for box in boxes])
    assert overlap(np.zeros(4), np.zeros((1, 4))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_what_remains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores, classes = random_boxes(rng, 30), rng.random(30), rng.integers(0, 2, 30)
    kept = suppress(boxes, scores, classes, most=99)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    for i in range(30):
        better = [
            k
            for k in kept
            if k != i
            and classes[k] == classes[i]
            and scores[k] > scores[i]
            and shared_cells(boxes[k], boxes[i]) >= 0.5
        ]
        assert (i in kept) == (not better)
    assert suppress(boxes, scores, classes, most=2) == kept[:2]
