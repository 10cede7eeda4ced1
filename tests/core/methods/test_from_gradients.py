"""Each CAM method against its formula as loops, and against values found elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cam_core.maps.combine import combine
from cam_core.methods import METHODS

Array = np.ndarray
SPACES = [(6,), (3, 4), (2, 3, 4), ()]


def by_channel(weight: Callable[[list[float], list[float]], float]) -> Callable[..., Array]:
    """A formula for one channel's lists of A and G -> alpha [N, K, 1..]."""

    def alpha(A: Array, G: Array) -> Array:
        flat_A, flat_G = (x.reshape(*x.shape[:2], -1).tolist() for x in (A, G))
        rows = [
            [weight(a, g) for a, g in zip(As, Gs, strict=True)]
            for As, Gs in zip(flat_A, flat_G, strict=True)
        ]
        return np.array(rows).reshape(*A.shape[:2], *[1] * (A.ndim - 2))

    return alpha


def by_position(weight: Callable[[float, float], float]) -> Callable[..., Array]:
    """A formula for one position -> alpha [N, K, *S]."""

    def alpha(A: Array, G: Array) -> Array:
        pairs = zip(A.ravel().tolist(), G.ravel().tolist(), strict=True)
        return np.array([weight(a, g) for a, g in pairs]).reshape(A.shape)

    return alpha


def loop_plus_plus(a: list[float], g: list[float]) -> float:
    total, weight = sum(a), 0.0
    for slope in g:
        below = 2 * slope**2 + total * slope**3
        if below != 0 and slope > 0:
            weight += slope * slope**2 / below
    return weight


ORACLES = {
    "gradcam": by_channel(lambda a, g: sum(g) / len(g)),
    "gradcam++": by_channel(loop_plus_plus),
    "xgradcam": by_channel(
        lambda a, g: sum(p * q for p, q in zip(a, g, strict=True)) / sum(a) if sum(a) else 0.0
    ),
    "hirescam": by_position(lambda a, g: g),
    "layercam": by_position(lambda a, g: max(g, 0.0)),
}


WEIGHED = [name for name, row in METHODS.items() if row.of_arrays]


def test_every_method_has_an_oracle() -> None:
    assert set(ORACLES) == set(WEIGHED)


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("name", WEIGHED)
def test_method_matches_its_loops(
    name: str, space: tuple[int, ...], rng: np.random.Generator
) -> None:
    A, G = rng.normal(size=(2, 2, 5, *space))
    A[0, 1], G[0, 2] = 0, 0  # a dead channel, and one without gradient
    alpha = METHODS[name](A, G)
    np.testing.assert_allclose(alpha, ORACLES[name](A, G), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", WEIGHED)
def test_method_keeps_dtype_and_arguments(name: str, dtype: type, rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 3, 4, 4)).astype(dtype)
    before = A.copy(), G.copy()
    assert METHODS[name](A, G).dtype == dtype
    np.testing.assert_array_equal(np.stack([A, G]), np.stack(before))


@pytest.mark.parametrize("name", WEIGHED)
def test_zero_gradient_gives_zero_alpha(name: str, rng: np.random.Generator) -> None:
    A = rng.normal(size=(1, 3, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        combine(A, METHODS[name](A, np.zeros_like(A))), np.zeros((1, 2, 2))
    )


def test_plus_plus_keeps_small_gradients() -> None:
    """G^3 underflows in float32 here; a tends to 1/2 as G tends to 0."""
    A = np.ones((1, 1, 2, 2), np.float32)
    alpha = METHODS["gradcam++"](A, np.full_like(A, 1e-20))
    np.testing.assert_allclose(alpha.ravel(), [4 * 1e-20 / 2], rtol=1e-6)


# What pytorch-grad-cam 1.5.7 returns for these (its `get_cam_image`, before the ReLU).
GOLDEN_A = np.array([[[[0, 1], [2, 3]], [[4, 0], [1, 2]]]], np.float32)
GOLDEN_G = np.array([[[[0.5, -0.25], [1, 0]], [[-1, 0.5], [0.25, -0.5]]]], np.float32)
GOLDEN = [  # method, options, alpha (None: not per channel), raw map
    ("gradcam", {}, [0.3125, -0.1875], [-0.75, 0.3125, 0.4375, 0.5625]),
    ("hirescam", {}, None, [-4, -0.25, 2.25, -1]),
    ("layercam", {}, None, [0, 0, 2.25, 0]),
    (
        "gradcam++",
        {"eps": 1e-6},
        [0.2249999, 0.1575754],
        [0.6303016, 0.2249999, 0.6075752, 0.9901505],
    ),
    ("xgradcam", {}, [0.2916667, -0.6785715], [-2.7142859, 0.2916667, -0.0952381, -0.4821429]),
]


@pytest.mark.parametrize(("name", "options", "weights", "raw"), GOLDEN, ids=[g[0] for g in GOLDEN])
def test_pytorch_grad_cam_values(
    name: str, options: dict[str, float], weights: list[float] | None, raw: list[float]
) -> None:
    alpha = METHODS[name](GOLDEN_A, GOLDEN_G, **options)
    if weights is not None:
        np.testing.assert_allclose(alpha.ravel(), weights, atol=2e-7)
    np.testing.assert_allclose(combine(GOLDEN_A, alpha).ravel(), raw, atol=3e-7)


def test_xplique_weights() -> None:
    """The four maps of xplique's test of Grad-CAM weights."""
    maps = [[[1, 1], [1, 1]], [[1, 1], [0, 0]], [[1, 0.5], [0, 0]], [[0.5, 0], [0, 0]]]
    G = np.array([maps], np.float32)
    np.testing.assert_array_equal(METHODS["gradcam"](G, G).ravel(), [1, 0.5, 0.375, 0.125])
