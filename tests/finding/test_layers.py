"""Every kind of name that a layer may be asked for by, and what near names are suggested."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import LayerError
from tests.finding.nets import CLASSES, HEAD, STEM, TWO_CONVOLUTIONS, W1, found, net

pytest.importorskip("onnxruntime")


def test_by_tensor_node_and_index(residual: onnx.ModelProto) -> None:
    assert found(residual, "r2") == "r2"
    assert found(residual, "node_r2") == "r2"
    listed = [layer.name for layer in OnnxBackend(residual).layers()]
    assert listed == ["c1", "r1", "c2", "sum", "r2", "c3", "b3", "sum2", "last"]
    assert [found(residual, i) for i in (0, "4", -1)] == ["c1", "r2", "last"]
    with pytest.raises(LayerError, match="lists 9, numbered from 0"):
        found(residual, 9)


def test_unknown_names_come_with_near_ones(residual: onnx.ModelProto) -> None:
    with pytest.raises(LayerError, match=r"no layer 'sum3'; did you mean .*sum2"):
        found(residual, "sum3")
    with pytest.raises(LayerError, match="gradcam layers"):
        found(residual, "entirely different")
    with pytest.raises(LayerError, match=r"'x' is an input of the model, no layer; .*gradcam"):
        found(residual, "x")
    weight = residual.graph.initializer[0].name
    with pytest.raises(LayerError, match=f"'{weight}' is a weight, no layer; .*gradcam layers"):
        found(residual, weight)


def test_what_does_not_lead_to_the_score_is_refused(residual: onnx.ModelProto) -> None:
    residual.graph.node.append(helper.make_node("Relu", ["r1"], ["aside"]))
    residual.graph.node.append(helper.make_node("Softmax", ["y"], ["p"], axis=1))
    residual.graph.output.append(helper.make_tensor_value_info("p", 1, ["N", 5]))
    residual.graph.output.append(helper.make_tensor_value_info("aside", 1, None))
    for layer in ("aside", "p"):
        with pytest.raises(LayerError, match=f"layer '{layer}' does not reach the score 'y'"):
            found(residual, layer)
    with pytest.raises(LayerError, match="is the score itself"):
        found(residual, "y")


def test_what_only_gives_a_shape_does_not_lead_to_the_score() -> None:
    body = STEM + "s = Shape(r1)  z = ConstantOfShape(s)  last = Add(z, c1)\n" + HEAD
    with pytest.raises(LayerError, match="does not reach"):
        found(net(body, W1 | CLASSES), "r1")


COMPOSITES = (
    """
    c1 = Conv(x, w1)  s1 = Sigmoid(c1)  a1 = Mul(c1, s1)
    c2 = Conv(a1, w2)  s2 = Sigmoid(c2)  a2 = Mul(c2, s2)  c3 = Conv(a2, w3)  last = Relu(c3)
"""
    + HEAD
)


def test_an_index_means_what_the_list_shows() -> None:
    """Where an activation of two operators is listed as one."""
    model = net(COMPOSITES, W1 | TWO_CONVOLUTIONS | CLASSES)
    listed = [layer.name for layer in OnnxBackend(model).layers()]
    assert listed == ["c1", "a1", "c2", "a2", "c3", "last"]
    for i, name in enumerate(listed):
        assert found(model, i) == found(model, str(i)) == name
        facts = {e.key: e.value for e in instrument(model, layer=i).metadata_props}
        assert facts["cam.layer"] == name


def test_inside_an_activation_of_two_operators() -> None:
    """SiLU is c Sigmoid(c): the gradient at its sigmoid is c times that at its output."""
    model = net(COMPOSITES, W1 | TWO_CONVOLUTIONS | CLASSES)
    x = np.random.default_rng(1).normal(size=(2, 3, 16, 16)).astype(np.float32)
    target: Any = lambda y, _: np.ones_like(y)  # noqa: E731
    backend = OnnxBackend(model)
    c, silu = backend.capture(x, target, layers=["c1", "a1"])
    (inner,) = backend.capture(x, target, layers=["s1"])
    np.testing.assert_allclose(inner.gradients, c.activations * silu.gradients, rtol=1e-5)
    np.testing.assert_allclose(
        backend.look(x, layers=["s1"]).tail("s1")(inner.activations),
        inner.logits,
        rtol=1e-5,
        atol=1e-5,
    )


def test_a_tensor_may_be_called_by_a_number() -> None:
    model = net(COMPOSITES.replace("c2", "t4"), W1 | TWO_CONVOLUTIONS | CLASSES)
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["4" if name == "t4" else name for name in names]
    assert found(model, "4") == "4"
    assert found(model, 4) == "c3"
    assert found(model, "2") == "4"


def test_two_inputs_as_two_channels_are_one_picture() -> None:
    body = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,8,8] left, float[N,8,8] right) => (float[N,4] y)
    { one = Constant<value = int64[1] {1}>() u = Unsqueeze(left, one) v = Unsqueeze(right, one)
      both = Concat<axis = 1>(u, v) c = Conv(both, w) a = Relu(c) p = GlobalAveragePool(a)
      f = Flatten(p) y = MatMul(f, head) }"""
    model = onnx.parser.parse_model(body)
    w = np.ones((4, 2, 3, 3), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    v = np.ones((4, 4), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(v, "head"))
    assert found(model, None) == "a"
