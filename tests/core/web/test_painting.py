"""The page paints as `cam_core.image` does: within one level of each colour."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.image.figure import enlarge, paint
from cam_core.image.place import place
from cam_core.image.tinted import signed_over
from cam_core.maps.combine import heatmap, resize
from tests.core.web.page import Call, grid, photo, pixels_of, random_photo

WINDOWS = [[[0, 1], [0, 1]], [[-0.1, 1.05], [0.2, 0.8]]]
FITS = ["crop", "letterbox", "corner", "stretch"]
ROUNDING = 1e-6
"""Of numbers up to 1 in float32, added in another order."""


@pytest.mark.parametrize("windows", WINDOWS, ids=["whole", "a part"])
def test_the_heatmap_is_that_of_python(
    windows: list[list[float]], node: Call, rng: np.random.Generator
) -> None:
    cells = rng.uniform(0, 3, (7, 5)).astype(np.float32)
    expected = heatmap(cells[None], (33, 41), [(a, b) for a, b in windows])[0]
    found = node("heat", "heatmap", grid(cells), (33, 41), windows)
    np.testing.assert_allclose(np.reshape(found["data"], (33, 41)), expected, atol=ROUNDING)


@pytest.mark.parametrize("fit", FITS)
def test_heat_is_painted_where_python_paints_it(
    fit: str, node: Call, rng: np.random.Generator
) -> None:
    pixels = random_photo(rng, 60, 90)
    heat = rng.uniform(0, 1, (32, 32)).astype(np.float32)
    at = place((60, 90), (32, 32), fit, margin=1.2)
    how = {"fit": fit, "resize": None, "margin": 1.2}
    body = """
    const [pixels, heat, extent, size, how] = args;
    const { place } = await load("place");
    const { paintHeat } = await load("colour");
    return paintHeat(pixels, heat, place(extent, size, how), 0.5);
    """
    found = node.body(body, photo(pixels), grid(heat), (60, 90), (32, 32), how)
    expected = paint(pixels, heat, at)
    apart = np.abs(pixels_of(found).astype(int) - expected.astype(int))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.01  # a level of the table is entered by truncation


def test_evidence_for_and_against_is_in_two_colours(node: Call, rng: np.random.Generator) -> None:
    pixels = random_photo(rng, 40, 40)
    cells = rng.normal(size=(6, 6)).astype(np.float32)
    limit = float(np.abs(cells).max())
    at = place((40, 40), (24, 24), "stretch")
    over = resize(cells[None], (24, 24))[0] / limit
    expected = signed_over(pixels, at.to_photo(over, (40, 40)))
    how = {"fit": "stretch", "resize": None, "margin": 1}
    body = """
    const [pixels, over, extent, size, how] = args;
    const { place } = await load("place");
    return (await load("colour")).paintSigned(pixels, over, place(extent, size, how), 0.5);
    """
    found = node.body(body, photo(pixels), grid(over), (40, 40), (24, 24), how)
    assert np.abs(pixels_of(found).astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("extent", [(40, 30), (100, 140), (448, 300), (1300, 700)])
def test_a_photo_is_shown_at_python_s_size(
    extent: tuple[int, int], node: Call, rng: np.random.Generator
) -> None:
    pixels = random_photo(rng, *extent)
    found = node("colour", "enlarged", photo(pixels))
    expected = enlarge(pixels)
    assert (found["height"], found["width"]) == expected.shape[:2]
    np.testing.assert_array_equal(np.reshape(found["data"], expected.shape), expected)
