"""The instrumented file seen from outside: onnxruntime alone, against Python and closed forms."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.reading.load import sha256
from backends.onnx.running.runtime import runtime
from cam_core.errors import CamError, InputError, MissingExtraError, ModelError, TargetError
from cam_core.maps.combine import combine, heatmap, positive
from cam_core.methods import METHODS
from tests.sessions import open_session, run

ort = pytest.importorskip("onnxruntime")

C, K = 5, 6
"""Classes, and channels of the default layer."""
TEXT = """<ir_version: 8, opset_import: ["" : {opset}]>
net (float[N, 3, 8, 12] x) => (float[N, 5] y, float[N, 5] p) {{
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, w1, b1)
    early = Relu(conv1)
    pool = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(early)
    conv2 = Conv(pool, w2)
    late = Relu(conv2)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w3, b3)
    p = Softmax<axis = 1>(y)
}}"""
SHAPES = {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (K, 4, 3, 3), "w3": (C, K), "b3": (C,)}


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {n: rng.normal(size=shape).astype(np.float32) for n, shape in SHAPES.items()}


def net(opset: int = 13, **changes: str) -> onnx.ModelProto:
    """Two convolutions; `changes` replace pieces of the text."""
    text = TEXT.format(opset=opset)
    for old, new in changes.items():
        text = text.replace(old, new)
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights().items())
    return model


def images(count: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 3, 8, 12)).astype(np.float32)


def one_hot(classes: Sequence[int]) -> Any:
    return lambda y, outputs: np.eye(C, dtype=np.float32)[list(classes)]


def by_numpy(x: Any, classes: Sequence[int], method: str = "gradcam", layer: Any = None) -> Any:
    """(A, G, alpha, signed map) by the backend's two passes and the NumPy method."""
    layers = None if layer is None else [layer]
    (capture,) = OnnxBackend(net()).capture(x, one_hot(classes), layers=layers)
    A, G = capture.activations, capture.gradients
    alpha = METHODS[method](A, G)
    return A, G, alpha, combine(A, alpha)


def logits(x: Any) -> Any:
    return run(net(), x=x)["y"]


# what is explained

TARGETS = [  # target, cam_class, the class of each of 3 rows
    ("input", [0, 3, 2], [0, 3, 2]),
    ("input", [4], [4, 4, 4]),
    ("input", [-1], None),
    ("input", [-1, 1, -1], [None, 1, None]),
    ("top:1", None, None),
    (3, None, [3, 3, 3]),
    (np.int64(3), None, [3, 3, 3]),
    ("2", None, [2, 2, 2]),
    ("Zebra", None, [1, 1, 1]),
]


