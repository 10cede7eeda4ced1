"""The file of a detector holds the map of all its scales, the very one of `explain`."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument, strip
from cam_core import explain
from cam_core.image import preprocess, read
from cam_core.image.presets import Preprocess
from tests.detectors import NECKS, scene, two_scales
from tests.paths import DATA
from tests.sessions import run

pytest.importorskip("onnxruntime")

OUTPUTS = ["map", "signed", "heatmap", "gradients", "score"]
X = np.concatenate([scene(), scene(1)])


def facts(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def of_class(y: Any, outputs: Any) -> Any:
    """Class 1 at every anchor: what the input cam_class asks for."""
    return np.broadcast_to(np.float32([[[0], [1], [0]]]), y.shape)


@pytest.mark.parametrize("method", [None, "gradcam", "gradcam++", "layercam", "xgradcam"])
@pytest.mark.parametrize("target", ["0@anchor:3", "2@anchor:66", "input"])
def test_the_map_is_that_of_explain(target: str, method: str | None) -> None:
    """Of an anchor of either scale, and of a class at all of them."""
    made = instrument(two_scales(), target=target, method=method, outputs=OUTPUTS)
    fed = {"cam_class": np.array([1])} if target == "input" else {}
    found, backend = run(made, x=X, **fed), OnnxBackend(two_scales())
    expected = explain(backend, X, of_class if target == "input" else target, method)
    np.testing.assert_allclose(found["cam_map"], expected.map, atol=1e-5)
    np.testing.assert_allclose(found["cam_signed"], expected.signed, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["cam_heatmap"], expected.heatmap((32, 32)), atol=1e-5)
    assert expected.map.max() > 0


def test_it_lists_its_layers_and_is_taken_back() -> None:
    source = two_scales()
    made = instrument(source, target="0@anchor:5", outputs=OUTPUTS, verify=True)
    assert facts(made)["cam.layer"] == ";".join(NECKS)
    assert facts(made)["cam.layout"] == "NCHW;NCHW"
    names = [output.name for output in made.graph.output]
    assert names[1:4] == ["cam_map", "cam_signed", "cam_heatmap"]
    assert names[4:6] == ["cam_gradients_0", "cam_gradients_1"]
    assert strip(made) == source
    onnx.checker.check_model(made, full_check=True)


def test_several_anchors_have_an_axis() -> None:
    rows = ("0@anchor:3", "2@anchor:66")
    found, backend = run(instrument(two_scales(), target=rows), x=X), OnnxBackend(two_scales())
    for i, target in enumerate(rows):
        expected = explain(backend, X, target).map
        np.testing.assert_allclose(found["cam_map"][:, i], expected, atol=1e-5)


def test_a_gate_goes_round_the_merged_map() -> None:
    made = instrument(two_scales(), target="0@anchor:5", gate=True)
    plain = run(instrument(two_scales(), target="0@anchor:5"), x=X)["cam_map"]
    np.testing.assert_array_equal(run(made, x=X, cam_enable=np.array(True))["cam_map"], plain)
    assert len(run(made, x=X, cam_enable=np.array(False))["cam_map"]) == 0


@pytest.mark.parametrize("layer", [list(NECKS), "neck_coarse"])
def test_layers_that_are_named_are_not_merged(layer: Any) -> None:
    made = instrument(two_scales(), target="2@anchor:66", layer=layer)
    names = [output.name for output in made.graph.output][1:]
    assert names == (["cam_map"] if isinstance(layer, str) else ["cam_map_0", "cam_map_1"])


def open_sizes() -> onnx.ModelProto:
    """As an export of free height and width: boxes are decoded outside."""
    model = two_scales()
    for node in model.graph.node:
        if node.output[0] == "boxes":
            node.op_type, node.input[:] = "Identity", ["small"]
    for i, name in ((2, "H"), (3, "W")):
        model.graph.input[0].type.tensor_type.shape.dim[i].dim_param = name
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_param = "anchors"
    del model.graph.initializer[-1]
    return model


def test_of_unknown_sizes_there_is_a_map_a_scale() -> None:
    """Constant matrices cannot resize them: whoever reads the maps can."""
    made = instrument(open_sizes(), target="cotangent")
    names = [output.name for output in made.graph.output][1:]
    assert names == ["cam_map_0", "cam_map_1"]
    assert facts(made)["cam.layer"].split(";") == list(NECKS)
    fixed = instrument(open_sizes(), target="cotangent", static=(1, 3, 32, 32))
    assert [output.name for output in fixed.graph.output][1:] == ["cam_map"]


def test_a_backend_of_its_analysis_looks_at_all_scales() -> None:
    """`instrument` of the command line hands an analysis on."""
    from backends.onnx.finding.analysis import analyse

    known = analyse(two_scales())
    assert [choice.name for choice in known.choices] == list(NECKS)
    backend = OnnxBackend(known)
    assert backend.look(X).layers == list(NECKS)
    assert [layer.name for layer in backend.layers() if layer.default] == list(NECKS)
    assert backend.with_weights(lambda name, w: w).look(X).layers == list(NECKS)


YOLOX = DATA / "models" / "yolox-nano.onnx"


@pytest.mark.skipif(not YOLOX.exists(), reason="pretrained models are kept beside the tree")
@pytest.mark.parametrize("target", ["16@anchor:2000", "0@anchor:3000", "3@anchor:3500"])
def test_yolox_at_each_of_its_scales(target: str) -> None:
    backend = OnnxBackend(YOLOX)
    spec = Preprocess(mean=(0.0,), std=(1.0,), scale=1.0, bgr=True, fit="letterbox")
    x = preprocess(read(DATA / "images" / "dogs.png"), spec, backend.inputs()[0]).x
    found = run(instrument(YOLOX, target=target), {backend.inputs()[0].name: x})
    np.testing.assert_allclose(found["cam_map"], explain(backend, x, target).map, atol=1e-5)
