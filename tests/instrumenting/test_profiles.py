"""A file for browsers: the same numbers, in operators that they run on WebGPU, without int64."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.instrumenting.methods import WRITTEN
from backends.onnx.instrumenting.profiles import PROFILES
from backends.onnx.reading.names import CLASS_INPUT
from cam_core.demo import DETECTOR, MODEL
from cam_core.errors import InputError
from cam_core.methods import METHODS
from tests.attentive import exported, made, pictures
from tests.detectors import two_scales
from tests.instrumenting.nets import images, net
from tests.paths import DATA
from tests.sessions import run

LACKING = frozenset(
    {
        *("OneHot", "ConstantOfShape", "Sign", "Col2Im", "NonMaxSuppression", "Loop", "Scan"),
        *("Mod", "Round", "NonZero", "QuantizeLinear", "GroupNormalization", "LRN", "RoiAlign"),
        *("Or", "Xor", "Shape", "Size", "LogSoftmax", "SpaceToDepth", "Upsample", "EyeLike"),
        *("Sum", "Mean", "Compress", "Unique", "Det", "LSTM", "GRU", "RNN", "ReverseSequence"),
    }
)
"""Written down once more, from the runtime's answers: not read from the table."""
AT_INPUT = [n for n, m in METHODS.items() if m.at == "input"]
AT_LAYER = [n for n, m in METHODS.items() if m.at == "layer"]
OF_ATTENTION = [n for n, m in METHODS.items() if m.at == "attention"]
SHARED = {
    "blazeface-front": {},
    "cifar10-resnet-2b": {},
    "cifar10-vit": {},
    "deeplab-v3-voc": {},
    "fastestdet": {},
    "mnist-cntk": {},
    "mobilenetv2-int8-qdq": {},
    "mobilenetv2-fp32": {},
    "person-reid": {},
    "ppocr-rec-en": {"Scan"},
    "silero-vad": {},
    "squeezenet1.0-nhwc": {},
    "squeezenet1.1-fp16-opset7": {},
    "ultraface-rfb320": {},
    "yolov8n-int8": {},
    "yolox-nano": {},
}
"""What is left for WASM: of the recurrent network the Scan that goes back through time."""


def written(name: str) -> bool:
    method = METHODS[name]
    return method.traceable and not method.lacking(WRITTEN[method.at])


def added(result: onnx.ModelProto, source: onnx.ModelProto) -> list[onnx.NodeProto]:
    return list(result.graph.node)[len(source.graph.node) :]


def lacking(result: onnx.ModelProto, source: onnx.ModelProto) -> set[str]:
    """The operators that were added and are not there, and those that compute with int64."""
    weights = {t.name for t in result.graph.initializer}
    weights |= {n.output[0] for n in source.graph.node if n.op_type == "Constant"}
    graph = onnx.shape_inference.infer_shapes(result, data_prop=False).graph
    infos = (*graph.input, *graph.output, *graph.value_info)
    types = {info.name: info.type.tensor_type.elem_type for info in infos}
    theirs = {name for node in source.graph.node for name in node.output}
    found = set()
    for node in added(result, source):
        read = {name for name in node.input if name and name not in weights}
        if node.op_type == "Reshape":  # it may read a shape that the model computes itself
            read -= theirs
        wide = {name for name in read if types[name] == onnx.TensorProto.INT64}
        border = node.op_type == "Cast" and wide == {CLASS_INPUT}
        if node.op_type in LACKING:
            found.add(node.op_type)
        elif wide and not border:
            found.add(f"{node.op_type} of int64")
    return found


def record(model: onnx.ModelProto) -> Any:
    return json.loads({e.key: e.value for e in model.metadata_props}["cam.record"])


def same(
    model: Any, feed: dict[str, Any], expected: set[str] = frozenset(), **options: Any
) -> None:  # type: ignore[assignment]
    """Every output is worth the same with the profile, the model's own bit for bit."""
    source = model if isinstance(model, onnx.ModelProto) else onnx.load(str(model))
    shapes = {name: list(value.shape) for name, value in feed.items() if name != CLASS_INPUT}
    plain = instrument(model, static=shapes, **options)
    fit = instrument(model, static=shapes, profile="web", **options)
    assert lacking(fit, source) == expected
    assert set(record(fit)["profile"]["fallback"]) == expected
    before, after, own = run(plain, feed), run(fit, feed), [o.name for o in source.graph.output]
    assert list(before) == list(after)
    for name, value in before.items():
        if name in own:
            np.testing.assert_array_equal(after[name], value, err_msg=name)
            continue
        assert after[name].dtype == value.dtype, name
        scale = np.max(np.abs(value), initial=0)
        # float32 sums in another order, and what a matrix interpolates
        np.testing.assert_allclose(after[name], value, rtol=0, atol=5e-6 * scale, err_msg=name)