@pytest.mark.parametrize(("target", "given", "expected"), TARGETS, ids=str)
def test_target(target: Any, given: Any, expected: Any) -> None:
    x = images(3)
    y = logits(x)
    top = y.argmax(axis=1)
    classes = [top[i] if expected is None or expected[i] is None else expected[i] for i in range(3)]
    made = instrument(
        net(),
        target=target,
        outputs=["map", "signed", "score", "class_used"],
        labels=["dog", "zebra", "cat", "ox", "bee"],
    )
    assert [i.name for i in made.graph.input][1:] == ([] if given is None else ["cam_class"])
    found = run(made, x=x, **({} if given is None else {"cam_class": np.array(given)}))
    signed = by_numpy(x, classes)[3]
    axis = (lambda v: v[:, None]) if target == "top:1" else (lambda v: v)
    np.testing.assert_allclose(found["cam_signed"], axis(signed), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["cam_map"], axis(positive(signed)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["cam_score"], axis(y[range(3), classes]))
    np.testing.assert_array_equal(found["cam_class_used"], axis(np.array(classes)))


def test_top_3_has_an_axis_for_the_classes() -> None:
    x, names = images(2), ["map", "gradients", "alpha", "score", "class_used", "input_gradients"]
    found = run(instrument(net(), target="top:3", outputs=names), x=x)
    y = logits(x)
    order = np.argsort(-y, axis=1)[:, :3]
    np.testing.assert_array_equal(found["cam_class_used"], order)
    np.testing.assert_array_equal(found["cam_score"], np.take_along_axis(y, order, axis=1))
    for rank in range(3):
        _, G, alpha, signed = by_numpy(x, order[:, rank])
        np.testing.assert_allclose(found["cam_gradients"][:, rank], G, rtol=1e-5)
        np.testing.assert_allclose(found["cam_alpha"][:, rank], alpha[..., 0, 0], rtol=1e-5)
        np.testing.assert_allclose(
            found["cam_map"][:, rank], positive(signed), rtol=1e-5, atol=1e-6
        )
    assert found["cam_input_gradients"].shape == (2, 3, 3, 8, 12)


def test_gradients_have_their_closed_form() -> None:
    """At the last map: G = w3[c, k] / (h w), for any class."""
    x = images(3)
    found = run(
        instrument(net(), outputs=["gradients", "alpha"]), x=x, cam_class=np.array([1, 0, 4])
    )
    expected = weights()["w3"][[1, 0, 4]]
    np.testing.assert_allclose(found["cam_alpha"], expected / (2 * 4), rtol=1e-6)
    np.testing.assert_allclose(
        found["cam_gradients"],
        np.broadcast_to(expected[:, :, None, None] / 8, (3, K, 2, 4)),
        rtol=1e-6,
    )


def test_a_cotangent_may_be_anything(rng: np.random.Generator) -> None:
    x, cotangent = images(3), rng.normal(size=(3, C)).astype(np.float32)
    made = instrument(net(), target="cotangent", outputs=["gradients"], layer="early")
    found = run(made, x=x, cam_cotangent=cotangent)
    (expected,) = OnnxBackend(net()).capture(x, lambda y, _: cotangent, layers=["early"])
    np.testing.assert_allclose(found["cam_gradients"], expected.gradients, rtol=1e-5, atol=1e-7)
    with pytest.raises(InputError, match="needs a class"):
        instrument(net(), target="cotangent", outputs=["score"])


@pytest.mark.parametrize("opset", [7, 10, 11, 13])
@pytest.mark.parametrize(
    "given", [[C], [0, C + 7, 1], [-2], [0, -1, -5], [0, 1], [0, 1, 2, 3]], ids=str
)
def test_the_runtime_refuses_what_does_not_fit(opset: int, given: list[int]) -> None:
    """A class out of range, or classes for another number of rows than 3."""
    session = open_session(instrument(net(opset), outputs=["map"]))
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        session.run(None, {"x": images(3), "cam_class": np.array(given)})
    if len(given) > 1:
        with pytest.raises(Exception, match="ONNXRuntimeError"):
            session.run(None, {"x": images(1), "cam_class": np.array([0] * len(given))})


REFUSED = [
    ({"target": "horse"}, TargetError, "horse"),
    ({"target": "zebr", "labels": ["zebra"]}, TargetError, "did you mean 'zebra'"),
    ({"target": 5}, TargetError, "5 classes"),
    ({"target": -1}, TargetError, "the top class of each row is top:1"),
    ({"target": None}, TargetError, "no target"),
    ({"target": 1.5}, TargetError, "1.5"),
    ({"target": "top:6"}, TargetError, "top:5"),
    ({"target": "top:0"}, TargetError, "at least 1"),
    ({"method": "magic"}, InputError, "gradcam"),
    ({"outputs": ["heat"]}, InputError, "heatmap"),
    ({"outputs": "heat"}, InputError, "no output 'heat'"),
    ({"outputs": []}, InputError, "heatmap"),
    ({"score": "yy"}, ModelError, "yy"),
    ({"score": "nothing like it"}, ModelError, "leave it out"),
]


@pytest.mark.parametrize(
    ("options", "error", "words"), REFUSED, ids=[str(row[0]) for row in REFUSED]
)
def test_refused_in_one_line(options: Any, error: type[CamError], words: str) -> None:
    with pytest.raises(error) as caught:
        instrument(net(), **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_output_needs_no_list() -> None:
    model = instrument(net(), outputs="heatmap")
    assert [output.name for output in model.graph.output] == ["y", "p", "cam_heatmap"]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="a NoneType is no model: give a path"):
        instrument(None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime"), "cam-core.cpu"),
        (ImportError("libcudart.so: cannot open"), "does not load: libcudart.so: cannot open"),
    ],
    ids=["absent", "broken"],
)
def test_a_runtime_that_does_not_load_says_why(
    error: ImportError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "onnxruntime":
            raise error
        return imported(name, *rest, **more)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=words):
        runtime()


