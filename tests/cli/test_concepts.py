"""Folders of concepts, and where a mask is in the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cam_core.cli.concepts import masks_of, points, read_concepts
from cam_core.errors import InputError
from cam_core.image import place
from tests.planted_units import COLOURS, write_folders


def test_masks_are_no_photos(tmp_path: Path, rng: np.random.Generator) -> None:
    _, folder = write_folders(tmp_path, rng, count=2)
    found = read_concepts(folder)
    assert found.names == COLOURS
    assert [(path.parent.name, path.name, c) for path, c in found.photos] == [
        (name, f"{i}.png", c) for c, name in enumerate(COLOURS) for i in range(2)
    ]
    with pytest.raises(InputError, match="no folders"):
        read_concepts(folder / "red")


@pytest.mark.parametrize("fit", ["stretch", "crop", "letterbox"])
def test_points_are_those_of_the_placement(fit: str) -> None:
    """Cell by cell through the affine map that a placement says it is."""
    placement = place((40, 60), (24, 24), fit)
    inside, (rows, columns) = points(placement, (8, 6))
    (sx, _, dx), (_, sy, dy) = placement.matrix
    for i, j in np.ndindex(8, 6):
        y, x = (i + 0.5) * 3 * sy + dy, (j + 0.5) * 4 * sx + dx
        assert inside[i, j] == (0 <= y < 40 and 0 <= x < 60)
        if inside[i, j]:
            assert (rows[i], columns[j]) == (int(y), int(x))


def test_a_mask_is_that_of_its_concept(tmp_path: Path) -> None:
    mask = np.zeros((8, 8), bool)
    mask[2:4, 5:] = True
    path, placement = tmp_path / "a.jpg", place((8, 8), (16, 16), "stretch")
    whole = masks_of(path, 1, 3, placement, (8, 8))
    assert whole[1].all()
    assert not whole[[0, 2]].any()
    Image.fromarray(mask).save(tmp_path / "a.mask.png")
    np.testing.assert_array_equal(masks_of(path, 1, 3, placement, (8, 8))[1], mask)
