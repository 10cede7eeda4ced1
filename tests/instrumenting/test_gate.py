"""`gate=True`: enabled it changes nothing, disabled it gives the plain outputs and no rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import instrument, strip
from tests.sessions import open_session, run

ort = pytest.importorskip("onnxruntime")

TEXT = """<ir_version: 8, opset_import: ["" : {opset}]>
net (float[N, 3, 8, 12] x) => (float[N, 5] y) {{
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, w1, b1)
    early = Relu(conv1)
    conv2 = Conv<strides = [2, 2]>(early, w2)
    relu2 = Relu(conv2)
    conv3 = Conv<pads = [1, 1, 1, 1], group = 2>(relu2, w3)
    late = Relu(conv3)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w4, b4)
}}"""
SHAPES = {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (6, 4, 3, 3), "w3": (6, 3, 3, 3), "w4": (5, 6),
          "b4": (5,)}  # fmt: skip
EVERYTHING = [
    *("map", "signed", "heatmap", "activations", "gradients", "alpha", "score", "class_used"),
    "input_gradients",
]


def net(opset: int = 13, batch: str = "N", **shapes: tuple[int, ...]) -> onnx.ModelProto:
    rng = np.random.default_rng(8)
    model = onnx.parser.parse_model(TEXT.format(opset=opset).replace("[N", f"[{batch}"))
    model.graph.initializer.extend(
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in (SHAPES | shapes).items()
    )
    return model


def images(count: int = 2) -> Any:
    return np.random.default_rng(2).normal(size=(count, 3, 8, 12)).astype(np.float32)


CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [  # options, what to feed
    ({"outputs": EVERYTHING}, {"cam_class": np.array([3, -1])}),
    ({"layer": "early"}, {"cam_class": np.array([1])}),
    ({"layer": ["early", "relu2", "late"], "outputs": EVERYTHING}, {"cam_class": np.array([1])}),
    ({"target": "top:3", "outputs": EVERYTHING}, {}),
    ({"target": 2, "method": "gradcam++", "layer": "relu2"}, {}),
    ({"target": "cotangent", "layer": "early", "outputs": ["gradients", "map"]},
     {"cam_cotangent": np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5)}),
]  # fmt: skip


@pytest.mark.parametrize("opset", [7, 11, 13, 21])
@pytest.mark.parametrize(("options", "feed"), CASES, ids=[str(o) for o, _ in CASES])
def test_enabled_it_equals_the_ungated(
    options: dict[str, Any], feed: dict[str, Any], opset: int
) -> None:
    ungated = run(instrument(net(opset), **options), x=images(), **feed)
    gated = instrument(net(opset), gate=True, **options)
    onnx.checker.check_model(gated, full_check=True)
    assert gated.graph.input[-1].name == "cam_enable"
    found = run(gated, x=images(), cam_enable=np.array(True), **feed)
    assert list(found) == list(ungated)
    for name, value in ungated.items():
        assert (found[name].shape, found[name].dtype) == (value.shape, value.dtype), name
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("level", ["ORT_ENABLE_ALL", "ORT_ENABLE_BASIC", "ORT_DISABLE_ALL"])
@pytest.mark.parametrize(("options", "feed"), CASES, ids=[str(o) for o, _ in CASES])
def test_disabled_it_gives_the_plain_outputs_and_no_rows(
    options: dict[str, Any], feed: dict[str, Any], level: str
) -> None:
    plain = run(net(), level=level, x=images())
    gated = instrument(net(), gate=True, **options)
    for enable in (False, True):
        found = run(gated, level=level, x=images(), cam_enable=np.array(enable), **feed)
        np.testing.assert_array_equal(found["y"], plain["y"])
    found = run(gated, level=level, x=images(), cam_enable=np.array(False), **feed)
    for name in list(found)[1:]:
        assert found[name].shape[0] == 0, name


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 13])
@pytest.mark.parametrize(("options", "feed"), CASES, ids=[str(o) for o, _ in CASES])
def test_a_fixed_batch_has_a_gate_too(
    options: dict[str, Any], feed: dict[str, Any], opset: int
) -> None:
    """Before opset 11 inference holds both branches to one shape."""
    source = net(opset, batch="2")
    ungated = run(instrument(source, **options), x=images(), **feed)
    gated = instrument(source, gate=True, **options)
    onnx.checker.check_model(gated, full_check=True)
    found = run(gated, x=images(), cam_enable=np.array(True), **feed)
    for name, value in ungated.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    found = run(gated, x=images(), cam_enable=np.array(False), **feed)
    np.testing.assert_array_equal(found["y"], ungated["y"])
    assert {name: len(value) for name, value in found.items() if name != "y"} == {
        name: 0 for name in ungated if name != "y"
    }


def test_an_absurd_class_does_not_matter_while_disabled() -> None:
    found = run(instrument(net(), gate=True), x=images(), cam_class=np.array([99]),
                cam_enable=np.array(False))  # fmt: skip
    assert found["cam_map"].shape[0] == 0
    opened = open_session(instrument(net(), gate=True))
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        opened.run(None, {"x": images(), "cam_class": np.array([99]), "cam_enable": np.array(True)})


def test_one_if_holds_all_that_was_added() -> None:
    model = net()
    gated = instrument(model, gate=True, layer="early")
    assert [n.op_type for n in gated.graph.node][len(model.graph.node) :] == ["If"]
    assert list(gated.graph.initializer) == list(model.graph.initializer)
    assert strip(gated) == model


def test_convolution_weights_lie_inside_the_branch() -> None:
    """A runtime lays them out anew at load, which it does within one graph only."""
    gated = instrument(net(), gate=True, layer="early")
    branch = next(a.g for a in gated.graph.node[-1].attribute if a.name == "then_branch")
    outer = {t.name for t in gated.graph.initializer}
    backward = [n for n in branch.node if n.op_type in ("Conv", "ConvTranspose")]
    assert backward
    made = {name: node for node in branch.node for name in node.output}
    for node in backward:
        name = node.input[1]
        while name in made:  # through transposes and flips
            name = made[name].input[0]
        assert name not in outer
        assert name in {t.name for t in branch.initializer}


@pytest.mark.parametrize("on", [False, True])
def test_closed_none_of_what_was_added_runs_but_the_gate(on: bool, tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "profile")
    model = instrument(net(), gate=True, layer="early").SerializeToString()
    opened = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"x": images(1), "cam_class": np.array([1]), "cam_enable": np.array(on)}
    opened.run(None, feed)
    events = json.loads(Path(opened.end_profiling()).read_text())
    ran = [e["args"]["op_name"] for e in events if e["name"].startswith("cam.")]
    assert ran[-1] == "If"
    assert ("ConvTranspose" in ran) if on else ran == ["If"]
