"""What is refused at the door of every metric."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.given import as_heatmaps, as_maps, as_positive, cast, share


def test_maps_come_through_as_float64() -> None:
    found = as_heatmaps(np.array([[0, 1]], np.float32))
    assert found.dtype == np.float64
    assert found.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("check", "maps", "words"),
    [
        (as_maps, np.zeros(3), r"not \[N, \*S\]"),
        (as_maps, np.array([[0.0], [np.inf]]), "map 1 holds NaN or inf"),
        (lambda maps: as_maps(maps, rank=2), np.zeros((2, 3)), r"not \[N, H, W\]"),
        (as_positive, np.array([[0.0, -2.0]]), "down to -2"),
        (as_heatmaps, np.array([[0.0, 255.0]]), "reach 255"),
    ],
)
def test_what_is_refused(check: object, maps: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check(maps)  # type: ignore[operator]


def test_a_share_of_nothing_is_no_number() -> None:
    found = share(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    np.testing.assert_array_equal(found, [0.25, np.nan])


def test_pixels_are_rounded_and_cut() -> None:
    found = cast(np.array([-3.0, 2.6, 300.0]), np.dtype(np.uint8))
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 3, 255]
    assert cast(np.array([2.6]), np.dtype(np.float32)).dtype == np.float32