# what comes out

OUTPUTS = {  # of 3 images at the default layer
    "map": ((3, 2, 4), np.float32),
    "signed": ((3, 2, 4), np.float32),
    "heatmap": ((3, 8, 12), np.float32),
    "activations": ((3, K, 2, 4), np.float32),
    "gradients": ((3, K, 2, 4), np.float32),
    "alpha": ((3, K), np.float32),
    "score": ((3,), np.float32),
    "class_used": ((3,), np.int64),
    "input_gradients": ((3, 3, 8, 12), np.float32),
}


def test_every_output_as_promised() -> None:
    x, classes = images(3), [2, 0, 3]
    made = instrument(net(), outputs=list(OUTPUTS))
    assert [o.name for o in made.graph.output] == ["y", "p", *(f"cam_{name}" for name in OUTPUTS)]
    found = run(made, x=x, cam_class=np.array(classes))
    declared = {o.name: o.type.tensor_type for o in made.graph.output}
    for name, (shape, dtype) in OUTPUTS.items():
        value, kind = found[f"cam_{name}"], declared[f"cam_{name}"]
        assert (value.shape, value.dtype) == (shape, dtype), name
        assert helper.tensor_dtype_to_np_dtype(kind.elem_type) == dtype
        assert [d.dim_value for d in kind.shape.dim[1:]] == list(shape[1:])
    A, G, alpha, signed = by_numpy(x, classes)
    (capture,) = OnnxBackend(net()).capture(x, one_hot(classes), input_gradients=True)
    assert capture.input_gradients is not None
    expected = {
        "map": positive(signed),
        "signed": signed,
        "heatmap": heatmap(positive(signed), (8, 12)),
        "activations": A,
        "gradients": G,
        "alpha": alpha[..., 0, 0],
        "input_gradients": capture.input_gradients["x"],
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"cam_{name}"], value, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("layer", ["early", "late"])
@pytest.mark.parametrize("method", [n for n, m in METHODS.items() if m.traceable])
def test_every_method_in_the_file_is_numpys(method: str, layer: str) -> None:
    x = images(2)
    made = instrument(
        net(), layer=layer, method=method, outputs=["map", "signed", "alpha", "heatmap"]
    )
    found = run(made, x=x, cam_class=np.array([3, 1]))
    _, _, alpha, signed = by_numpy(x, [3, 1], method, layer)
    scale = np.abs(signed).max()
    np.testing.assert_allclose(found["cam_signed"], signed, rtol=1e-4, atol=1e-5 * scale)
    np.testing.assert_allclose(found["cam_map"], positive(signed), rtol=1e-4, atol=1e-5 * scale)
    np.testing.assert_allclose(
        found["cam_alpha"], alpha.reshape(found["cam_alpha"].shape), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        found["cam_heatmap"], heatmap(positive(signed), (8, 12)), rtol=1e-4, atol=1e-5
    )
    assert found["cam_alpha"].shape[:2] == alpha.shape[:2]


