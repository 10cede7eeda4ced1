"""ShapleyCAM and its Hessian-vector product, against torch's double backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.errors import InputError
from cam_core.looking import Looks
from cam_core.methods.curvature import turn
from cam_core.targets.classes.one_class import ClassTarget
from tests.core.methods.rectified import CLASSES, opened, pictures
from tests.core.two_networks import BACKENDS, MODELS, network

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
Array = np.ndarray
KINDS = ("onnx", "torch")
X = np.random.default_rng(2).normal(size=(2, 3, 8, 12)).astype(np.float32)


def number(y: Any, target: str) -> Any:
    """The sum over the rows of Y: a logit, or one against all others, which is curved in y."""
    if target.startswith("rest:"):
        c = int(target[5:])
        others = [i for i in range(y.shape[1]) if i != c]
        return (y[:, c] - torch.logsumexp(y[:, others], 1)).sum()
    return y[:, int(target)].sum()


def twice(layer: str, target: str) -> tuple[Array, Array, Array]:
    """A, G and H A in float64, by two passes of autograd."""
    case = MODELS["cnn"]
    net = network(case).double()
    x = torch.tensor(X, dtype=torch.float64)
    A = case.activations(net, x, layer).detach().requires_grad_()
    total = number(case.score(net, x, layer, A), target)
    (G,) = torch.autograd.grad(total, A, create_graph=True)
    HA = torch.zeros_like(A)
    if G.requires_grad:
        (found,) = torch.autograd.grad((G * A.detach()).sum(), A, allow_unused=True)
        HA = HA if found is None else found
    return A.detach().numpy(), G.detach().numpy(), HA.numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["1", "rest:1"])
@pytest.mark.parametrize("layer", ["early", "late"])
def test_alpha_is_that_of_a_double_backward(layer: str, target: str, kind: str) -> None:
    A, G, HA = twice(layer, target)
    found = explain(BACKENDS[kind](MODELS["cnn"]), X, target, "shapleycam", layer=layer)
    expected = np.mean(G - HA / 2, axis=(2, 3))
    assert found.alpha is not None
    # float32 through two reverse passes, whose terms partly cancel
    np.testing.assert_allclose(
        found.alpha[..., 0, 0], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )
    np.testing.assert_allclose(
        found.signed,
        np.sum(expected[..., None, None] * A, axis=1),
        rtol=1e-4,
        atol=1e-4 * np.abs(found.signed).max(),
    )
    curved = np.abs(HA).max() > 0.01 * np.abs(G).max()
    assert curved == (layer == "early" or target == "rest:1")


@pytest.mark.parametrize("kind", KINDS)
def test_behind_a_last_layer_of_rectifiers_it_is_gradcam(kind: str) -> None:
    """A logit is linear in A there, so that there is nothing of second order: exactly 0."""
    backend = opened(kind)
    (question,) = Looks(backend, pictures(), ["late"]).questions(ClassTarget(CLASSES))
    assert not question.HA.any()
    own, other = (explain(backend, pictures(), CLASSES, m, layer="late") for m in
                  ("shapleycam", "gradcam"))  # fmt: skip
    np.testing.assert_allclose(own.map, other.map, rtol=1e-6)


def test_rectifiers_between_have_no_curvature_either() -> None:
    """Their kinks have measure zero: a mask counts as a constant."""
    (question,) = Looks(opened("onnx"), pictures(), ["early"]).questions(ClassTarget(CLASSES))
    assert not question.HA.any()


def test_the_slope_of_a_softmax_turns_as_its_formula_says(rng: np.random.Generator) -> None:
    y, v = rng.normal(size=(2, 3, 4))

    def slope(at: Array) -> Array:
        p = np.exp(at) / np.exp(at).sum(axis=1, keepdims=True)
        return p[:, :1] * (np.eye(4)[:1] - p)

    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    rows = []
    for q, w in zip(p, v, strict=True):
        jacobian = np.diag(q) - np.outer(q, q)
        rows.append(jacobian[0] @ w * (np.eye(4)[0] - q) - q[0] * (jacobian @ w))
    np.testing.assert_allclose(turn(slope, y, v), rows, rtol=1e-6, atol=1e-9)
    assert not turn(slope, y, 0 * v).any()


def test_a_backend_without_second_derivatives_is_refused() -> None:
    backend = BACKENDS["chain"](MODELS["cnn"])
    with pytest.raises(InputError, match="no second derivatives: open the"):
        explain(backend, X, 1, "shapleycam", layer="late")
