"""The principal direction, against eigenvectors of the matrix of products; and its sign."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.maps.principal import as_matrices, direction, first_component

Array = np.ndarray
SPACES = [(7,), (3, 4), (2, 3, 4)]


def test_matrices_have_a_row_a_place(rng: np.random.Generator) -> None:
    maps = rng.normal(size=(2, 3, 4, 5))
    found = as_matrices(maps)
    for n, k, i, j in np.ndindex(maps.shape):
        assert found[n, i * 5 + j, k] == maps[n, k, i, j]


@pytest.mark.parametrize("shape", [(2, 12, 5), (2, 3, 8), (1, 1, 4)], ids=str)
def test_direction_is_the_first_eigenvector(
    shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    X = rng.normal(size=shape)
    for row, found in zip(X, direction(X), strict=True):
        values, vectors = np.linalg.eigh(row.T @ row)
        expected = vectors[:, np.argmax(values)]
        np.testing.assert_allclose(np.abs(found @ expected), 1, rtol=1e-12)
        np.testing.assert_allclose(np.sum(found**2), 1, rtol=1e-12)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_component_is_that_of_the_covariance(
    space: tuple[int, ...], rng: np.random.Generator
) -> None:
    maps = rng.normal(size=(2, 4, *space)) + 3  # far from 0: it is centred
    for row, found in zip(maps.reshape(2, 4, -1), first_component(maps), strict=True):
        values, vectors = np.linalg.eigh(np.cov(row))
        expected = vectors[:, np.argmax(values)] @ (row - row.mean(axis=1, keepdims=True))
        sign = np.sign(np.sum(expected * row.sum(axis=0)))
        np.testing.assert_allclose(found.ravel(), sign * expected, atol=1e-12)
        assert abs(found.sum()) < 1e-9


def test_its_sign_is_that_of_the_sum_whatever_the_scale(rng: np.random.Generator) -> None:
    """All maps turned round turn it round: no decomposition says where up is."""
    maps = rng.normal(size=(5, 4, 3, 3))
    found = first_component(maps)
    np.testing.assert_allclose(first_component(-maps), -found, atol=1e-12)
    np.testing.assert_allclose(first_component(2 * maps), 2 * found, atol=1e-12)
    along = np.sum(found * maps.sum(axis=1), axis=(1, 2))
    assert np.all(along > 0)


def test_one_place_has_no_component_and_a_broken_row_breaks_no_other() -> None:
    np.testing.assert_array_equal(first_component(np.ones((2, 3))), np.zeros(2))
    maps = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    whole = first_component(maps)
    maps[1, 0, 0] = np.inf
    with np.errstate(invalid="ignore"):
        found = first_component(maps)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], whole[0])
    assert np.isnan(found[1]).all()
