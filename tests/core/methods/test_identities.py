"""What textbooks and lecture notes say about Grad-CAM, each claim against torch or loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend
from cam_core.explain import explain
from cam_core.maps.combine import combine, normalise, positive
from cam_core.methods import METHODS
from cam_core.metrics.agreement.correlation import pearson

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
Array = np.ndarray
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 9, 7] x) => (float[N, 4] y PROBABILITY) {
    c = Conv<pads = [1, 1, 1, 1]>(x, first)
    a = Relu(c)
    MIDDLE
    p = POOL(b)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, head)
    ENDED
}"""
LINEAR, BENT = "b = Identity(a)", "d = Conv(a, second)\n    b = Tanh(d)"
"""What is between the layer and the pooling."""
C = 2
"""The class that is asked for."""
CLOSE = {"rtol": 2e-4, "atol": 2e-6}
"""Float32 sums of some hundred terms in another order."""


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, Array]:
    shapes = {"first": (5, 3, 3, 3), "second": (6, 5, 3, 3), "head": (4, 6)}
    return {n: rng.normal(size=s, scale=0.4).astype(np.float32) for n, s in shapes.items()}


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    return rng.normal(size=(3, 3, 9, 7)).astype(np.float32)


def model(
    weights: dict[str, Array], middle: str, *, pool: str = "GlobalAveragePool", end: bool = False
) -> OnnxBackend:
    """The network, explained at its first ReLU."""
    text = TEXT.replace("MIDDLE", middle).replace("POOL", pool)
    text = text.replace("PROBABILITY", ", float[N, 4] s" if end else "")
    parsed = onnx.parser.parse_model(text.replace("ENDED", "s = Softmax(y)" if end else ""))
    kept = {n: w for n, w in weights.items() if n != "second" or "second" in middle}
    kept["head"] = weights["head"][:, :5] if middle == LINEAR else weights["head"]
    for name, value in kept.items():
        parsed.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return OnnxBackend(parsed, layer="a")


def by_torch(weights: dict[str, Array], x: Array) -> tuple[Array, Array]:
    """A and dy^C/dA of the bent network by torch.autograd, in float64."""
    w = {n: torch.from_numpy(v).double() for n, v in weights.items()}
    a = torch.conv2d(torch.from_numpy(x).double(), w["first"], padding=1).relu()
    a = a.detach().requires_grad_()
    y = torch.conv2d(a, w["second"]).tanh().mean(dim=(2, 3)) @ w["head"].T
    (G,) = torch.autograd.grad(y[:, C].sum(), a)
    return a.detach().numpy(), G.numpy()


def looped(A: Array, alpha: Array) -> Array:
    """sum_k alpha_k A^k, cell by cell."""
    L = np.zeros((len(A), *A.shape[2:]))
    for n, k, i, j in np.ndindex(*A.shape):
        L[n, i, j] += alpha[n, k] * A[n, k, i, j]
    return L


def test_the_negated_gradient_is_the_counterfactual_map(
    weights: dict[str, Array], x: Array
) -> None:
    """Selvaraju et al. 2017, section 3.3: alpha_k = mean of -dY/dA, where the class would fade."""
    A, G = by_torch(weights, x)
    expected = np.maximum(looped(A, (-G).mean(axis=(2, 3))), 0)
    found = explain(model(weights, BENT), x, f"against:{C}")
    np.testing.assert_allclose(found.map, expected, **CLOSE)
    assert (expected.max(axis=(1, 2)) > 0.005).all()
    # It is the dark half of the class's own map, and shares no cell with the lit half.
    own = explain(model(weights, BENT), x, C)
    np.testing.assert_allclose(found.map, np.maximum(-own.signed, 0), **CLOSE)
    assert not (found.map * own.map).any()


def test_the_sum_and_the_mean_of_the_gradient_give_one_heatmap(
    weights: dict[str, Array], x: Array
) -> None:
    A, G = by_torch(weights, x)
    Z = A.shape[2] * A.shape[3]
    total = looped(A, np.array([[sum(g.ravel().tolist()) for g in row] for row in G]))
    found = explain(model(weights, BENT), x, C)
    np.testing.assert_allclose(found.signed * Z, total, rtol=2e-4, atol=2e-4)  # 63 times CLOSE
    np.testing.assert_allclose(found.heatmap(), normalise(positive(total)), **CLOSE)


APART = {
    "cam": "the network has no linear head",
    **dict.fromkeys(("smoothgrad", "smoothgradcam++", "sscam"), "its noise is drawn for the batch"),
    **{
        name: "the network attends to nothing" for name, m in METHODS.items() if m.at == "attention"
    },
}


@pytest.mark.parametrize("method", [name for name in METHODS if name not in APART])
def test_a_row_of_a_batch_is_the_picture_alone(
    method: str, weights: dict[str, Array], x: Array
) -> None:
    backend = model(weights, BENT)
    together = explain(backend, x, C, method)
    for i in range(len(x)):
        alone = explain(backend, x[i : i + 1], C, method)
        np.testing.assert_allclose(together.signed[i], alone.signed[0], **CLOSE)


def test_a_mean_over_the_batch_is_of_no_picture(weights: dict[str, Array], x: Array) -> None:
    """Written as `gradients.mean(dim=[0, 2, 3])`, alpha is right for a batch of one alone."""
    A, G = by_torch(weights, x)
    shared = np.repeat(G.mean(axis=(0, 2, 3))[None], len(A), axis=0)
    smeared, found = looped(A, shared), explain(model(weights, BENT), x, C)
    gap = np.abs(smeared - found.signed).max(axis=(1, 2)) / np.abs(found.signed).max(axis=(1, 2))
    assert (gap > 0.05).all()  # of the largest value: no rounding
    one, G_one = by_torch(weights, x[:1])
    np.testing.assert_allclose(
        looped(one, G_one.mean(axis=(0, 2, 3))[None]), found.signed[:1], **CLOSE
    )


