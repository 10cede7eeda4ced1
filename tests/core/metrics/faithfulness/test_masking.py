"""What masking does, pixel by pixel, with channels anywhere."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import masked_input, masked_scores
from cam_core.metrics.faithfulness.masking import ranks, replaced
from cam_core.metrics.scoring import Counted
from tests.core.metrics.peer import total


@pytest.mark.parametrize("space", [(6,), (3, 4), (2, 3, 2)], ids=str)
def test_masking_by_pixels(space: tuple[int, ...], rng: np.random.Generator) -> None:
    x, maps = rng.normal(size=(2, 3, *space)), rng.random((2, *space))
    found = masked_input(x, maps, fill=0.25)
    for n, c, *s in np.ndindex(x.shape):
        at, heat = (n, c, *s), maps[(n, *s)]
        assert found[at] == pytest.approx(x[at] * heat + 0.25 * (1 - heat))
    last = masked_input(np.moveaxis(x, 1, -1), maps, fill=0.25, channel_axis=-1)
    np.testing.assert_array_equal(np.moveaxis(last, -1, 1), found)


def test_masking_keeps_the_type() -> None:
    assert masked_input(np.ones((1, 3, 2, 2), np.float32), np.ones((1, 2, 2))).dtype == np.float32


def test_pixels_stay_pixels() -> None:
    """A model may take the bytes of a photo."""
    x = np.full((1, 3, 2, 2), 255, np.uint8)
    found = masked_input(x, np.full((1, 2, 2), 0.5), fill=114.0)
    assert found.dtype == np.uint8
    assert (found == 184).all()  # 184.5, to the even one


def test_a_fill_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="one value a channel"):
        masked_input(np.ones((1, 3, 4, 4)), np.ones((1, 4, 4)), fill=np.zeros(3))


def test_two_forward_passes_a_row(rng: np.random.Generator) -> None:
    counted = Counted(total)
    masked_scores(rng.random((5, 1, 2, 2)), np.zeros((5, 2, 2)), counted, batch=4)
    assert (counted.rows, counted.calls) == (10, 3)


def test_ranks_are_the_order_of_cells() -> None:
    maps = np.array([[[0.1, 0.9], [0.1, 0.5]]])
    assert ranks(maps).tolist() == [[[2, 0], [3, 1]]]


def test_replacing_takes_whole_pixels() -> None:
    x, cells = np.zeros((2, 1, 3)), np.array([[True, False, True]])
    (found,) = replaced(x, np.ones_like(x), iter([cells]), 1)
    assert found.tolist() == [[[1, 0, 1]], [[1, 0, 1]]]
    (last,) = replaced(np.moveaxis(x, 0, -1), np.ones((1, 3, 2)), iter([cells]), -1)
    np.testing.assert_array_equal(np.moveaxis(last, -1, 0), found)


@pytest.mark.parametrize(
    ("x", "maps", "axis", "words"),
    [
        (np.ones((1, 3, 8, 8)), np.ones((1, 4, 4)), 1, "do not lie over"),
        (np.ones((1, 8, 8, 3)), np.ones((1, 8, 8)), 1, "channels at axis 1"),
        (np.ones((2, 3, 8, 8)), np.ones((1, 8, 8)), 1, "do not lie over"),
        (np.ones((1, 3, 8, 8)), np.full((1, 8, 8), 255.0), 1, "reach 255"),
    ],
)
def test_what_is_refused(x: np.ndarray, maps: np.ndarray, axis: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        masked_input(x, maps, channel_axis=axis)