@pytest.mark.parametrize("method", [*filter(written, [*AT_LAYER, *AT_INPUT])])
def test_every_method(method: str) -> None:
    needs = METHODS[method].needs
    fed = {CLASS_INPUT: np.array([3, -1])} if needs - {"attention"} else {}
    outputs = ["map", "signed", "heatmap", "noise_floor", *(["score", "class_used"] if fed else [])]
    same(net(), {"x": images(2), **fed}, method=method, outputs=outputs)


@pytest.mark.parametrize("method", [*filter(written, OF_ATTENTION)])
def test_every_method_of_attention(method: str) -> None:
    pytest.importorskip("torch")
    model = onnx.load_from_string(exported(made("class", "after"), "torchscript", 17))
    outputs = ["map", "signed", "heatmap", "noise_floor"]
    same(model, {"x": pictures(2).numpy()}, method=method, target="3", outputs=outputs)


@pytest.mark.parametrize("target", ["top:1", "top:3", "2", "prob:1", "1-2", "2@0"])
def test_every_kind_of_target(target: str) -> None:
    if "@" in target:
        model, feed = two_scales("1"), {"x": np.random.default_rng(1).normal(size=(1, 3, 32, 32))}
        same(model, {"x": feed["x"].astype(np.float32)}, target="2@anchor:66")
        return
    outputs = ["map", "score", "class_used"] if target != "1-2" else ["map", "score"]
    outputs = ["map", "score"] if target == "prob:1" else outputs
    same(net(), {"x": images(2)}, target=target, outputs=outputs)


@pytest.mark.parametrize("opset", [9, 10, 11, 12, 13, 17, 21])
def test_every_opset(opset: int) -> None:
    outputs = ["map", "signed", "score", "class_used", "logits", "alpha"]
    same(net(opset), {"x": images(2), CLASS_INPUT: np.array([-1, 4])}, outputs=outputs)


@pytest.mark.parametrize("name", SHARED)
def test_real_models(name: str) -> None:
    path = DATA / "models" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip("the shared models are not here")
    rng = np.random.default_rng(5)
    infos = OnnxBackend(path).inputs()
    shapes = {info.name: [n if isinstance(n, int) else 1 for n in info.shape] for info in infos}
    if name == "ppocr-rec-en":  # its width is open
        shapes = {infos[0].name: [1, 3, 32, 64]}
    feed: dict[str, Any] = {
        info.name: rng.uniform(0, 1, shapes[info.name]).astype(info.dtype) for info in infos
    }
    for info in infos:
        if np.issubdtype(info.dtype, np.integer):
            feed[info.name] = np.full(shapes[info.name], 16000, info.dtype)
    outputs = ["map", "signed", "noise_floor", "score", "class_used", "logits"]
    same(path, {**feed, CLASS_INPUT: np.array([-1])}, frozenset(SHARED[name]), outputs=outputs)


@pytest.mark.parametrize("model", [MODEL, DETECTOR])
def test_what_is_open_is_fixed(model: Any) -> None:
    """One row, and the picture's own size; nothing is computed of shapes."""
    file = instrument(Path(str(model)), profile="web", outputs=["map", "score", "class_used"])
    source = onnx.load(str(model))
    assert lacking(file, source) == set()
    own = [d.dim_value for d in file.graph.input[0].type.tensor_type.shape.dim]
    assert own == [1, 3, 128, 128]
    given = {i.name: i.type.tensor_type.shape.dim[0].dim_value for i in file.graph.input}
    assert given[CLASS_INPUT] == 1
    assert record(file)["profile"] == {
        "name": "web", "runtime": PROFILES["web"].runtime, "fallback": {}
    }  # fmt: skip
    assert strip(file) == source


def test_without_a_profile_the_record_has_none() -> None:
    assert record(instrument(net()))["profile"] is None


@pytest.mark.parametrize(("options", "words"), [
    ({"profile": "phone"}, "no profile 'phone'; there are web"),
    ({"profile": "web", "gate": True}, "gate and profile exclude each other"),
])  # fmt: skip
def test_what_is_refused(options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        instrument(net(), **options)


def test_an_input_that_is_no_picture_needs_its_shape() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
    signal (float[N, 2, T] x) => (float[N, 3] y) <float[3, 2, 1] w = {1, 2, 3, 4, 5, 6}>
    { c = Conv(x, w) r = Relu(c) g = GlobalAveragePool(r) y = Flatten(g) }"""
    model = onnx.parser.parse_model(text)
    with pytest.raises(InputError, match=r"input 'x' is \[N, 2, T\]: give its shape with --static"):
        instrument(model, profile="web")
    assert lacking(instrument(model, profile="web", static=[1, 2, 20]), model) == set()
