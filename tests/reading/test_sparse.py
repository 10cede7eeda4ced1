"""Sparse weights: each model gives what its dense twin gives, and keeps them as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.differentiating.coverage import coverage
from backends.onnx.reading.load import Source, load
from backends.onnx.reading.prepare import prepare
from backends.onnx.reading.sparse import densify
from cam_core.errors import ModelError
from cam_core.targets import ClassTarget
from tests.sessions import run

ort = pytest.importorskip("onnxruntime")

CONV = "c = Conv<pads = [1, 1, 1, 1]>(x, w) r = Relu(c)"
HEAD = "g = GlobalAveragePool(r) f = Flatten(g) y = MatMul(f, v)"
BRANCHES = """i = Constant<value_int = 0>() s = ReduceSum<keepdims = 0>(x) z = Cast<to = 1>(i)
    b = Greater(s, z)
    y = If (b) <then_branch = t () => (p) { p = MatMul(f, v) },
                else_branch = e () => (q) { h = Sin(f) q = MatMul(h, v) }>"""
BODIES = {
    "head": f"{CONV} {HEAD}",
    "shape": f"{CONV} g = GlobalAveragePool(r) f = Reshape(g, shape) y = MatMul(f, v)",
    "body": f"{CONV} g = GlobalAveragePool(r) f = Flatten(g) {BRANCHES}",
}


def weights() -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    w[rng.random(w.shape) < 0.7] = 0
    v = np.zeros((4, 5), np.float32)
    v[1, 2], v[3, 1], v[0, 2] = 2, -1, 0.5
    return {"w": w, "v": v, "shape": np.array([0, -1], np.int64)}


def sparse(name: str, whole: np.ndarray[Any, Any], by_axis: bool) -> onnx.SparseTensorProto:
    places = np.argwhere(whole) if by_axis else np.flatnonzero(whole)
    values = numpy_helper.from_array(whole[whole != 0], name)
    indices = numpy_helper.from_array(places.astype(np.int64), f"{name}_indices")
    return helper.make_sparse_tensor(values, indices, whole.shape)


def model_of(body: str, how: str, by_axis: bool) -> onnx.ModelProto:
    """`how`: the weights are initialisers or Constant nodes; inside the branches, where there."""
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 3, 8, 8] x) => (float[N, 5] y) {{ {BODIES[body]} }}""")
    graph = model.graph
    read = {name for node in graph.node for name in node.input}
    held = {n: sparse(n, a, by_axis) for n, a in weights().items() if n in read}
    graphs = [(graph, held)]
    if body == "body":
        branches = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
        graphs += [(branch, {"v": sparse("v", weights()["v"], by_axis)}) for branch in branches]
    for place, made in reversed(graphs):  # the outermost last, which copies what is inside
        if how == "initialisers":
            place.sparse_initializer.extend(made.values())
            continue
        nodes = [helper.make_node("Constant", [], [n], sparse_value=s) for n, s in made.items()]
        nodes += place.node
        del place.node[:]
        place.node.extend(nodes)
    return model


def dense_twin(model: onnx.ModelProto) -> onnx.ModelProto:
    """By this file's own hand, from the weights it made."""
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    _replace(twin.graph)
    return twin


