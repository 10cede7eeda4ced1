"""Arrays as rows of an input, or as all that it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.cli.inputs.fitting import as_row, fit, fits, frames
from cam_core.errors import InputError

FLOAT = np.dtype("float32")
IMAGE = InputInfo("x", (None, 3, 4, "W"), FLOAT)
CLIP = InputInfo("clip", (8, 3, 4, 4), FLOAT, row_axis=None)
BAG = InputInfo("bag", ("F", 3, 4, 4), FLOAT, row_axis=None)
STATE = InputInfo("state", (2, "N", 5), FLOAT, row_axis=1)
ALONE = InputInfo("alone", (3, "H", "W"), FLOAT, channel_axis=0, row_axis=None)
GAIN = InputInfo("gain", (), FLOAT, row_axis=None)
FOUR = InputInfo("four", (4, 3), FLOAT)
SHAPES = [
    (IMAGE, (5, 3, 4, 9), (5, 3, 4, 9)),
    (IMAGE, (3, 4, 9), (1, 3, 4, 9)),
    (IMAGE, (5, 2, 4, 9), None),
    (CLIP, (8, 3, 4, 4), (8, 3, 4, 4)),
    (CLIP, (16, 3, 4, 4), None),
    (CLIP, (3, 4, 4), None),
    (BAG, (6, 3, 4, 4), (6, 3, 4, 4)),
    (STATE, (2, 7, 5), (2, 7, 5)),
    (STATE, (3, 7, 5), None),
    (STATE, (7, 5), None),
    (ALONE, (3, 4, 9), (3, 4, 9)),
    (ALONE, (4, 9), None),
    (GAIN, (), ()),
    (GAIN, (1,), None),
]


@pytest.mark.parametrize(
    ("info", "given", "expected"), SHAPES, ids=lambda v: getattr(v, "name", str(v))
)
def test_what_fits(
    info: InputInfo, given: tuple[int, ...], expected: tuple[int, ...] | None
) -> None:
    array = np.zeros(given)
    assert fits(array, info) == (expected is not None)
    if expected is None:
        with pytest.raises(InputError, match=f"does not fit input '{info.name}'"):
            fit(array, info, Path("a.npy"))
    else:
        assert fit(array, info, Path("a.npy")).shape == expected


@pytest.mark.parametrize(
    ("info", "expected"), [(IMAGE, 1), (CLIP, 8), (BAG, 1), (FOUR, 1), (ALONE, 1)]
)
def test_pictures_that_are_taken_at_once(info: InputInfo, expected: int) -> None:
    assert frames(info) == expected


@pytest.mark.parametrize(
    ("info", "given", "expected"),
    [
        (IMAGE, (1, 3, 4, 9), (1, 3, 4, 9)),
        (CLIP, (8, 3, 4, 4), (1, 8, 3, 4, 4)),
        (ALONE, (3, 4, 9), (1, 3, 4, 9)),
        (GAIN, (), (1,)),
    ],
    ids=["image", "clip", "alone", "gain"],
)
def test_all_of_a_clip_is_one_row(
    info: InputInfo, given: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert as_row(np.zeros(given), info).shape == expected
