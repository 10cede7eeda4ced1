"""Insertion and deletion step by step, and against values that others publish."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import blurred, deletion, insertion
from cam_core.metrics.scoring import Counted
from tests.core.metrics.peer import MAP, X, score, total

Array = np.ndarray
# torch-cam, tests/test_metrics.py, with its SumClassifier: (input, steps, fractions, deletion and
# its area, insertion from zeros and its area). The second input is any whose sums are these.
TORCH_CAM = [
    ([0.4, 0.3, 0.2, 0.1], 2, [0, 0.5, 1], ([1, 0.3, 0], 0.4), ([0, 0.7, 1], 0.6)),
    (
        [0.3, 0.25, 0.2, 0.15, 0.1],
        3,
        [0, 0.4, 0.8, 1],
        ([1, 0.45, 0.1, 0], 0.41),
        ([0, 0.55, 0.9, 1], 0.59),
    ),
]


@pytest.mark.parametrize(("values", "steps", "fractions", "out", "back"), TORCH_CAM, ids=["2", "3"])
def test_torch_cam_values(
    values: list[float],
    steps: int,
    fractions: list[float],
    out: tuple[list[float], float],
    back: tuple[list[float], float],
) -> None:
    x = np.array(values).reshape(1, 1, 1, -1)
    gone = deletion(x, x[:, 0], total, steps=steps)
    come = insertion(x, x[:, 0], total, steps=steps, start=0.0)
    for curve, (scores, area) in ((gone, out), (come, back)):
        np.testing.assert_allclose(curve.fractions, fractions)
        np.testing.assert_allclose(curve.scores, [scores], atol=1e-12)
        assert curve.area[0] == pytest.approx(area)


def test_xplique_perfect_deletion_and_insertion(rng: np.random.Generator) -> None:
    """xplique, tests/metrics/test_fidelity.py: a model that falls, or rises, at the first cell.

    Within 1e-2, as there: the first of 256 steps has half a trapezoid.
    """
    x = rng.uniform(0.1, 1, (3, 1, 16, 16))

    def none_gone(batch: Array) -> Array:
        return 1.0 - (batch == 0).any(axis=(1, 2, 3))

    def any_there(batch: Array) -> Array:
        return (batch != 0).any(axis=(1, 2, 3)).astype(float)

    gone = deletion(x, x[:, 0], none_gone, steps=256).area
    come = insertion(x, x[:, 0], any_there, steps=256, start=0.0).area
    np.testing.assert_allclose(gone, 0, atol=1e-2)
    np.testing.assert_allclose(come, 1, atol=1e-2)


@pytest.mark.parametrize("channels_last", [False, True])
def test_curves_by_loops(channels_last: bool, rng: np.random.Generator) -> None:
    maps = rng.normal(size=(2, 4, 5))  # signed
    x = np.concatenate([X, X[..., ::-1]])
    given = np.moveaxis(x, 1, -1) if channels_last else x
    axis = -1 if channels_last else 1

    def scored(batch: Array) -> Array:
        return score(np.moveaxis(batch, -1, 1) if channels_last else batch)

    fill = np.array([0.3, -0.2])
    shown = fill if channels_last else fill[:, None, None]
    options = {"steps": 6, "channel_axis": axis, "batch": 4}
    gone = deletion(given, maps, scored, fill=shown, **options)
    come = insertion(given, maps, scored, start=shown, **options)
    for row in range(2):
        cells = sorted(np.ndindex(4, 5), key=lambda at: -maps[(row, *at)])
        out, back = x[row].copy(), np.broadcast_to(fill[:, None, None], (2, 4, 5)).copy()
        expected = [(score(out[None])[0], score(back[None])[0])]
        for count, (i, j) in enumerate(cells, start=1):
            out[:, i, j], back[:, i, j] = fill, x[row, :, i, j]
            if count % 4 == 0:
                expected.append((score(out[None])[0], score(back[None])[0]))
        np.testing.assert_allclose(gone.scores[row], [a for a, _ in expected], rtol=1e-12)
        np.testing.assert_allclose(come.scores[row], [b for _, b in expected], rtol=1e-12)


def test_insertion_starts_from_a_blur() -> None:
    counted = Counted(score)
    curve = insertion(X, MAP, counted, steps=5)
    assert curve.scores[0, 0] == pytest.approx(score(blurred(X))[0])
    assert curve.scores[0, -1] == pytest.approx(score(X)[0])
    assert counted.rows == 6


def test_the_blur_by_loops(rng: np.random.Generator) -> None:
    """11 weights along each axis, mirrored at the edge pixel's outer side."""
    x = rng.random((1, 1, 12, 13))
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 50)
    weights /= weights.sum()
    wide = np.pad(x[0, 0], 5, mode="symmetric")
    expected = [
        [np.sum(np.outer(weights, weights) * wide[i : i + 11, j : j + 11]) for j in range(13)]
        for i in range(12)
    ]
    np.testing.assert_allclose(blurred(x)[0, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(
        blurred(np.moveaxis(x, 1, -1), channel_axis=-1)[0, ..., 0], expected, rtol=1e-12
    )


def test_a_better_map_has_the_better_areas() -> None:
    """What the sum hangs on is known: the cells by their own size."""
    x = np.abs(np.random.default_rng(1).normal(size=(1, 1, 6, 6)))
    right, wrong = x[:, 0], -x[:, 0]
    assert deletion(x, right, total).area < deletion(x, wrong, total).area
    assert insertion(x, right, total, start=0).area > insertion(x, wrong, total, start=0).area


def test_no_steps_are_refused() -> None:
    with pytest.raises(InputError, match="0 steps"):
        deletion(X, MAP, score, steps=0)
