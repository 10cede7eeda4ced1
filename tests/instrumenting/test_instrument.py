"""The instrumented file seen from outside: onnxruntime alone, against Python and closed forms."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.reading.load import sha256
from backends.onnx.running.runtime import runtime
from cam_core.errors import CamError, InputError, MissingExtraError, ModelError, TargetError
from cam_core.maps.combine import heatmap, positive
from cam_core.methods import METHODS
from tests.instrumenting.nets import OUTPUTS, C, by_numpy, images, net, one_hot
from tests.sessions import open_session, run

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
    ({"score": "nothing like it"}, ModelError, "leave --score out"),
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
        "logits": found["y"],
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"cam_{name}"], value, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("layer", ["early", "late"])
@pytest.mark.parametrize("method", [n for n, m in METHODS.items() if m.traceable and m.captured])
def test_every_method_in_the_file_is_numpys(method: str, layer: str) -> None:
    x = images(2)
    made = instrument(
        net(), layer=layer, method=method, outputs=["map", "signed", "alpha", "heatmap"]
    )
    of_class = {"cam_class": np.array([3, 1])} if METHODS[method].needs else {}
    found = run(made, x=x, **of_class)
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
