"""What speaks for and against, each method against its formula as loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.answers import from_capture
from cam_core.maps.combine import combine
from cam_core.methods import METHODS
from cam_core.methods.evidence import balance
from cam_core.targets.classes.one_class import ClassTarget
from tests.core.linear import one
from tests.core.methods.test_from_gradients import GOLDEN_A, GOLDEN_G, SPACES

Array = np.ndarray


def at_places(A: Array, G: Array) -> list[list[tuple[list[float], list[float]]]]:
    """Row by row, place by place: A and G of each channel."""
    flat_A, flat_G = (x.reshape(*x.shape[:2], -1).tolist() for x in (A, G))
    return [
        list(zip(zip(*As, strict=True), zip(*Gs, strict=True), strict=True))
        for As, Gs in zip(flat_A, flat_G, strict=True)
    ]


def loop_elementwise(a: list[float], g: list[float]) -> float:
    return sum(max(0.0, p * q) for p, q in zip(a, g, strict=True))


def loop_bicam(a: list[float], g: list[float]) -> float:
    lit, dark = loop_elementwise(a, g), loop_elementwise(a, [-q for q in g])
    return lit if lit >= dark else -dark


def by_place(formula: Any) -> Any:
    def signed(A: Array, G: Array) -> Array:
        rows = [[formula(*place) for place in row] for row in at_places(A, G)]
        return np.array(rows).reshape(len(A), *A.shape[2:])

    return signed


def loop_counterfactual(A: Array, G: Array) -> Array:
    found = np.zeros((len(A), *A.shape[2:]))
    for n, k in np.ndindex(A.shape[:2]):
        cells = G[n, k].ravel().tolist()
        found[n] -= sum(cells) / len(cells) * A[n, k]
    return found


def loop_odam(A: Array, G: Array) -> Array:
    """The kernel as the product of 1/4, 1/2, 1/4 along each axis, places clamped to the map."""
    found = np.zeros((len(A), *A.shape[2:]))
    space = A.shape[2:]
    for n, k, *place in np.ndindex(A.shape):
        smoothed = 0.0
        for steps in np.ndindex(*[3] * len(space)):
            around = zip(place, steps, space, strict=True)
            near = [min(max(p + d - 1, 0), e - 1) for p, d, e in around]
            smoothed += G[n, k, *near] * np.prod([(0.25, 0.5, 0.25)[d] for d in steps])
        found[n, *place] += smoothed * A[n, k, *place]
    return found


ORACLES = {
    "counterfactual": loop_counterfactual,
    "elementwise": by_place(loop_elementwise),
    "bicam": by_place(loop_bicam),
    "odam": loop_odam,
}


def test_every_method_of_the_family_has_an_oracle() -> None:
    family = [n for n, m in METHODS.items() if m.formula.__module__.endswith(".evidence")]
    assert set(ORACLES) == set(family)


@pytest.mark.parametrize("space", [*SPACES, (1, 5)], ids=str)
@pytest.mark.parametrize("name", ORACLES)
def test_the_map_is_that_of_loops(
    name: str, space: tuple[int, ...], rng: np.random.Generator
) -> None:
    A, G = rng.normal(size=(2, 2, 5, *space))
    A[0, 1], G[0, 2] = 0, 0  # a dead channel, and one without gradient
    found = combine(A, METHODS[name](A, G))
    np.testing.assert_allclose(found, ORACLES[name](A, G), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ORACLES)
def test_it_keeps_type_and_arguments(name: str, dtype: type, rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 3, 4, 4)).astype(dtype)
    before = A.copy(), G.copy()
    assert METHODS[name](A, G).dtype == dtype
    np.testing.assert_array_equal(np.stack([A, G]), np.stack(before))


def test_elementwise_is_pytorch_grad_cams() -> None:
    """Its `get_cam_image` of GradCAMElementWise, 1.5.7, of the same A and G."""
    found = combine(GOLDEN_A, METHODS["elementwise"](GOLDEN_A, GOLDEN_G))
    np.testing.assert_allclose(found.ravel(), [0, 0, 2.25, 0], atol=3e-7)


def test_sides_of_bicam_do_not_cancel() -> None:
    """Of 3 for and 2 against at one place, 1 for and 4 against at the other."""
    A, G = np.ones((1, 2, 2)), np.array([[[3.0, 1.0], [-2.0, -4.0]]])
    np.testing.assert_array_equal(combine(A, METHODS["bicam"](A, G)), [[3, -4]])
    (row,) = balance(A, G)
    assert row["evidence"] == {"for": 4.0, "against": 6.0, "against_over_for": 1.5}


def test_the_balance_is_that_of_loops(rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 3, 4, 5, 6))
    for row, places in zip(balance(A, G), at_places(A, G), strict=True):
        lit = sum(loop_elementwise(a, g) for a, g in places)
        dark = sum(loop_elementwise(a, [-q for q in g]) for a, g in places)
        known = {"for": lit, "against": dark, "against_over_for": dark / lit}
        assert row["evidence"] == pytest.approx(known, rel=1e-12)


def test_the_record_has_the_balance() -> None:
    found = from_capture(one([[1.0, 2.0, 0.0]], [[2.0, -3.0, 5.0]]), ClassTarget(0), "bicam")
    known = {"for": 2.0, "against": 6.0, "against_over_for": 3.0}
    assert found.facts()["evidence"] == known


def test_nothing_for_it_is_no_division() -> None:
    (row,) = balance(np.ones((1, 1, 2)), -np.ones((1, 1, 2)))
    assert row["evidence"]["against_over_for"] is None
    (broken,) = balance(np.full((1, 1, 2), np.nan), np.ones((1, 1, 2)))
    assert not broken
