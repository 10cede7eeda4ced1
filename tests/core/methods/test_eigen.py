"""The methods of a direction, against power iteration and values of pytorch-grad-cam."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.answers import from_capture
from cam_core.maps.combine import combine
from cam_core.methods import METHODS
from cam_core.targets.classes.one_class import ClassTarget
from tests.core.linear import one
from tests.core.methods.test_from_gradients import GOLDEN_A, GOLDEN_G, SPACES

Array = np.ndarray


def by_iteration(rows: Array) -> Array:
    """The direction that X'X keeps, by power iteration on one matrix [S, K]."""
    v = np.ones(rows.shape[1])
    for _ in range(20_000):
        v = rows.T @ (rows @ v)
        v /= np.sqrt(np.sum(v * v))
    return v


def by_loops(X: Array) -> Array:
    """alpha of each row of X [N, K, *S], its map's sum not negative."""
    found = []
    for row in X.reshape(*X.shape[:2], -1):
        v = by_iteration(row.T)
        found.append(-v if (row.T @ v).sum() < 0 else v)
    return np.array(found).reshape(*X.shape[:2], *[1] * (X.ndim - 2))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_alpha_is_that_of_power_iteration(space: tuple[int, ...], rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 5, *space))
    np.testing.assert_allclose(METHODS["eigencam"](A), by_loops(A), atol=1e-9)
    np.testing.assert_allclose(METHODS["eigengradcam"](A, G), G * by_loops(G * A), atol=1e-9)
    assert combine(A, METHODS["eigencam"](A)).reshape(2, -1).sum(axis=1).min() >= 0


@pytest.mark.parametrize("space", SPACES[:3], ids=str)
def test_the_centred_map_is_that_of_power_iteration(
    space: tuple[int, ...], rng: np.random.Generator
) -> None:
    A = rng.normal(size=(3, 5, *space))
    found = METHODS["eigencam-centred"](A)
    for row, own in zip(A.reshape(3, 5, -1), found.reshape(3, -1), strict=True):
        apart = row.T - row.T.mean(axis=0)
        expected = apart @ by_iteration(apart)
        sign = -1 if (expected * row.sum(axis=0)).sum() < 0 else 1
        np.testing.assert_allclose(own, sign * expected, atol=1e-9)


def test_the_sign_does_not_hang_on_the_decomposition() -> None:
    """A planted event: one place high in all channels, and channels that are mostly negative."""
    A = np.full((1, 3, 4, 4), 0.1)
    A[..., 2, 1] = 5
    for name in ("eigencam", "eigencam-centred"):
        signed = METHODS[name](A) if name != "eigencam" else combine(A, METHODS[name](A))
        assert np.unravel_index(signed[0].argmax(), (4, 4)) == (2, 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["eigencam", "eigencam-centred", "eigengradcam"])
def test_it_keeps_type_and_arguments(name: str, dtype: type, rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 3, 4, 4)).astype(dtype)
    before = A.copy(), G.copy()
    assert METHODS[name](A, G).dtype == dtype
    np.testing.assert_array_equal(np.stack([A, G]), np.stack(before))


def test_one_broken_row_breaks_no_other(rng: np.random.Generator) -> None:
    A = rng.normal(size=(2, 3, 4, 4))
    whole = METHODS["eigencam"](A)
    A[0, 1, 2, 2] = np.nan
    found = METHODS["eigencam"](A)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1], whole[1])


# `get_cam_image` of pytorch-grad-cam 1.5.7 for the golden A and G; signs are LAPACK's there.
RAW = [
    ("eigencam-centred", False, [2.6832814, -1.3416407, -0.8944272, -0.4472136]),
    ("hirescam", True, [2.8228850, -0.9485437, -1.8163443, -0.0579971]),  # its EigenGradCAM
    ("gradcam", True, [-0.6149240, 0.0234926, 0.2049746, 0.3864567]),  # with eigen_smooth
]


@pytest.mark.parametrize(("name", "eigen", "raw"), RAW, ids=[r[0] for r in RAW])
def test_pytorch_grad_cam_values(name: str, eigen: bool, raw: list[float]) -> None:
    if eigen:
        capture = one(GOLDEN_A[0], GOLDEN_G[0])
        found = from_capture(capture, ClassTarget(0), name, eigen=True).signed
    else:
        found = METHODS[name](GOLDEN_A)
    sign = np.sign(np.sum(found.ravel() * raw))
    np.testing.assert_allclose(sign * found.ravel(), raw, atol=1e-6)