def test_several_layers_are_numbered() -> None:
    x, classes = images(2), [1, 4]
    names = ["map", "gradients", "score"]
    made = instrument(net(), layer=["late", "early"], outputs=names)
    found = run(made, x=x, cam_class=np.array(classes))
    assert list(found)[2:] == [
        *("cam_map_0", "cam_map_1", "cam_gradients_0", "cam_gradients_1", "cam_score")
    ]
    for i, layer in enumerate(["late", "early"]):
        _, G, _, signed = by_numpy(x, classes, layer=layer)
        np.testing.assert_allclose(found[f"cam_gradients_{i}"], G, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found[f"cam_map_{i}"], positive(signed), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_batch_is_dynamic(count: int) -> None:
    x = images(count)
    found = run(instrument(net()), x=x, cam_class=np.array([2]))
    np.testing.assert_allclose(
        found["cam_map"], positive(by_numpy(x, [2] * count)[3]), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("opset", range(7, 27))
@pytest.mark.parametrize("layer", ["early", None])
def test_every_opset(opset: int, layer: str | None) -> None:
    model = net(opset)
    x, classes = images(2), [2, 0]
    names = ["map", "heatmap", "gradients", "score", "class_used"]
    made = instrument(model, layer=layer, outputs=names)
    assert [(o.domain, o.version) for o in made.opset_import] == [("", opset)]
    onnx.checker.check_model(made, full_check=True)
    found = run(made, x=x, cam_class=np.array(classes))
    _, G, _, signed = by_numpy(x, classes, layer=layer)
    np.testing.assert_allclose(found["cam_gradients"], G, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["cam_map"], positive(signed), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["cam_class_used"], classes)
    top = run(instrument(model, layer=layer, target="top:2"), x=x)
    best = np.argsort(-found["y"], axis=1)
    expected = positive(by_numpy(x, best[:, 1], layer=layer)[3])
    np.testing.assert_allclose(top["cam_map"][:, 1], expected, rtol=1e-5, atol=1e-6)


def test_bytes_have_no_gradient() -> None:
    """A uint8 image is explained all the same."""
    model = net(**{"float[N, 3, 8, 12] x": "uint8[N, 3, 8, 12] bytes"})
    model.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["x"], to=1))
    pixels = np.random.default_rng(1).integers(0, 9, (2, 3, 8, 12)).astype(np.uint8)
    found = run(
        instrument(model, outputs=["map", "heatmap"]), bytes=pixels, cam_class=np.array([2])
    )
    expected = positive(by_numpy(pixels.astype(np.float32), [2, 2])[3])
    np.testing.assert_allclose(found["cam_map"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["cam_heatmap"], heatmap(expected, (8, 12)), atol=1e-5)
    with pytest.raises(InputError, match="no floating point input"):
        instrument(model, outputs=["input_gradients"])


# what stays


def test_the_original_part_is_untouched() -> None:
    model = net()
    model.doc_string, model.graph.doc_string = "a model", "a graph"
    model.producer_name = "somebody"
    model.graph.node[0].doc_string = "the first"
    model.graph.node[1].metadata_props.add(key="scope", value="late")
    model.metadata_props.add(key="author", value="unknown")
    before = model.SerializeToString(deterministic=True)
    made = instrument(model, outputs=["map", "heatmap"], labels=["a"] * C, preprocess={"bgr": True})
    assert model.SerializeToString(deterministic=True) == before
    for field in ("node", "initializer", "input", "output"):
        own = list(getattr(model.graph, field))
        assert list(getattr(made.graph, field))[: len(own)] == own
    assert (made.doc_string, made.graph.doc_string, made.producer_name, made.ir_version) == (
        *("a model", "a graph", "somebody"),
        model.ir_version,
    )
    facts = {e.key: e.value for e in made.metadata_props}
    assert facts["author"] == "unknown"
    expected = {
        "cam.layer": "late",
        "cam.score": "y",
        "cam.method": "gradcam",
        "cam.target": "input",
        "cam.layout": "NCHW",
        "cam.labels": '["a", "a", "a", "a", "a"]',
        "cam.preprocess": '{"bgr": true}',
    }
    assert {key: facts[key] for key in expected} == expected
    assert {"cam.version", "cam.source_sha256"} <= set(facts)


def test_the_original_outputs_keep_their_bits() -> None:
    x = images(4)
    plain = run(net(), x=x)
    found = run(instrument(net(), outputs=["map", "input_gradients"]), x=x, cam_class=np.array([1]))
    for name in ("y", "p"):
        np.testing.assert_array_equal(found[name], plain[name])


@pytest.mark.parametrize("target", ["input", "cotangent", "top:2", 1])
@pytest.mark.parametrize("gate", [False, True])
def test_added_inputs_have_no_default(target: Any, gate: bool) -> None:
    made = instrument(net(), target=target, gate=gate)
    weights = {t.name for t in made.graph.initializer}
    assert not [i.name for i in made.graph.input if i.name in weights]


def test_only_standard_operators_are_added() -> None:
    """At the default layer of a classifier, those that every runtime has."""
    made = instrument(net(), outputs=[n for n in OUTPUTS if n != "input_gradients"])
    added = list(made.graph.node)[len(net().graph.node) :]
    assert {node.domain for node in added} == {""}
    heavy = {"OneHot", "NonZero", "If", "Loop", "Scan", "ScatterND", "ScatterElements"}
    assert not heavy & {node.op_type for node in added}


def test_instrumenting_twice_is_refused() -> None:
    with pytest.raises(ModelError, match=r"instrumented already.*strip"):
        instrument(instrument(net()))


def test_a_model_that_owns_a_cam_tensor_is_refused() -> None:
    with pytest.raises(ModelError, match="'cam_alpha'"):
        instrument(net(conv2="cam_alpha"))


# strip


def assert_stripped(model: onnx.ModelProto, **options: Any) -> onnx.ModelProto:
    """Message for message; returns the instrumented model."""
    made = instrument(model, **options)
    onnx.checker.check_model(made, full_check=True)
    back = strip(made)
    assert back == model
    assert back.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)
    return made


