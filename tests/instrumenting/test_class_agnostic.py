"""Methods that know of no class add nothing to the inputs of a file, and no backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument, strip
from cam_core import explain
from cam_core.errors import InputError
from tests.instrumenting.nets import images, net
from tests.sessions import run

pytest.importorskip("onnxruntime")


def inputs(model: onnx.ModelProto) -> list[str]:
    return [value.name for value in model.graph.input]


@pytest.mark.parametrize("opset", [7, 13, 26])
@pytest.mark.parametrize("method", ["fem", "random"])
def test_the_file_takes_what_the_model_takes(method: str, opset: int) -> None:
    x, source = images(3), net(opset)
    made = instrument(source, method=method, outputs=["map", "signed", "heatmap", "alpha"])
    assert inputs(made) == ["x"]
    found, expected = run(made, x=x), explain(OnnxBackend(net()), x, 1, method)
    np.testing.assert_allclose(found["cam_map"], expected.map, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["cam_signed"], expected.signed, rtol=1e-5, atol=1e-5)
    assert expected.alpha is not None
    np.testing.assert_allclose(found["cam_alpha"], expected.alpha[..., 0, 0], atol=1e-6)
    assert {e.key: e.value for e in made.metadata_props}["cam.target"] == "none"
    assert strip(made) == source


def test_no_weight_behind_the_layer_is_read_again() -> None:
    made = instrument(net(), method="fem")
    added = made.graph.node[len(net().graph.node) :]
    assert not {"w3", "b3"} & {name for node in added for name in node.input}


@pytest.mark.parametrize("output", ["score", "class_used", "gradients", "input_gradients"])
def test_what_is_about_a_class_asks_for_one(output: str) -> None:
    x = images(2)
    made = instrument(net(), method="fem", outputs=["map", output])
    assert inputs(made) == ["x", "cam_class"]
    found = run(made, x=x, cam_class=np.array([1, 3]))
    expected = explain(OnnxBackend(net()), x, [1, 3], "fem")
    np.testing.assert_allclose(found["cam_map"], expected.map, rtol=1e-5, atol=1e-5)
    if output == "score":
        np.testing.assert_allclose(found["cam_score"], expected.score, rtol=1e-5)


@pytest.mark.parametrize("target", ["top:2", 3, "cotangent"])
def test_any_other_target_adds_no_input_either(target: Any) -> None:
    made = instrument(net(), method="random", target=target)
    assert inputs(made) == ["x"]
    expected = explain(OnnxBackend(net()), images(2), 1, "random").map
    found = run(made, x=images(2))["cam_map"]
    one = found if target != "top:2" else found[:, 1]
    np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-5)


def test_a_gate_goes_round_it() -> None:
    made = instrument(net(), method="fem", gate=True)
    assert inputs(made) == ["x", "cam_enable"]
    x = images(2)
    assert len(run(made, x=x, cam_enable=np.array(False))["cam_map"]) == 0
    found = run(made, x=x, cam_enable=np.array(True))["cam_map"]
    np.testing.assert_allclose(found, explain(OnnxBackend(net()), x, 1, "fem").map, rtol=1e-5)


@pytest.mark.parametrize("method", ["eigencam", "eigencam-centred", "eigengradcam", "cam"])
def test_what_no_file_holds_is_refused(method: str) -> None:
    with pytest.raises(InputError, match=f"method '{method}'.* cannot be written into a file"):
        instrument(net(), method=method)
