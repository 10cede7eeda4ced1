"""Methods about the input, in the file: the numbers of Python, which has its own oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core import explain, explain_all
from cam_core.errors import InputError, ModelError
from tests.core.methods.rectified import CLASSES, TEXT, model, net, pictures, slope
from tests.sessions import run

METHODS = ("gradient", "gradientxinput", "guided", "guided-gradcam")


def near(found: Any, expected: Any) -> None:
    """One formula, and the same derivative by nodes in another order."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def opened(text: str) -> onnx.ModelProto:
    made = onnx.parser.parse_model(text)
    made.graph.initializer.extend(model().graph.initializer)
    return made


@pytest.mark.parametrize("method", METHODS)
def test_the_files_map_is_pythons(method: str) -> None:
    made = instrument(model(), method=method, outputs=["map", "signed", "heatmap"], verify=True)
    found = run(made, x=pictures(), cam_class=np.array(CLASSES))
    expected = explain(OnnxBackend(model()), pictures(), CLASSES, method)
    near(found["cam_map"], expected.map)
    near(found["cam_signed"], expected.signed)
    near(found["cam_heatmap"], expected.heatmap((12, 16)))
    assert expected.map.any(axis=(1, 2)).all()


def test_the_gradient_is_that_of_autograd() -> None:
    found = run(instrument(model(), method="gradient"), x=pictures(), cam_class=np.array(CLASSES))
    near(found["cam_map"], np.abs(slope(net(), pictures())).max(axis=1))


@pytest.mark.parametrize("method", METHODS)
def test_several_targets_and_a_gate(method: str) -> None:
    stacked = run(instrument(model(), method=method, target=[3, "top:1"]), x=pictures())
    backend = OnnxBackend(model())
    near(stacked["cam_map"][:, 0], explain(backend, pictures(), 3, method).map)
    near(stacked["cam_map"][:, 1], explain(backend, pictures(), None, method).map)
    gated = instrument(model(), method=method, target=3, gate=True)
    on, off = (run(gated, x=pictures(), cam_enable=np.array(value)) for value in (True, False))
    near(on["cam_map"], stacked["cam_map"][:, 0])
    assert off["cam_map"].size == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_of_any_size(method: str) -> None:
    text = TEXT.replace("12, 16] x", "H, W] x")
    expected = explain(OnnxBackend(model()), pictures(), CLASSES, method).map
    if method == "guided-gradcam":
        with pytest.raises(ModelError, match="leaves open: fix it with --static, or take"):
            instrument(opened(text), method=method)
        made = instrument(opened(text), method=method, static=(2, 3, 12, 16))
    else:
        made = instrument(opened(text), method=method, outputs=["map", "heatmap"])
    near(run(made, x=pictures(), cam_class=np.array(CLASSES))["cam_map"], expected)


@pytest.mark.parametrize("method", METHODS)
def test_channels_last(method: str) -> None:
    text = TEXT.replace("[N, 3, 12, 16] x", "[N, 12, 16, 3] image")
    made = opened(text.replace("conv1 =", "x = Transpose<perm = [0, 3, 1, 2]>(image) conv1 ="))
    written = instrument(made, method=method)
    found = run(written, image=np.moveaxis(pictures(), 1, 3), cam_class=np.array(CLASSES))
    near(found["cam_map"], explain(OnnxBackend(model()), pictures(), CLASSES, method).map)
    if method != "guided-gradcam":
        assert {e.key: e.value for e in written.metadata_props}["cam.layout"] == "NHWC"


def test_what_is_about_no_layer_comes_once() -> None:
    """And what is about one comes once a layer."""
    layers = ["early", "late"]
    once = instrument(model(), layer=layers, method="guided", target=1, outputs=["map", "signed"])
    assert [o.name for o in once.graph.output] == ["y", "cam_map", "cam_signed"]
    assert {e.key: e.value for e in once.metadata_props}["cam.layer"] == "x"
    found = run(instrument(model(), layer=layers, method="guided-gradcam", target=1), x=pictures())
    each = explain_all(OnnxBackend(model()), pictures(), [1], ["guided-gradcam"], layers=layers)
    for i, one in enumerate(each):
        near(found[f"cam_map_{i}"], one.map)


def test_outputs_beside_the_map() -> None:
    wanted = ["map", "alpha", "activations", "gradients", "input_gradients", "score"]
    made = instrument(model(), layer="late", method="gradientxinput", outputs=wanted)
    found = run(made, x=pictures(), cam_class=np.array(CLASSES))
    near(found["cam_alpha"], slope(net(), pictures()))
    near(found["cam_input_gradients"], found["cam_alpha"])
    assert found["cam_activations"].shape == found["cam_gradients"].shape == (2, 6, 4, 6)


def test_a_map_without_weights_has_no_alpha() -> None:
    with pytest.raises(
        InputError, match="'guided' gives a map and no weights: leave output 'alpha'"
    ):
        instrument(model(), method="guided", outputs=["map", "alpha"])


@pytest.mark.parametrize("method", ["smoothgrad", "integrated", "smoothgradcam++"])
def test_what_takes_more_passes_is_refused(method: str) -> None:
    with pytest.raises(
        InputError, match=f"'{method.replace('+', '.')}' needs .* cannot be written"
    ):
        instrument(model(), method=method)


def test_the_plain_gradient_alone_takes_no_layers_gradient() -> None:
    """Only the way from the score to the input is written."""
    made = instrument(model(), layer="late", method="gradient", target=1)
    own = instrument(model(), layer="late", outputs=["input_gradients"], target=1)
    extra = len(made.graph.node) - len(own.graph.node)
    assert 0 < extra <= 4  # Abs, ReduceMax, the positive part
