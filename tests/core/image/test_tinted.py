"""Several maps on one photo: the formula pixel by pixel, as loops."""

from __future__ import annotations

import numpy as np

from cam_core.image.tinted import (
    AGAINST,
    COLOURS,
    FOR,
    STRONGEST,
    colour_of,
    signed_bar,
    signed_over,
    tinted,
)


def test_each_map_has_its_colour(rng: np.random.Generator) -> None:
    photo = rng.integers(0, 256, (3, 4, 3), np.uint8)
    heats, colours = rng.random((2, 3, 4)).astype(np.float32), [(250, 0, 0), (0, 0, 250)]
    heats[:, 1, 2] = 0  # nothing there
    heats[0, 0, 0], heats[1, 0, 0] = 1, 0
    painted = tinted(photo, list(heats), colours)
    for i in range(3):
        for j in range(4):
            a, b = heats[:, i, j]
            total = a + b
            mixed = [(a * colours[0][c] + b * colours[1][c]) / (total or 1) for c in range(3)]
            cover = STRONGEST * max(a, b)
            expected = [photo[i, j, c] * (1 - cover) + mixed[c] * cover for c in range(3)]
            np.testing.assert_allclose(painted[i, j], expected, atol=0.51)
    np.testing.assert_array_equal(painted[1, 2], photo[1, 2])


def test_signs_have_two_colours_and_zero_none() -> None:
    photo = np.full((1, 4, 3), 90, np.uint8)
    painted = signed_over(photo, np.float32([[0, 1, -1, 5]]))[0].astype(int)
    assert painted[0].tolist() == [90, 90, 90]
    for pixel, colour in ((1, FOR), (2, AGAINST), (3, FOR)):
        expected = [0.25 * 90 + 0.75 * c for c in colour]
        np.testing.assert_allclose(painted[pixel], expected, atol=0.51)
    np.testing.assert_array_equal(signed_bar(np.array([0, 0.5, 1])), [AGAINST, [255] * 3, FOR])


def test_colours_begin_again() -> None:
    assert len(set(COLOURS)) == len(COLOURS)
    assert colour_of(len(COLOURS) + 1) == COLOURS[1]