def test_grad_cam_is_cam_where_the_head_is_an_average_and_a_matrix(
    weights: dict[str, Array], x: Array
) -> None:
    """Zhou et al. 2016: M = sum_k w_k^c A^k, of weights alone; Grad-CAM is M / Z, cell for cell."""
    A, _ = by_torch(weights, x)
    cam = looped(A, np.repeat(weights["head"][C : C + 1, :5], len(A), axis=0))
    found = explain(model(weights, LINEAR), x, C)
    np.testing.assert_allclose(found.signed * A[0, 0].size, cam, rtol=2e-4, atol=2e-4)  # 63 CLOSE
    np.testing.assert_allclose(found.heatmap(), normalise(positive(cam)), **CLOSE)


PLANTED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 1, 8, 8] x) => (float[N, 2] y) <float[2, 1] head = {1, -1}> {
    a = Relu(x)
    p = POOL(a)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, head)
}"""


def planted(pool: str) -> OnnxBackend:
    """A network that sees an object of 4 x 4 cells, the top left of them best."""
    return OnnxBackend(onnx.parser.parse_model(PLANTED.replace("POOL", pool)), layer="a")


def thing() -> Array:
    found = np.zeros((1, 1, 8, 8), np.float32)
    found[0, 0, 2:6, 3:7] = 1
    found[0, 0, 2, 3] = 1.5
    return found


@pytest.mark.parametrize(("pool", "cells"), [("GlobalAveragePool", 16), ("GlobalMaxPool", 1)])
def test_a_maximum_is_taught_by_one_cell_and_an_average_by_all(pool: str, cells: int) -> None:
    """Which cells the score hangs on, by differences: all of the object's, or its best alone."""
    backend, x = planted(pool), thing()
    felt = np.zeros((8, 8))
    for i, j in np.argwhere(x[0, 0]):
        less = x.copy()
        less[0, 0, i, j] -= 0.25  # the best cell stays the best
        felt[i, j] = (backend.look(x).score - backend.look(less).score)[0, 0]
    assert (felt > 0).sum() == cells
    found = explain(backend, x, 0, "hirescam").map[0]
    np.testing.assert_array_equal(found > 0, felt > 0)
    # Its mean is the same head weight / Z, so the Grad-CAM is the same map of either head.
    A = x[0, 0]
    np.testing.assert_allclose(explain(backend, x, 0).map[0], A / A.size, rtol=1e-6)


TWO = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 8, 8] x) => (float[N, 2] y, float[N, 2] s) {
    a = Relu(x)
    p = GlobalAveragePool(a)
    f = Flatten(p)
    y = Gemm<transB = 1>(f, head)
    s = Softmax(y)
}"""


def two_classes(head: Any) -> OnnxBackend:
    parsed = onnx.parser.parse_model(TWO)
    parsed.graph.initializer.append(
        onnx.numpy_helper.from_array(np.asarray(head, np.float32), "head")
    )
    return OnnxBackend(parsed, layer="a")


def test_of_two_classes_the_probability_has_the_map_of_their_difference(
    rng: np.random.Generator,
) -> None:
    """dp/dA = p (1 - p) d(y0 - y1)/dA: one scale, no other shape; y0 alone has another."""
    x = rng.random((1, 3, 8, 8), dtype=np.float32)
    head = np.array([[1.0, 0.2, -0.5], [0.9, -1.0, 0.6]])
    w, A = torch.from_numpy(head), torch.from_numpy(x).double().requires_grad_()
    p = torch.softmax(A.mean(dim=(2, 3)) @ w.T, dim=1)[0, 0]
    alpha = torch.autograd.grad(p, A)[0].mean(dim=(2, 3)).numpy()
    expected = looped(x, alpha)
    backend = two_classes(head)
    found = explain(backend, x, "prob:0")
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-7)
    scale = float((p * (1 - p)).detach())
    np.testing.assert_allclose(
        found.signed, scale * explain(backend, x, "0-1").signed, rtol=1e-4, atol=1e-7
    )
    assert pearson(found.signed, explain(backend, x, 0).signed)[0] < 0.99
    mirrored = two_classes([head[0], -head[0]])  # a sigmoid written as a softmax
    maps = (explain(mirrored, x, asked).signed for asked in ("prob:0", 0))
    assert pearson(*maps)[0] > 1 - 1e-5


def saturated(by: float) -> tuple[OnnxBackend, Array]:
    """Two classes whose logits are `by` apart."""
    x = thing().repeat(3, axis=1)
    return two_classes(np.array([[1, 0, 0], [0, 0, 0]]) * by / x[0, 0].mean()), x


def test_a_sure_probability_has_no_gradient_left() -> None:
    """In float32 p (1 - p) is 0 from 17 on; p times the sum of the others lasts until 1e-38."""
    y = np.float32([30, 0])
    p = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    assert p.dtype == np.float32
    assert p[0] * (1 - p[0]) == 0
    backend, x = saturated(30.0)
    lasting = explain(backend, x, "prob:0")
    rest = 1 / (1 + np.exp(30.0))  # in float64
    np.testing.assert_allclose(lasting.signed, rest * explain(backend, x, 0).signed, rtol=1e-3)
    assert lasting.signed.max() > 0
    backend, x = saturated(120.0)  # 1 - p = 8e-53: nothing of it is left in float32
    gone, there = explain(backend, x, "prob:0"), explain(backend, x, 0)
    assert gone.blank[0]
    assert gone.diagnosis[0]
    assert not there.blank[0]
    assert combine(x, there.alpha).max() > 0
