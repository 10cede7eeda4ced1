"""The file of several layers as one map, the very one of `explain`."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument, strip
from cam_core import explain
from cam_core.errors import InputError
from cam_core.maps import FUSES
from tests.detectors import scene, two_scales
from tests.instrumenting.nets import images, net
from tests.sessions import run

pytest.importorskip("onnxruntime")
BOTH = ["late", "early"]
X = images(3)


def facts(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


@pytest.mark.parametrize("method", ["layercam", "gradcam", "bicam", "fem"])
@pytest.mark.parametrize("how", FUSES)
def test_the_map_is_that_of_explain(how: str, method: str) -> None:
    made = instrument(
        net(), layer=BOTH, method=method, fuse=how, target=2, outputs=["map", "signed", "heatmap"]
    )
    found = run(made, x=X)
    expected = explain(OnnxBackend(net()), X, 2, method, layer=BOTH, fuse=how)
    assert expected.map.shape == (3, 8, 12)
    np.testing.assert_allclose(found["cam_map"], expected.map, atol=1e-5)
    np.testing.assert_allclose(found["cam_signed"], expected.signed, atol=1e-5)
    np.testing.assert_allclose(found["cam_heatmap"], expected.heatmap((8, 12)), atol=1e-5)
    assert expected.map.max() > 0


@pytest.mark.parametrize("opset", [7, 11, 13, 18, 26])
@pytest.mark.parametrize("how", ["root", "scaled-max"])
def test_old_and_new_opsets(how: str, opset: int) -> None:
    made = instrument(net(opset), layer=BOTH, method="layercam", fuse=how, target=1)
    expected = explain(OnnxBackend(net()), X, 1, "layercam", layer=BOTH, fuse=how)
    np.testing.assert_allclose(run(made, x=X)["cam_map"], expected.map, atol=1e-5)


def test_the_file_says_it_and_is_taken_back() -> None:
    source = net()
    made = instrument(source, layer=BOTH, fuse="max", outputs=["map", "alpha"], verify=True)
    assert (facts(made)["cam.fuse"], facts(made)["cam.layer"]) == ("max", "late;early")
    names = [output.name for output in made.graph.output][2:]
    assert names == ["cam_map", "cam_alpha_0", "cam_alpha_1"]
    assert strip(made) == source
    assert "cam.fuse" not in facts(instrument(source, layer=BOTH))


def test_several_targets_have_an_axis_and_a_gate_goes_round() -> None:
    asked: dict[str, Any] = {"layer": BOTH, "fuse": "mean", "target": [1, 3]}
    plain = run(instrument(net(), **asked), x=X)["cam_map"]
    for i, c in enumerate((1, 3)):
        expected = explain(OnnxBackend(net()), X, c, layer=BOTH, fuse="mean").map
        np.testing.assert_allclose(plain[:, i], expected, atol=1e-5)
    gated = instrument(net(), **asked, gate=True)
    np.testing.assert_array_equal(run(gated, x=X, cam_enable=np.array(True))["cam_map"], plain)
    assert len(run(gated, x=X, cam_enable=np.array(False))["cam_map"]) == 0


def test_one_layer_is_nothing_to_fuse() -> None:
    for layer in (None, "late"):
        with pytest.raises(InputError, match="fuse takes several layers: name two or more"):
            instrument(net(), layer=layer, fuse="max")


def test_open_sizes_are_not_resized_by_constants() -> None:
    model = net()
    for i, name in ((2, "H"), (3, "W")):
        model.graph.input[0].type.tensor_type.shape.dim[i].dim_param = name
    with pytest.raises(InputError, match="fuse needs maps of known sizes"):
        instrument(model, layer=BOTH, fuse="max")
    made = instrument(model, layer=BOTH, fuse="max", static=(3, 3, 8, 12), target=1)
    expected = explain(OnnxBackend(net()), X, 1, layer=BOTH, fuse="max").map
    np.testing.assert_allclose(run(made, x=X)["cam_map"], expected, atol=1e-5)


def test_the_scales_of_a_detector_are_layers_too() -> None:
    model, x = two_scales(), np.concatenate([scene(), scene(1)])
    made = instrument(model, target="0@anchor:3", method="odam", fuse="mean")
    expected = explain(OnnxBackend(model), x, "0@anchor:3", "odam", fuse="mean")
    assert len(expected.parts) == 2
    np.testing.assert_allclose(run(made, x=x)["cam_map"], expected.map, atol=1e-5)
    assert expected.map.max() > 0
