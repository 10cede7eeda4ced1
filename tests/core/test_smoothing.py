"""Smoothed explanations, against the formula written out picture by picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from cam_core import explain, explain_all
from cam_core.demo import MODEL
from cam_core.errors import InputError, TargetError
from cam_core.maps.combine import heatmap, resize
from cam_core.smoothing import SMOOTHS, as_rows
from tests.core.linear import Linear

pytest.importorskip("onnxruntime")
Array = np.ndarray


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(MODEL.read_bytes())


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    """Brighter at the left, so that its mirror image is another picture."""
    return rng.random((2, 3, 128, 128), dtype=np.float32) * np.linspace(2, 0, 128, dtype=np.float32)


def of_six(backend: OnnxBackend, x: Array, classes: list[int], method: str, **how: Any) -> Array:
    """The mean of six heatmaps at the input's size."""
    total = np.zeros((2, 128, 128))
    for factor in (0.9, 1.0, 1.1):
        total += heatmap(explain(backend, x * factor, classes, method, **how).map, (128, 128))
        mirrored = np.ascontiguousarray(x[..., ::-1]) * factor
        found = explain(backend, mirrored, classes, method, **how).map
        total += heatmap(found, (128, 128))[..., ::-1]
    return total / 6


@pytest.mark.parametrize("method", ["gradcam", "layercam", "eigencam", "cam"])
def test_aug_is_the_mean_of_six_final_maps(backend: OnnxBackend, x: Array, method: str) -> None:
    found = explain(backend, x, [1, 4], method, smooth="aug")
    expected = of_six(backend, x, [1, 4], method)
    np.testing.assert_allclose(resize(found.map, (128, 128)), expected, atol=1e-5)
    assert not np.allclose(expected, expected[..., ::-1], atol=0.05)
    np.testing.assert_array_equal(found.raw_max, found.map.max(axis=(1, 2)))
    assert (found[0].facts()["smooth"], found.alpha) == ("aug", None)


def test_aug_of_fused_layers_is_the_mean_of_fused_maps(backend: OnnxBackend, x: Array) -> None:
    how = {"layer": ["relu_3", "relu_1"], "fuse": "mean"}
    found = explain(backend, x, [1, 4], "gradcam", smooth="aug", **how)
    expected = of_six(backend, x, [1, 4], "gradcam", **how)
    np.testing.assert_allclose(resize(found.map, (128, 128)), expected, atol=1e-5)


def test_aug_explains_the_class_of_the_picture_as_it_was_given(
    backend: OnnxBackend, x: Array
) -> None:
    """A mirror image may have another top class."""
    top = [int(c) for c in backend.look(x).score.argmax(axis=1)]
    of_top = explain(backend, x, None, "gradcam", smooth="aug")
    named = explain(backend, x, top, "gradcam", smooth="aug")
    np.testing.assert_array_equal(of_top.map, named.map)


def test_aug_has_negative_evidence_where_there_is_no_positive(
    backend: OnnxBackend, x: Array
) -> None:
    found = explain(backend, x, [1, 4], "gradcam", smooth="aug")
    np.testing.assert_array_equal(np.maximum(found.signed, 0), found.map)
    assert found.signed.min() < 0


def test_eigen_is_the_first_component_of_the_weighted_activations(
    backend: OnnxBackend, x: Array
) -> None:
    found = explain(backend, x, [1, 4], "layercam", smooth="eigen")
    plain = explain(backend, x, [1, 4], "layercam")
    (A,) = backend.look(x).activations.values()
    for row, weighted in enumerate(plain.alpha * A):
        flat = weighted.reshape(len(weighted), -1).astype(float)
        apart = flat - flat.mean(axis=1, keepdims=True)
        values, vectors = np.linalg.eigh(apart @ apart.T)
        expected = vectors[:, np.argmax(values)] @ apart
        sign = np.sign(np.sum(expected * flat.sum(axis=0)))
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found.signed[row].ravel(), sign * expected, atol=1e-5 * scale)
    assert found[1].facts()["smooth"] == "eigen"
    assert "smooth" not in plain[1].facts()


