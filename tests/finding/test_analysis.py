"""One analysis, handed on: the same files and the same answers, and nothing done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from backends.onnx import OnnxBackend, coverage, instrument
from backends.onnx.finding.analysis import analyse, analysed
from cam_core.cli.group import gradcam
from cam_core.errors import LayerError, ModelError

NET = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 8, 8] x) => (float[N, 5] y, float[N, 5] p) {
    c1 = Conv<pads = [1, 1, 1, 1]>(x, w1)
    s1 = Sigmoid(c1)
    a1 = Mul(c1, s1)
    c2 = Conv<strides = [2, 2]>(a1, w2)
    a2 = Relu(c2)
    g = GlobalAveragePool(a2)
    f = Flatten(g)
    y = Gemm<transB = 1>(f, w3)
    p = Softmax(y)
}"""
SHAPES = {"w1": (4, 3, 3, 3), "w2": (6, 4, 3, 3), "w3": (5, 6)}


@pytest.fixture
def model(rng: np.random.Generator) -> onnx.ModelProto:
    made = onnx.parser.parse_model(NET)
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape).astype(np.float32)
        made.graph.initializer.append(numpy_helper.from_array(value, name))
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is read into a graph."""
    from backends.onnx.finding import analysis

    met: list[Any] = []
    own = analysis.prepare

    def prepare(model: Any, **options: Any) -> Any:
        met.append(model)
        return own(model, **options)

    monkeypatch.setattr(analysis, "prepare", prepare)
    return met


OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "layer": {"layer": "c1"},
    "index": {"layer": 0},
    "several layers": {"layer": ["a1", "c2"], "outputs": ["map", "gradients"]},
    "named score": {"score": "y"},
    "top": {"target": "top:2", "outputs": ["map", "score", "class_used"]},
    "gate": {"gate": True},
}
AGAIN: dict[str, dict[str, Any]] = {
    "inside a composite": {"layer": "s1"},
    "another score": {"score": "f"},
    "shapes": {"static": (1, 3, 8, 8)},
}


@pytest.mark.parametrize("options", (OPTIONS | AGAIN).values(), ids=OPTIONS | AGAIN)
def test_an_analysis_is_instrumented_as_its_model_is(
    options: dict[str, Any], model: onnx.ModelProto, read: list[Any]
) -> None:
    expected = instrument(model, **options)
    backend = OnnxBackend(model)
    backend.capture(np.ones((1, 3, 8, 8), np.float32), lambda y, _: y)
    read.clear()
    found = instrument(backend.analysis, **options)
    assert found.SerializeToString() == expected.SerializeToString()
    assert len(read) == (1 if options in AGAIN.values() else 0)


@pytest.mark.parametrize("layer", [None, "c1", 0])
def test_an_analysis_is_covered_as_its_model_is(
    layer: Any, model: onnx.ModelProto, read: list[Any]
) -> None:
    expected, known = coverage(model, layer), OnnxBackend(model).analysis
    read.clear()
    assert coverage(known, layer) == expected
    assert not read


def test_its_own_layer_and_score_count_where_none_are_named(model: onnx.ModelProto) -> None:
    known = OnnxBackend(model, layer="c1", score="f").analysis
    assert (coverage(known).layer, coverage(known).score) == ("c1", "f")
    assert coverage(known, "a2").layer == "a2"
    assert coverage(known, score="y").score == "y"
    assert analysed(known) is known
    again = OnnxBackend(known)
    assert (again.default_layer, again.score_name) == ("c1", "f")
    assert OnnxBackend(known, layer="a2", score="y").default_layer == "a2"


def test_a_backend_is_built_from_an_analysis(model: onnx.ModelProto, read: list[Any]) -> None:
    x = np.ones((1, 3, 8, 8), np.float32)
    model.metadata_props.add(key="author", value="unknown")
    known = analyse(model)
    read.clear()
    backend = OnnxBackend(known)
    assert dict(backend.metadata) == {"author": "unknown"}
    (found,) = backend.capture(x, lambda y, _: np.ones_like(y))
    (expected,) = OnnxBackend(model).capture(x, lambda y, _: np.ones_like(y))
    assert len(read) == 1
    np.testing.assert_array_equal(found.gradients, expected.gradients)


def test_what_is_wrong_is_said_all_the_same(model: onnx.ModelProto) -> None:
    known = OnnxBackend(model).analysis
    with pytest.raises(LayerError, match="no layer 'c3'"):
        instrument(known, layer="c3")
    with pytest.raises(ModelError, match="no tensor 'z' to use as score"):
        coverage(known, score="z")


def test_other_weights_keep_layer_and_score(model: onnx.ModelProto) -> None:
    for options in ({"layer": "s1", "score": "f"}, {"layer": 1}, {}):
        backend = OnnxBackend(model, **options)
        other = backend.with_weights(lambda _, w: w)
        assert (other.default_layer, other.score_name) == (
            backend.default_layer,
            backend.score_name,
        )


def test_the_default_layer_is_searched_for_once(
    model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backends.onnx.finding import layers

    own, met = layers.default_layers, []

    def default_layers(route: Any) -> Any:
        met.append(route)
        return own(route)

    monkeypatch.setattr(layers, "default_layers", default_layers)
    onnx.save(model, tmp_path / "net.onnx")
    found = CliRunner().invoke(gradcam, ["layers", str(tmp_path / "net.onnx"), "--layer", "0"])
    assert found.exit_code == 0, found.output
    assert len(met) == 1