STRIPPED: list[dict[str, Any]] = [
    {},
    {"target": "top:2", "outputs": list(OUTPUTS)},
    {"target": "cotangent", "gate": True},
    {"gate": True, "layer": ["early", "late"], "labels": ["a"] * C},
]


@pytest.mark.parametrize("options", STRIPPED, ids=str)
def test_strip_gives_the_source_back(options: dict[str, Any]) -> None:
    model = net()
    model.doc_string = "a model"
    model.graph.node[0].doc_string = "the first"
    model.graph.node[1].metadata_props.add(key="scope", value="late")
    model.metadata_props.add(key="cam.era", value="somebody else's")
    model.graph.value_info.append(helper.make_tensor_value_info("late", 1, ["N", K, 2, 4]))
    assert_stripped(model, **options)


def test_strip_of_an_old_ir_gives_its_inputs_back() -> None:
    """Below IR 4 initialisers are inputs: in their order, with declarations of their own."""
    model = net(8)
    model.ir_version = 3
    rng = np.random.default_rng(0)
    for name in rng.permutation(list(SHAPES)):
        info = helper.make_tensor_value_info(name, 1, SHAPES[name])
        if name == "w2":
            info.doc_string = "the second"
        model.graph.input.insert(int(rng.integers(0, 2)), info)
    onnx.checker.check_model(model)
    made = assert_stripped(model, outputs=["map", "gradients"])
    assert made.ir_version == 4
    assert [i.name for i in made.graph.input] == ["x", "cam_class"]
    found = run(made, x=images(2), cam_class=np.array([2, 0]))
    _, G, _, _ = by_numpy(images(2), [2, 0])
    np.testing.assert_allclose(found["cam_gradients"], G, rtol=1e-5)


