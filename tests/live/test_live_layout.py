"""Layouts from shapes and channel axes."""

from __future__ import annotations

import numpy as np
import pytest

from backends.live.layout import after_reshape, layout_of
from cam_core.errors import LayerError

ROWS = [
    ((1, 5, 4, 3), 1, "NCHW"),
    ((1, 5, 4, 3), None, "NCHW"),
    ((1, 4, 3, 5), 3, "NHWC"),
    ((1, 5, 4), 1, "NCL"),
    ((1, 9, 2), None, "N(3*3)C"),
    ((1, 10, 2), 2, "N(1+3*3)C"),
    ((1, 21, 2), 2, "N(5+4*4)C"),
    ((1, 7, 2), 2, "N(L)C"),
    ((3, 2), None, "NC"),
    ((1, 5, 2, 3, 4), 1, "NCDHW"),
]


@pytest.mark.parametrize(("shape", "axis", "text"), ROWS)
def test_a_layout(shape: tuple[int, ...], axis: int | None, text: str) -> None:
    assert layout_of(shape, axis).text() == text


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4, 5, 6)])
def test_no_layout(shape: tuple[int, ...]) -> None:
    with pytest.raises(LayerError, match="has no channels: pass layout="):
        layout_of(shape, None)


@pytest.mark.parametrize(
    ("before", "after", "axis", "expected"),
    [
        ((2, 5, 3, 4), (2, 5, 12), 1, 1),
        ((2, 3, 4, 5), (2, 12, 5), 3, 2),
        ((2, 6, 3), (2, 2, 3, 3), 1, None),
        ((2, 5), (2, 5, 1, 1), 1, 1),
    ],
)
def test_an_axis_after_a_reshape(
    before: tuple[int, ...], after: tuple[int, ...], axis: int, expected: int | None
) -> None:
    assert after_reshape(before, after, axis) == expected
    if expected is not None:  # the same numbers stand along it
        values = np.moveaxis(np.indices(before)[axis].reshape(after), expected, -1)
        assert (values == np.arange(before[axis])).all()