def test_both_at_once(backend: OnnxBackend, x: Array) -> None:
    found = explain(backend, x, [1, 4], "gradcam", smooth=["eigen", "aug"])
    expected = of_six(backend, x, [1, 4], "gradcam", smooth="eigen")
    np.testing.assert_allclose(resize(found.map, (128, 128)), expected, atol=1e-5)
    assert found[0].facts()["smooth"] == "aug, eigen"


def test_an_input_by_name_and_channels_last() -> None:
    """The mirror turns the width, wherever it is."""
    import onnx

    model = onnx.load_from_string(MODEL.read_bytes())
    (taken,) = model.graph.input
    turn = onnx.helper.make_node("Transpose", ["nhwc"], [taken.name], perm=[0, 3, 1, 2])
    model.graph.node.insert(0, turn)
    shape = ["N", 128, 128, 3]
    model.graph.input[0].CopyFrom(
        onnx.helper.make_tensor_value_info("nhwc", onnx.TensorProto.FLOAT, shape)
    )
    picture = np.random.default_rng(1).random((1, 3, 128, 128), dtype=np.float32)
    picture[..., 64:] = 0
    last = {"nhwc": np.ascontiguousarray(picture.transpose(0, 2, 3, 1))}
    found = explain(OnnxBackend(model), last, 1, smooth="aug")
    expected = explain(OnnxBackend(MODEL.read_bytes()), picture, 1, smooth="aug")
    np.testing.assert_allclose(found.map, expected.map, atol=1e-4)


def test_what_cannot_be_is_refused_in_one_line(backend: OnnxBackend, x: Array) -> None:
    with pytest.raises(InputError, match="no smooth 'blur'; there are aug, eigen"):
        explain(backend, x, 1, smooth="blur")
    with pytest.raises(InputError, match="'eigencam-centred' weighs no activations"):
        explain(backend, x, 1, "eigencam-centred", smooth="eigen")
    signal = np.ones((1, 3, 5), np.float32)
    with pytest.raises(InputError, match="smooth 'aug' mirrors a picture, and input 'x' is none"):
        explain(OnnxBackend(one_dimensional()), signal, 1, layer="a", smooth="aug")


def test_a_place_is_elsewhere_in_a_mirror_image() -> None:
    from tests.detectors import scene, two_scales

    with pytest.raises(TargetError, match="is about a place, which a mirror image has elsewhere"):
        explain(OnnxBackend(two_scales()), scene(), "0@anchor:3", smooth="aug")


def one_dimensional() -> Any:
    import onnx

    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> net (float[N, 3, 5] x) => (float[N, 3] y) '
        "{ a = Relu(x) g = GlobalAveragePool(a) y = Flatten(g) }"
    )


def test_names_in_the_order_of_the_table() -> None:
    assert as_rows("") == as_rows(()) == []
    assert as_rows(("eigen", "aug", "eigen")) == list(SMOOTHS) == ["aug", "eigen"]


@pytest.mark.parametrize("how", ["max", "product"])
def test_layers_are_fused_from_one_pass(how: str) -> None:
    linear = Linear(np.random.default_rng(0).random((2, 3)).astype(np.float32))
    x = np.random.default_rng(1).random((2, 3, 4, 5)).astype(np.float32)
    (found,) = explain_all(linear, x, [1], ["layercam"], layers=["x", "2x"], fuse=how)
    assert (linear.looks, linear.pulls) == (1, 1)
    assert [part.layer for part in found.parts] == ["x", "2x"]
    each = explain_all(linear, x, [1], ["layercam"], layers=["x", "2x"])
    assert [one.layer for one in each] == ["x", "2x"]
    np.testing.assert_array_equal([p.map for p in found.parts], [one.map for one in each])


def test_explain_of_several_layers_says_how() -> None:
    linear = Linear(np.ones((2, 3), np.float32))
    x = np.ones((1, 3, 4, 5), np.float32)
    with pytest.raises(InputError, match="several layers are one map by fuse='max'"):
        explain(linear, x, 1, layer=["x", "2x"])
    with pytest.raises(InputError, match="fuse takes several layers"):
        explain(linear, x, 1, fuse="max")
    with pytest.raises(InputError, match="no fuse 'least'; there are max, mean"):
        explain(linear, x, 1, layer=["x", "2x"], fuse="least")
