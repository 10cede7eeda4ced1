"""Arrays in which one number stands for many."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.maps.repeated import once
from cam_core.methods.from_gradients import gradcam

ALPHA = np.arange(6.0).reshape(2, 3, 1, 1) / 7


def test_of_what_is_repeated_one_is_left() -> None:
    assert np.array_equal(once(np.broadcast_to(ALPHA, (2, 3, 5, 7))), ALPHA)
    assert once(np.broadcast_to(2.0, (4, 5))).tolist() == [[2]]
    assert once(np.broadcast_to(ALPHA[:1], (4, 3, 1, 1))).shape == (1, 3, 1, 1)


@pytest.mark.parametrize("values", [ALPHA, np.ones((2, 3, 4)), np.zeros((0, 3)), np.float32(2), 3])
def test_all_else_stays_as_it_is(values: object) -> None:
    assert once(values) is values or np.array_equal(once(values), values)
    assert np.shape(once(values)) == np.shape(values)


def test_a_mean_of_the_same_number_is_that_number() -> None:
    """Summed 49 times and divided it would be another one in the last digit."""
    third = np.full((1, 1, 1, 1), np.float32(1 / 3))
    assert gradcam(third, np.broadcast_to(third, (1, 1, 7, 7))).item() == third.item()


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("kept", [ALPHA[:1, :1], ALPHA[:1], ALPHA[:1, :1] * 0])
def test_every_row_and_channel_has_its_weight(rows: int, kept: np.ndarray) -> None:
    """Also where one number stands for all rows: a scale of a detector that does not move it."""
    G = np.broadcast_to(kept, (rows, 3, 5, 7))
    expected = np.broadcast_to(kept, (rows, 3, 1, 1))
    assert gradcam(G, G).tolist() == expected.tolist()