def _replace(graph: onnx.GraphProto) -> None:
    names = [s.values.name for s in graph.sparse_initializer]
    graph.initializer.extend(numpy_helper.from_array(weights()[n], n) for n in names)
    del graph.sparse_initializer[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _replace(attribute.g)
            if attribute.name == "sparse_value":
                value = numpy_helper.from_array(weights()[node.output[0]])
                attribute.CopyFrom(helper.make_attribute("value", value))


X = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
CASES = [(b, h, a) for b in BODIES for h in ("initialisers", "constants") for a in (False, True)]


@pytest.mark.parametrize(("body", "how", "by_axis"), CASES)
@pytest.mark.parametrize("gate", [False, True])
def test_it_is_as_its_dense_twin(body: str, how: str, by_axis: bool, gate: bool) -> None:
    source = model_of(body, how, by_axis)
    outputs = ("map", "gradients", "score", "input_gradients")
    options: dict[str, Any] = {"layer": "r", "outputs": outputs, "gate": gate}
    made = instrument(source, verify=True, **options)
    feed = {"x": X, "cam_class": np.array([2])} | ({"cam_enable": np.array(True)} if gate else {})
    found, expected = run(made, **feed), run(instrument(dense_twin(source), **options), **feed)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert np.abs(found["cam_gradients"]).max() > 0
    assert made.graph.sparse_initializer == source.graph.sparse_initializer
    assert list(made.graph.node)[: len(source.graph.node)] == list(source.graph.node)
    assert strip(made).SerializeToString() == source.SerializeToString()


@pytest.mark.parametrize(("body", "how", "by_axis"), CASES)
def test_its_weights_are_known(body: str, how: str, by_axis: bool) -> None:
    source = model_of(body, how, by_axis)
    graph, twin = prepare(source), prepare(dense_twin(source))
    assert graph.weights == twin.weights
    assert {n: t.shape for n, t in graph.tensors.items()} == {
        n: t.shape for n, t in twin.tensors.items()
    }
    assert graph.values.keys() == twin.values.keys()
    for name, value in twin.values.items():
        np.testing.assert_array_equal(graph.values[name], value)
    if how == "initialisers":
        np.testing.assert_array_equal(graph.weight(graph.tensors["w"]), weights()["w"])
    assert coverage(source).layer == coverage(dense_twin(source)).layer


@pytest.mark.parametrize(("body", "how", "by_axis"), CASES)
def test_the_backend_explains_it(body: str, how: str, by_axis: bool) -> None:
    source = model_of(body, how, by_axis)
    one, two = (
        OnnxBackend(model).capture({"x": X}, ClassTarget(2), layers=["r"])[0]
        for model in (source, dense_twin(source))
    )
    np.testing.assert_array_equal(one.gradients, two.gradients)
    changed = OnnxBackend(source).with_weights(lambda name, weight: 2 * weight)
    doubled = changed.capture({"x": X}, ClassTarget(2), layers=["r"])[0]
    np.testing.assert_allclose(doubled.activations, 2 * one.activations, rtol=1e-5)


def test_dense_is_what_onnxruntime_makes_of_it() -> None:
    for by_axis in (False, True):
        model = model_of("head", "initialisers", by_axis)
        expected = run(model, x=X)["y"]
        densify(model.graph, None)
        assert not model.graph.sparse_initializer
        np.testing.assert_array_equal(run(model, x=X)["y"], expected)


def external(model: onnx.ModelProto, folder: Path) -> Path:
    """The values and indices of its sparse weights in a file of their own."""
    data = b""
    for held in model.graph.sparse_initializer:
        for tensor in (held.values, held.indices):
            raw = numpy_helper.to_array(tensor).tobytes()
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", "w.data"), ("offset", len(data)), ("length", len(raw))):
                tensor.external_data.add(key=key, value=str(value))
            data += raw
    (folder / "w.data").write_bytes(data)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


def test_it_may_lie_in_another_file(tmp_path: Path) -> None:
    path = external(model_of("head", "initialisers", True), tmp_path)
    graph = prepare(load(path).model, folder=tmp_path)
    for name in ("w", "v"):
        np.testing.assert_array_equal(graph.values[name], weights()[name])
    assert strip(Source(instrument(path, layer="r"), path)) == load(path).model


def spoilt(change: str) -> onnx.ModelProto:
    model = model_of("head", "initialisers", False)
    held = model.graph.sparse_initializer[1]
    if change == "an index outside":
        held.indices.CopyFrom(numpy_helper.from_array(np.array([1, 2, 20]), "i"))
    elif change == "a negative index":
        held.indices.CopyFrom(numpy_helper.from_array(np.array([1, 2, -1]), "i"))
    elif change == "too few indices":
        held.indices.CopyFrom(numpy_helper.from_array(np.array([1, 2]), "i"))
    elif change == "indices of another rank":
        held.indices.CopyFrom(numpy_helper.from_array(np.ones((3, 3), np.int64), "i"))
    elif change == "floating indices":
        held.indices.CopyFrom(numpy_helper.from_array(np.ones(3, np.float32), "i"))
    elif change == "a shape beyond all memory":
        held.dims[0] = 2**40
    else:
        held.dims[0] = -4
    return model


@pytest.mark.parametrize(
    "change",
    [
        *("an index outside", "a negative index", "too few indices", "indices of another rank"),
        *("floating indices", "a shape beyond all memory", "a negative extent"),
    ],
)
def test_damage_is_named(change: str) -> None:
    with pytest.raises(ModelError, match=r"^sparse weight 'v' .*export the model again$"):
        instrument(spoilt(change))
