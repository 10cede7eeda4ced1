"""RISE against its sum mask by mask, a model whose map is known, and what masks look like."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.errors import InputError
from cam_core.methods.rise import draw

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import SIZE, module, net, pictures  # noqa: E402

Array = np.ndarray
CLASSES = [1, 3]


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(net())


@pytest.mark.parametrize("centred", [True, False])
def test_the_sum_mask_by_mask(backend: OnnxBackend, centred: bool) -> None:
    options = {"masks": 30, "cells": 4, "keep": 0.4, "seed": 5}
    found = explain(backend, pictures(), CLASSES, "rise", centred=centred, **options)
    run, x = module(), pictures()
    masks = draw(SIZE, *options.values())  # type: ignore[arg-type]
    for n, c in enumerate(CLASSES):
        total, scores = np.zeros(SIZE), []
        with torch.no_grad():
            for i in range(30):
                hidden = torch.from_numpy(x[n : n + 1] * masks.mask(i))
                scores.append(float(run(hidden)[0, c]))
        less = np.mean(scores) if centred else 0
        for i, Y in enumerate(scores):
            total += (Y - less) * masks.mask(i)
        expected = total / (30 * 0.4)
        np.testing.assert_allclose(found.signed[n], expected, rtol=1e-3, atol=1e-5)
    assert (found.layer, found.map.shape) == ("x", (2, *SIZE))


def test_a_mask_is_a_grid_enlarged_and_cut() -> None:
    """As the authors' code: a grid at one cell more, linearly, cut at a place within a cell."""
    masks = draw((6, 9), 50, 3, 0.5, 0)
    assert set(np.unique(masks.grids)) == {0, 1}
    for i in range(50):
        large = torch.nn.functional.interpolate(
            torch.from_numpy(masks.grids[i])[None, None], size=(8, 12), mode="bilinear"
        )[0, 0].numpy()
        y, x = masks.shifts[i]
        assert 0 <= y < 2
        assert 0 <= x < 3
        np.testing.assert_allclose(masks.mask(i), large[y : y + 6, x : x + 9], atol=1e-6)
    assert {tuple(s) for s in masks.shifts} == {(y, x) for y in range(2) for x in range(3)}


def test_the_same_seed_gives_the_same_masks() -> None:
    one, same, other = (draw((8, 8), 4, 7, 0.5, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.grids, same.grids)
    np.testing.assert_array_equal(one.shifts, same.shifts)
    assert np.any(one.grids != other.grids)


@pytest.mark.parametrize("size", [(11,), (4, 5), (4, 5, 3)], ids=str)
def test_a_weighted_sum_is_made_of_grids(size: tuple[int, ...], rng: np.random.Generator) -> None:
    masks = draw(size, 40, 3, 0.5, 0)
    weights = rng.normal(size=(40, 2))
    expected = sum(
        np.multiply.outer(w, masks.mask(i))
        for i, w in enumerate(weights)  # one by one
    )
    np.testing.assert_allclose(masks.total(weights), expected, rtol=1e-5, atol=1e-5)


def test_half_of_the_cells_come_through_everywhere() -> None:
    masks = draw((28, 28), 2000, 7, 0.3, 0)
    mean = masks.total(np.full((2000, 1), 1 / 2000))[0]
    np.testing.assert_allclose(mean, 0.3, atol=0.05)  # 5 standard deviations of 2000 draws


def test_it_finds_the_only_place_that_counts() -> None:
    """Y = the sum of one corner: the map is largest there, and flat where nothing counts.

    The model has no layer at all, and RISE needs none.
    """

    class Corner(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: object) -> object:
            return torch.stack([x[:, 0, 2:8, 20:26].sum((1, 2)), x.sum((1, 2, 3)) * 0], 1)  # type: ignore[index,attr-defined]

    x = np.ones((1, 3, 28, 28), np.float32)
    backend = TorchBackend(Corner(), example=x)
    found = explain(backend, x, 0, "rise", masks=1500)
    top = np.unravel_index(np.argmax(found.map[0]), (28, 28))
    assert 2 <= top[0] < 8
    assert 20 <= top[1] < 26
    assert np.abs(found.signed[0, 14:, :14]).max() < 0.3 * found.raw_max[0]


def test_five_targets_cost_the_passes_of_one(
    backend: OnnxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(monkeypatch)
    explain_all(backend, pictures(), [0, 1, 2, 3, [1, 3]], ["rise"], masks=20)
    assert rows == {"looks": 2 + 2 * 20}


@pytest.mark.parametrize("wrong", [{"masks": 0}, {"cells": 0}, {"keep": 0}, {"keep": 1.5}])
def test_no_masks_are_refused(backend: OnnxBackend, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="rise needs at least one mask and cell"):
        explain(backend, pictures(), 1, "rise", **wrong)
