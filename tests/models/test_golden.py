"""Figures published by other tools, reproduced by the same networks written in ONNX.

captum's take no ReLU, so they are compared with the signed map; its convolutions are small enough
to check by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core.explain import explain
from tests.sessions import run

ort = pytest.importorskip("onnxruntime")

ONE_CONV = """<ir_version: 8, opset_import: ["" : 13]>
net (float[N, 1, 4, 4] x, float[N, 1, 4, 4] x2) => (float[N, 4] y) <
    float[2, 1, 3, 3] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}, float[2] b = {-50, -75},
    float[4, 8] v = {1,1,1,1,1,-1,-1,-1, 1,1,1,1,1,-1,-1,-1,
                     1,1,1,1,1,-1,-1,-1, 1,1,1,1,1,-1,-1,-1}>
{
    sum = Add(x, x2)
    conv1 = Conv(sum, w, b)
    relu1 = Relu(conv1)
    flat = Flatten(relu1)
    fc = Gemm<transB = 1>(flat, v)
    y = Relu(fc)
}"""

MULTI_LAYER = """<ir_version: 8, opset_import: ["" : 13]>
net (float[N, 3] x) => (float[N, 2] y) <
    float[3, 3] w0 = {1,0,0,0,1,0,0,0,1}, float[3, 4] w1 = {1,1,1,1,1,1,1,1,1,1,1,1},
    float[4] b1 = {-10, 1, 1, 1}, float[4, 2] w2 = {1,1,1,1,1,1,1,1}, float[2] b2 = {-1, 1}>
{
    linear0 = MatMul(x, w0)
    linear1 = Gemm(linear0, w1, b1)
    relu = Relu(linear1)
    y = Gemm(relu, w2, b2)
}"""

MULTI_INPUT = MULTI_LAYER.replace(
    "relu = Relu(linear1)",
    """linear1_alt = Gemm(linear0, w1, b1)
    relu_1 = Relu(linear1)
    relu_2 = Relu(linear1_alt)
    relu = Add(relu_1, relu_2)""",
)

RAMP = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
RAMP_AND_MINUS = RAMP.copy()
RAMP_AND_MINUS[0, 0, 1, 1] = -4


def both(model: onnx.ModelProto, x: Any, c: int, layer: str, method: str = "gradcam") -> list[Any]:
    """(signed, positive map) from Python and out of the file."""
    e = explain(OnnxBackend(model), x, c, method, layer=layer)
    made = instrument(model, layer=layer, method=method, outputs=["signed", "map"])
    found = run(made, **x, cam_class=np.array([c]))
    return [(e.signed, e.map), (found["cam_signed"], found["cam_map"])]


CAPTUM = [  # network, input, layer, signed map
    ("one conv", RAMP, "relu1", [[0, 4], [28, 32.5]]),
    ("one conv", RAMP, "conv1", [[11.25, 13.5], [20.25, 22.5]]),
    ("one conv", RAMP, "sum", 0.5625 * RAMP[0, 0]),
    ("one conv", RAMP_AND_MINUS, "sum", 0.5625 * RAMP_AND_MINUS[0, 0]),
    ("two inputs", RAMP, "conv1", [[14.5, 19], [32.5, 37]]),
    ("multi layer", [[0, 100, 0]], "linear0", 400),
    ("multi input", [[0, 6, 0]], "relu_1", 21),
    ("multi input", [[0, 6, 0]], "relu_2", 21),
]
NETWORKS = {
    "one conv": ONE_CONV,
    "two inputs": ONE_CONV,
    "multi layer": MULTI_LAYER,
    "multi input": MULTI_INPUT,
}


@pytest.mark.parametrize(("net", "x", "layer", "expected"), CAPTUM)
def test_captum_layer_grad_cam(net: str, x: Any, layer: str, expected: Any) -> None:
    feed = {"x": np.asarray(x, np.float32)}
    if net in ("one conv", "two inputs"):
        feed["x2"] = np.full_like(RAMP, net == "two inputs")
    model = onnx.parser.parse_model(NETWORKS[net])
    for signed, positive in both(model, feed, 0, layer):
        np.testing.assert_allclose(signed[0], expected, rtol=1e-6)
        np.testing.assert_allclose(positive[0], np.maximum(expected, 0), rtol=1e-6)


def test_captum_relu_attributions_zeroes_the_negative_cell() -> None:
    feed = {"x": RAMP_AND_MINUS, "x2": np.zeros_like(RAMP)}
    for signed, positive in both(onnx.parser.parse_model(ONE_CONV), feed, 0, "sum"):
        assert signed[0, 1, 1] == pytest.approx(-2.25)
        assert positive[0, 1, 1] == 0


def test_captum_unsummed_channels() -> None:
    expected = [[[-3.75, 3], [23.25, 30]], [[15, 10.5], [-3, -7.5]]]
    feed = {"x": RAMP, "x2": np.zeros_like(RAMP)}
    model = onnx.parser.parse_model(ONE_CONV)
    e = explain(OnnxBackend(model), feed, 0, layer="conv1")
    A = OnnxBackend(model).capture(feed, lambda y, _: np.ones_like(y), layers=["conv1"])
    np.testing.assert_allclose((e.alpha * A[0].activations)[0], expected, rtol=1e-6)
    made = instrument(model, layer="conv1", outputs=["activations", "alpha"])
    found = run(made, **feed, cam_class=np.array([0]))
    unsummed = found["cam_alpha"][:, :, None, None] * found["cam_activations"]
    np.testing.assert_allclose(unsummed[0], expected, rtol=1e-6)


def test_captum_guided_grad_cam() -> None:
    expected = [[0, 0, 4, 4], [0, 0, 12, 8], [28, 84, 97.5, 65], [28, 56, 65, 32.5]]
    feed = {"x": RAMP, "x2": np.zeros_like(RAMP)}
    model = onnx.parser.parse_model(ONE_CONV)
    cam = explain(OnnxBackend(model), feed, 0, layer="relu1").map
    nearest = cam.repeat(2, axis=1).repeat(2, axis=2)
    (capture,) = OnnxBackend(model, guided=True).capture(
        feed, lambda y, _: np.eye(4, dtype=np.float32)[:1], layers=["relu1"], input_gradients=True
    )
    assert capture.input_gradients is not None
    np.testing.assert_allclose((capture.input_gradients["x"][:, 0] * nearest)[0], expected)
    made = instrument(model, layer="relu1", guided=True, outputs=["map", "input_gradients"])
    found = run(made, **feed, cam_class=np.array([0]))
    np.testing.assert_array_equal(found["cam_map"], cam)
    np.testing.assert_allclose((found["cam_input_gradients_0"][:, 0] * nearest)[0], expected)


# A network whose A is the subsampled input and whose dY/dA is a given g: both come out of a file.


def linear_head(g: Any) -> onnx.ModelProto:
    """x [1, K, 2h, 2w] -> A = x[::2, ::2] -> y = <g_c, A>; g [classes, K, h, w]."""
    g = np.asarray(g, np.float32)
    classes, K, height, width = g.shape
    identity = np.eye(K, dtype=np.float32).reshape(K, K, 1, 1)
    h = onnx.helper
    graph = h.make_graph(
        [
            h.make_node("Conv", ["x", "w"], ["a"], strides=[2, 2]),
            h.make_node("Flatten", ["a"], ["flat"]),
            h.make_node("MatMul", ["flat", "g"], ["y"]),
        ],
        "head",
        [h.make_tensor_value_info("x", 1, [1, K, 2 * height, 2 * width])],
        [h.make_tensor_value_info("y", 1, [1, classes])],
        [
            onnx.numpy_helper.from_array(identity, "w"),
            onnx.numpy_helper.from_array(g.reshape(classes, -1).T.copy(), "g"),
        ],
    )
    return h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid("", 13)])


def upsampled(A: Any) -> Any:
    return np.asarray(A, np.float32).repeat(2, -1).repeat(2, -2)[None]


PGC_A = [[[0, 1], [2, 3]], [[4, 0], [1, 2]]]
PGC_G = [[[0.5, -0.25], [1, 0]], [[-1, 0.5], [0.25, -0.5]]]
PGC = [  # method, alpha or None, raw map; grad-cam 1.5.7
    ("gradcam", [0.3125, -0.1875], [-0.75, 0.3125, 0.4375, 0.5625]),
    ("hirescam", None, [-4, -0.25, 2.25, -1]),
    ("layercam", None, [0, 0, 2.25, 0]),
    ("gradcam++", [0.2249999, 0.1575754], [0.6303016, 0.2249999, 0.6075752, 0.9901505]),
    ("xgradcam", [0.2916667, -0.6785715], [-2.7142859, 0.2916667, -0.0952381, -0.4821429]),
]
PGC_FINAL = [  # method, rows of the map at 4x4
    ("gradcam", {0: [0, 0.1388889, 0.4166666, 0.5555555],
                 3: [0.7777778, 0.8333332, 0.9444444, 0.9999999]}),
    ("layercam", {0: [0, 0, 0, 0], 1: [0.25, 0.1875, 0.0625, 0], 2: [0.75, 0.5625, 0.1875, 0],
                  3: [0.9999999, 0.75, 0.25, 0]}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "alpha", "raw"), PGC, ids=[row[0] for row in PGC])
def test_pytorch_grad_cam_raw(method: str, alpha: Any, raw: Any) -> None:
    options, loose = ({"eps": 1e-6}, 3e-6) if method == "gradcam++" else ({}, 1e-6)
    model, x = linear_head([PGC_G]), upsampled(PGC_A)
    e = explain(OnnxBackend(model), x, 0, method, **options)
    assert e.layer == "a"
    np.testing.assert_allclose(e.signed.ravel(), raw, atol=1e-6)
    made = instrument(model, method=method, target=0, outputs=["signed", "alpha"])
    found = run(made, x=x)
    np.testing.assert_allclose(found["cam_signed"].ravel(), raw, atol=loose)  # without eps
    if alpha is not None:
        np.testing.assert_allclose(e.alpha.ravel(), alpha, atol=3e-7)
        np.testing.assert_allclose(found["cam_alpha"].ravel(), alpha, atol=loose)


@pytest.mark.parametrize(("method", "rows"), PGC_FINAL, ids=[row[0] for row in PGC_FINAL])
def test_pytorch_grad_cam_final(method: str, rows: dict[int, list[float]]) -> None:
    model, x = linear_head([PGC_G]), upsampled(PGC_A)
    made = instrument(model, method=method, target=0, outputs=["heatmap"])
    final = explain(OnnxBackend(model), x, 0, method).heatmap((4, 4))
    for painted in (final[0], run(made, x=x)["cam_heatmap"][0]):
        for row, expected in rows.items():
            np.testing.assert_allclose(painted[row], expected, atol=3e-7)


def test_xplique_weights() -> None:
    maps = [[[1, 1], [1, 1]], [[1, 1], [0, 0]], [[1, 0.5], [0, 0]], [[0.5, 0], [0, 0]]]
    model, x = linear_head([maps]), upsampled(maps)
    expected = [1, 0.5, 0.375, 0.125]
    np.testing.assert_array_equal(explain(OnnxBackend(model), x, 0).alpha.ravel(), expected)
    found = run(instrument(model, target=0, outputs=["alpha"]), x=x)
    np.testing.assert_array_equal(found["cam_alpha"], [expected])
