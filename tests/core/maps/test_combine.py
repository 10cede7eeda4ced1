"""Maps: combining, scaling, resizing and fusing."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import ModelError
from cam_core.maps.combine import (
    combine,
    fuse,
    heatmap,
    interpolation_matrix,
    laid_over,
    normalise,
    positive,
    resize,
)
from cam_core.methods import METHODS
from cam_core.region import Region

A = np.array([[[[0, 1], [2, 3]], [[4, 0], [1, 2]]]], np.float32)
G = np.array([[[[0.5, -0.25], [1, 0]], [[-1, 0.5], [0.25, -0.5]]]], np.float32)

# Rows of the final 4 x 4 map of pytorch-grad-cam 1.5.7 for A and G: method, row, values.
FINAL = [
    ("gradcam", 0, [0, 0.1388889, 0.4166666, 0.5555555]),
    ("gradcam", 3, [0.7777778, 0.8333332, 0.9444444, 0.9999999]),
    ("hirescam", 3, [0.9999999, 0.75, 0.25, 0]),
    ("layercam", 0, [0, 0, 0, 0]),
    ("layercam", 1, [0.25, 0.1875, 0.0625, 0]),
    ("layercam", 2, [0.75, 0.5625, 0.1875, 0]),
    ("layercam", 3, [0.9999999, 0.75, 0.25, 0]),
]


@pytest.mark.parametrize(("method", "row", "expected"), FINAL)
def test_final_map_is_pytorch_grad_cams(method: str, row: int, expected: list[float]) -> None:
    maps = positive(combine(A, METHODS[method](A, G)))
    final = heatmap(maps, (4, 4))
    assert final.dtype == np.float32
    np.testing.assert_allclose(final[0, row], expected, atol=2e-7)


def test_fuse_layers_is_pytorch_grad_cams() -> None:
    layers = [np.array([m], np.float32) for m in ([[0.2, 0.4], [0.6, 0.8]], [[1, 0], [0, 1]])]
    np.testing.assert_allclose(fuse(layers, (2, 2))[0], [[0.4, 0], [0.2, 0.9999999]], atol=2e-7)


def test_combine_sums_over_channels(rng: np.random.Generator) -> None:
    maps, alpha = rng.normal(size=(2, 2, 3, 4, 5))
    expected = sum(alpha[:, k] * maps[:, k] for k in range(3))
    np.testing.assert_allclose(combine(maps, alpha), expected, rtol=1e-12)


def test_normalise_is_per_image() -> None:
    maps = np.array([[[1, 3], [2, 1]], [[0, 0], [0, 0]], [[7, 7], [7, 7]]], np.float32)
    expected = np.array([[[0, 2], [1, 0]], np.zeros((2, 2)), np.zeros((2, 2))]) / (2 + 1e-7)
    np.testing.assert_allclose(normalise(maps), expected, atol=1e-7)


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 224), (14, 9), (1, 5), (8, 4), (3, 3)])
def test_interpolation_matrix_matches_torch(n_in: int, n_out: int) -> None:
    torch = pytest.importorskip("torch")
    eye = torch.eye(n_in, dtype=torch.float64)[None]
    expected = torch.nn.functional.interpolate(eye, size=n_out, mode="linear", align_corners=False)
    matrix = interpolation_matrix(n_in, n_out)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected[0].numpy().T, atol=1e-6)


def test_a_matrix_that_is_kept_cannot_be_written_to() -> None:
    """The next photo is given the same, and one of another type or window is another."""
    kept = interpolation_matrix(2, 4)
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 5
    assert interpolation_matrix(2, 4, np.float64).dtype == np.float64
    assert not interpolation_matrix(2, 4, window=(0.5, 1.0))[:2].any()
    assert kept.sum(axis=1).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("size", [(5, 9), (3, 4), (2, 2)], ids=str)
def test_resize_loops(size: tuple[int, int], rng: np.random.Generator) -> None:
    """cv2.INTER_LINEAR, pixel by pixel."""
    maps = rng.normal(size=(2, 3, 4))
    expected = np.empty((2, *size))
    for i, j in np.ndindex(*size):
        cells = []
        for out, n_in, n_out in ((i, 3, size[0]), (j, 4, size[1])):
            at = (out + 0.5) * n_in / n_out - 0.5
            low = int(np.floor(at))
            pick = [min(max(low, 0), n_in - 1), min(max(low + 1, 0), n_in - 1)]
            cells.append(list(zip(pick, [1 - (at - low), at - low], strict=True)))
        expected[:, i, j] = sum(p * q * maps[:, r, c] for r, p in cells[0] for c, q in cells[1])
    np.testing.assert_allclose(resize(maps, size), expected, atol=1e-14)


@pytest.mark.parametrize(("space", "mode"), [((6,), "linear"), ((2, 3, 4), "trilinear")])
def test_resize_in_1d_and_3d(space: tuple[int, ...], mode: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    maps = rng.normal(size=(2, *space)).astype(np.float32)
    size = tuple(2 * n + 1 for n in space)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None], size=size, mode=mode
    )
    np.testing.assert_allclose(resize(maps, size), expected[:, 0].numpy(), atol=1e-6)


def test_resize_refuses_another_rank() -> None:
    with pytest.raises(ModelError, match=r"size \(4,\) does not fit maps of 2 spatial axes"):
        resize(np.zeros((1, 2, 2)), (4,))


def test_maps_laid_over_an_input_lie_where_their_region_is(rng: np.random.Generator) -> None:
    """Against np.interp between the centres of cells, and nothing beyond the window."""
    maps = rng.random((1, 3, 4)).astype(np.float32)
    windows = ((0.25, 0.75), (0.0, 1.0))
    found = laid_over(maps, (16, 8), Region("x", (2, 3), windows, (2, 3)))
    rows = (np.arange(3) + 0.5) / 3 * 0.5 + 0.25
    columns = (np.arange(4) + 0.5) / 4
    for i in range(16):
        for j in range(8):
            y, x = (i + 0.5) / 16, (j + 0.5) / 8
            down = [np.interp(y, rows, maps[0, :, k]) for k in range(4)]
            expected = np.interp(x, columns, down) if 0.25 <= y <= 0.75 else 0.0
            assert found[0, i, j] == pytest.approx(expected, abs=1e-6)


def test_maps_of_fewer_axes_than_the_input_are_the_same_along_the_others() -> None:
    maps = np.array([[1.0, 2.0, 3.0]], np.float32)
    along = laid_over(maps, (5, 3), Region("x", (3,), ((0, 1),), (2, 3)))
    np.testing.assert_array_equal(along * np.ones((1, 5, 3)), np.tile([1.0, 2.0, 3.0], (1, 5, 1)))


def test_maps_of_a_picture_in_a_row_lie_row_by_row() -> None:
    maps = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3)
    row = laid_over(maps, (6,), Region("x", (1, 2), ((0, 1), (0, 1)), (1, 2), ((1, 2), (2, 3))))
    np.testing.assert_array_equal(row, [[0, 1, 2, 3, 4, 5]])


def test_maps_without_a_region_fill_the_input() -> None:
    found = laid_over(np.array([[1.0, 3.0]], np.float32), (4,), None)
    np.testing.assert_allclose(found, [[1.0, 1.5, 2.5, 3.0]])
