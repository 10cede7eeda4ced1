"""The methods of A alone, against loops; and that nothing is pulled for them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.demo import MODEL
from cam_core.errors import ModelError
from cam_core.methods import METHODS
from tests.core.methods.test_from_gradients import SPACES

Array = np.ndarray


def loop_fem(A: Array, k: float = 2.0) -> list[list[float]]:
    found = []
    for row in A.reshape(*A.shape[:2], -1).tolist():
        shares = []
        for cells in row:
            mean = sum(cells) / len(cells)
            sigma = sqrt(sum((a - mean) ** 2 for a in cells) / len(cells))
            shares.append(sum(a > mean + k * sigma for a in cells) / len(cells))
        found.append(shares)
    return found


@pytest.mark.parametrize("space", [(40,), (7, 9), (3, 5, 4), ()], ids=str)
def test_fem_is_its_loops(space: tuple[int, ...], rng: np.random.Generator) -> None:
    A = rng.exponential(size=(2, 5, *space))
    A[0, 1] = 0
    alpha = METHODS["fem"](A)
    np.testing.assert_allclose(alpha.reshape(2, 5), loop_fem(A), rtol=1e-12)
    assert alpha.shape == (2, 5, *[1] * len(space))
    assert space == () or alpha.max() > 0


def test_fem_is_pytorch_grad_cams() -> None:
    """Its `get_cam_image` of FEM, 1.5.7, of A of `arange(24) % 7`, squared."""
    A = ((np.arange(24, dtype=np.float32) % 7) ** 2).reshape(1, 2, 3, 4)
    A[0, 0, 1, 1], A[0, 1, 2, 2] = 90, 120
    found = np.sum(METHODS["fem"](A) * A, axis=1)
    np.testing.assert_allclose(found.ravel(), FEM, rtol=1e-6)


FEM = [2.0833333, 3.0833333, 0.3333333, 0.8333333, 1.6666667, 8.25]
FEM += [4.3333333, 2.0833333, 3.0833333, 0.3333333, 10.75, 1.6666667]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_random_weights_are_those_of_the_seed(
    space: tuple[int, ...], rng: np.random.Generator
) -> None:
    A = rng.normal(size=(2, 400, *space)).astype(np.float32)
    alpha = METHODS["random"](A, seed=3)
    assert alpha.shape == (2, 400, *[1] * len(space))
    assert alpha.dtype == np.float32
    np.testing.assert_array_equal(alpha, METHODS["random"](A + 1, seed=3))
    np.testing.assert_array_equal(alpha[0], alpha[1])
    assert not np.array_equal(alpha, METHODS["random"](A))
    # Uniform in (-1, 1): mean 0 and variance 1/3, within 4 standard errors of 400 draws.
    assert np.all(np.abs(alpha) < 1)
    assert abs(alpha[0].mean()) < 4 * sqrt(1 / 3 / 400)
    assert abs(np.mean(alpha[0] ** 2) - 1 / 3) < 4 * sqrt(4 / 45 / 400)


def test_an_open_number_of_channels_has_no_weights() -> None:
    class Open:
        ndim, shape = 4, ("N", "K", 2, 2)

    with pytest.raises(ModelError, match="'K' is no number of them"):
        METHODS["random"](Open())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.needs])
def test_nothing_is_pulled_for_what_needs_no_gradient(
    name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    backend, x = OnnxBackend(MODEL.read_bytes()), rng.random((2, 3, 128, 128), dtype=np.float32)

    def refuse(*_: object) -> None:
        raise AssertionError("a backward pass")

    monkeypatch.setattr(type(backend.look(x)), "pull", refuse)
    one, other = (explain(backend, x, c, name) for c in (0, 3))
    np.testing.assert_array_equal(one.signed, other.signed)
    assert one.map.shape == (2, 16, 16)


def test_activations_of_nothing_are_said_to_be_it(rng: np.random.Generator) -> None:
    pytest.importorskip("onnxruntime")
    backend = OnnxBackend(MODEL.read_bytes()).with_weights(lambda _, w: 0 * w)
    found = explain(backend, rng.random((1, 3, 128, 128), dtype=np.float32), 1, "fem")
    assert found.diagnosis[0].startswith("the map is zero: the activations of this layer are")