def with_functions() -> onnx.ModelProto:
    """The same network: `Block` (called twice) calls `Rectified`, `Head` has an attribute."""
    h, sets = helper, [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    rectified = h.make_function(
        "local", "Rectified", ["a"], ["b"], [h.make_node("Relu", ["a"], ["b"])], sets
    )
    conv = h.make_node("Conv", ["a", "w", "bias"], ["c"], pads=[1, 1, 1, 1])
    call = h.make_node("Rectified", ["c"], ["b"], domain="local")
    block = h.make_function("local", "Block", ["a", "w", "bias"], ["b"], [conv, call], sets)
    soft = h.make_node("Softmax", ["a"], ["b"])
    soft.attribute.append(onnx.AttributeProto(name="axis", ref_attr_name="axis", type=2))
    head = h.make_function("local", "Head", ["a"], ["b"], [soft], sets, attributes=["axis"])
    model = net(18)
    nodes = {node.output[0]: node for node in model.graph.node}
    del model.graph.node[:]
    model.graph.node.extend([
        h.make_node("Block", ["x", "w1", "b1"], ["early"], domain="local", name="first"),
        nodes["pool"],
        nodes["conv2"],
        h.make_node("Rectified", ["conv2"], ["late"], domain="local", name="second"),
        *(nodes[name] for name in ("gap", "flat", "y")),
        h.make_node("Head", ["y"], ["p"], domain="local", axis=1),
    ])  # fmt: skip
    model.opset_import.add(domain="local", version=1)
    model.metadata_props.add(key="cam.era", value="somebody else's")
    model.functions.extend([rectified, block, head])
    return model


@pytest.mark.parametrize("options", STRIPPED, ids=str)
def test_local_functions_are_inlined_and_put_back(options: dict[str, Any]) -> None:
    model = with_functions()
    onnx.checker.check_model(model, full_check=True)
    assert_stripped(model, **options)


def test_through_local_functions_the_map_is_the_same() -> None:
    x = images(2)
    for layer in ("early", None):
        made = instrument(with_functions(), layer=layer, outputs=["gradients", "map"])
        found = run(made, x=x, cam_class=np.array([3, 1]))
        _, G, _, signed = by_numpy(x, [3, 1], layer=layer)
        np.testing.assert_allclose(found["cam_gradients"], G, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found["cam_map"], positive(signed), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found["y"], logits(x))


def test_strip_refuses_what_it_cannot_take_back() -> None:
    with pytest.raises(ModelError, match="not instrumented"):
        strip(net())
    made = instrument(net())
    made.graph.node[0].name = "changed"
    with pytest.raises(ModelError, match="changed after"):
        strip(made)


def test_external_weights_stay_where_they_are(tmp_path: Path) -> None:
    model, file = net(), tmp_path / "net.onnx"
    onnx.save_model(model, file, save_as_external_data=True, location="net.data", size_threshold=0)
    made = instrument(file, outputs=["gradients", "map"], layer="early")
    weights = {t.name: t for t in made.graph.initializer}
    assert weights["w2"].data_location == onnx.TensorProto.EXTERNAL
    beside = tmp_path / "net.cam.onnx"
    beside.write_bytes(made.SerializeToString())
    session = open_session(beside)
    G, cam = session.run(
        ["cam_gradients", "cam_map"], {"x": images(2), "cam_class": np.array([3, 1])}
    )
    _, expected, _, signed = by_numpy(images(2), [3, 1], layer="early")
    np.testing.assert_allclose(G, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(cam, positive(signed), rtol=1e-5, atol=1e-6)
    (capture,) = OnnxBackend(file).capture(images(2), one_hot([3, 1]), layers=["early"])
    np.testing.assert_allclose(capture.gradients, expected, rtol=1e-5, atol=1e-7)
    assert strip(beside) == onnx.load(file, load_external_data=False)


def test_the_source_hash_sees_every_part() -> None:
    """A weight's byte, a node's attribute, a doc string, the metadata: each changes the hash."""
    model = net()
    hashes = {sha256(model)}
    for change in (
        lambda m: setattr(m.graph.initializer[0], "raw_data", b"\1" * 4),
        lambda m: setattr(m.graph.initializer[0], "name", "other"),
        lambda m: setattr(m.graph.node[0], "doc_string", "conv"),
        lambda m: setattr(m, "producer_name", "me"),
        lambda m: m.metadata_props.add(key="a", value="b"),
        lambda m: m.graph.node.reverse(),
    ):
        other = onnx.ModelProto()
        other.CopyFrom(model)
        change(other)
        hashes.add(sha256(other))
    assert len(hashes) == 7
    assert sha256(onnx.ModelProto.FromString(model.SerializeToString())) in hashes
