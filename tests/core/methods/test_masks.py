"""Masks over pictures, against torch's interpolation and loops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.methods.masks import alpha_of, by_row, corners, enlarge, laid, stretched
from cam_core.region import Region

Array = np.ndarray


def question(picture: Array, row: int | None, channel: int | None, rows: int = 1) -> Any:
    info = SimpleNamespace(row_axis=row, channel_axis=channel)
    space = tuple(i for i in range(picture.ndim) if i not in (row, channel))
    return SimpleNamespace(picture=picture, input=info, space=space, rows=rows)


@pytest.mark.parametrize("align_corners", [False, True])
def test_enlarged_as_torch_does_it(align_corners: bool, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    maps = rng.normal(size=(2, 3, 5)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[None], size=(9, 16), mode="bilinear", align_corners=align_corners
    )[0].numpy()
    found = enlarge(maps, (9, 16), None, align_corners=align_corners)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_one_cell_is_everywhere() -> None:
    np.testing.assert_array_equal(corners(1, 4), np.ones((4, 1)))
    np.testing.assert_array_equal(corners(3, 1), [[1, 0, 0]])


def test_beyond_a_window_there_is_nothing(rng: np.random.Generator) -> None:
    maps = 1 + rng.random((1, 2, 2))
    region = Region("x", (2, 3), ((0.25, 0.75), (0, 1)), (2, 3))
    found = enlarge(maps, (8, 4), region)
    np.testing.assert_array_equal(found[:, [0, 1, 6, 7]], 0)
    np.testing.assert_allclose(found[:, 2:6], enlarge(maps, (4, 4), None))


def test_along_an_axis_without_cells_a_map_is_the_same() -> None:
    region = Region("x", (3,), ((0, 1),), (2, 3))
    found = enlarge(np.array([[1.0, 2.0]]), (3, 2), region)
    np.testing.assert_array_equal(found, [[[1, 2]] * 3])


def test_a_map_of_a_folded_axis_lies_row_by_row() -> None:
    region = Region("x", (1, 2), ((0, 1), (0, 1)), (1, 2), ((1, 2), (2, 3)))
    maps = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(enlarge(maps, (6,), region), [np.arange(6.0)])


def test_maps_of_other_axes_do_not_lie_over_a_picture() -> None:
    with pytest.raises(InputError, match=r"maps \[3\] do not lie over a picture \[4, 4\]"):
        enlarge(np.zeros((1, 3)), (4, 4), None)


@pytest.mark.parametrize(("row", "channel"), [(0, 1), (0, 3), (2, 0), (0, None)])
def test_a_mask_multiplies_the_places_of_each_row(
    row: int, channel: int | None, rng: np.random.Generator
) -> None:
    picture = rng.normal(size=(2, 3, 4, 5)) if channel is not None else rng.normal(size=(2, 3, 4))
    asked = question(picture, row, channel)
    extents = [picture.shape[i] for i in asked.space]
    masks = rng.random((picture.shape[row], *extents))
    found = picture * laid(asked, masks)
    for place in np.ndindex(picture.shape):
        own = tuple(place[i] for i in asked.space)
        assert found[place] == picture[place] * masks[(place[row], *own)]
    one = picture * laid(asked, masks[0])
    np.testing.assert_array_equal(np.take(one, 0, row), np.take(found, 0, row))


def test_rows_of_one_picture_have_no_masks_of_their_own() -> None:
    asked = question(np.ones((3, 4, 5)), None, 0)
    assert laid(asked, np.ones((1, 4, 5))).shape == (1, 4, 5)
    with pytest.raises(InputError, match="all rows read the same picture"):
        laid(asked, np.ones((2, 4, 5)))


def test_stretched_to_0_and_1(rng: np.random.Generator) -> None:
    maps = rng.normal(size=(3, 4, 5)) * 10
    maps[1] = 7
    found = stretched(maps)
    for m, f in zip(maps[::2], found[::2], strict=True):
        np.testing.assert_allclose(f, (m - m.min()) / (m.max() - m.min()), rtol=1e-12)
    np.testing.assert_array_equal(found[1], 0)
    inside = np.zeros((1, 4, 5), bool)
    inside[:, 1:3] = True
    part = stretched(maps, inside)
    np.testing.assert_allclose(part[:, 1:3], stretched(maps[:, 1:3]))
    np.testing.assert_array_equal(part[:, [0, 3]], 0)


def test_several_maps_a_row_share_their_weights(rng: np.random.Generator) -> None:
    A = rng.normal(size=(6, 4, 5)).astype(np.float32)  # two rows of three frames
    asked: Any = SimpleNamespace(A=A, rows=2)
    assert by_row(asked, A).shape == (2, 3, 4, 5)
    weights = rng.normal(size=(2, 4))
    alpha = alpha_of(asked, weights)
    for i in range(6):
        np.testing.assert_allclose(alpha[i, :, 0], weights[i // 3], rtol=1e-6)
