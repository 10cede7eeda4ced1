"""Whole models as onnxruntime quantises and saves them: which layer, which kernels, which gradient.

The oracle is the float network in torch whose every quantised value is put in from the model's own
integers, straight through: what is compared is the derivative alone, to the last digits.
"""

from __future__ import annotations

import logging
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.reading.load import sha256
from cam_core.errors import CamError

NET = """
    <ir_version: 8, opset_import: ["" : 13]> g (float[N,3,16,16] x) => (float[N,5] p) {
    c1 = Conv<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x, w1, b1) r1 = Relu(c1)
    m1 = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(r1)
    c2 = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(m1, w2, b2) r2 = Relu(c2)
    c3 = Conv<kernel_shape=[1,1]>(r2, w3, b3) a = Add(c3, m1) r3 = Relu(a)
    c4 = Conv<kernel_shape=[3,3], group=4, pads=[1,1,1,1]>(r3, w4, b4)
    s = Sigmoid(c4) t = Mul(c4, s)
    h = GlobalAveragePool(t) f = Flatten(h) y = Gemm<transB=1>(f, wf, bf) p = Softmax(y) }
"""
SHAPES = {"w1": (8, 3, 3, 3), "w2": (8, 8, 3, 3), "w3": (8, 8, 1, 1), "w4": (8, 2, 3, 3)}
SHAPES |= {"wf": (5, 8), "b1": (8,), "b2": (8,), "b3": (8,), "b4": (8,), "bf": (5,)}
LOGITS = ("y", "y_DequantizeLinear_Output", "cam.y_quantized", "cam.y_QuantizeLinear_Output")
INTEGER = ("QLinear", "QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul")


@dataclass(frozen=True)
class Made:
    """How one of the models is made."""

    form: str
    kinds: str = "U8"
    options: tuple[tuple[str, Any], ...] = ()
    saved_at: str = ""
    """The level of onnxruntime's optimisation at which it was saved again."""


MODELS = {
    "qoperator": Made("QOperator"),
    "qoperator int8 a channel": Made("QOperator", "S8", (("per_channel", True),)),
    "qdq": Made("QDQ"),
    "qdq a channel": Made("QDQ", options=(("per_channel", True),)),
    "qdq int16": Made("QDQ", "S16"),
    "qdq a pair for each reader": Made(
        "QDQ", options=(("extra_options", {"DedicatedQDQPair": True}),)
    ),
    "dynamic": Made("dynamic"),
    "qdq, extended": Made("QDQ", saved_at="extended"),
    "qdq, all": Made("QDQ", saved_at="all"),
    "dynamic, extended": Made("dynamic", saved_at="extended"),
}


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """The path of a model by its name in MODELS; each is made once."""
    from onnxruntime import quantization as tools

    folder, rng = tmp_path_factory.mktemp("quantised"), np.random.default_rng(3)
    plain = onnx.parser.parse_model(NET)
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape) * 1.4 / np.sqrt(np.prod(shape[1:]))
        plain.graph.initializer.append(onnx.numpy_helper.from_array(value.astype(np.float32), name))
    onnx.save(plain, folder / "float.onnx")
    samples = [rng.normal(size=(1, 3, 16, 16)).astype(np.float32) for _ in range(8)]

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(samples)

        def get_next(self) -> Any:
            return next(({"x": x} for x in self.left), None)

    def made(name: str) -> Path:
        path, how = folder / f"{name}.onnx", MODELS.get(name, Made("QDQ", "S8"))
        if path.exists():
            return path
        target = folder / "quantised.onnx" if how.saved_at else path
        if how.form == "dynamic":
            tools.quantize_dynamic(folder / "float.onnx", target)
        else:
            kind = {"U8": "QUInt8", "S8": "QInt8", "S16": "QInt16"}[how.kinds]
            tools.quantize_static(
                folder / "float.onnx",
                target,
                Reader(),
                quant_format=tools.QuantFormat[how.form],
                activation_type=tools.QuantType[kind],
                **dict(how.options),
            )
        if how.saved_at:
            _session(onnx.load(target), level=how.saved_at, saved=path)
        return path

    logging.disable(logging.WARNING)
    yield made
    logging.disable(logging.NOTSET)


def _session(
    model: onnx.ModelProto, *, level: str = "all", saved: Path | None = None, signed: bool = False
) -> Any:
    import onnxruntime as ort

    levels = {"all": 99, "extended": 2, "disabled": 0}
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel(levels[level])
    if signed:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    if saved is not None:
        options.optimized_model_filepath = str(saved)
    providers = ["CPUExecutionProvider"]
    return ort.InferenceSession(model.SerializeToString(), options, providers=providers)


def _integer_kernels(path: Path) -> dict[str, int]:
    found = Counter(node.op_type for node in onnx.load(path).graph.node)
    return {op: count for op, count in found.items() if op.startswith(INTEGER)}


def _class(y: Any, outputs: Any) -> Any:
    return np.eye(y.shape[1], dtype=y.dtype)[[1, 2]]


@pytest.mark.parametrize("name", MODELS)
def test_found_without_a_flag(
    name: str, make: Callable[[str], Path], rng: np.random.Generator
) -> None:
    """A and G of the last map before the pool, near the float network's."""
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    backend, plain = OnnxBackend(make(name)), OnnxBackend(make(name).parent / "float.onnx")
    assert backend.default_layer.startswith("t")
    assert backend.score_name in LOGITS
    assert OnnxBackend(make(name), score=backend.score_name).score_name == backend.score_name
    (found,) = backend.capture(x, _class)
    (expected,) = plain.capture(x, _class)
    for mine, theirs in (
        (found.activations, expected.activations),
        (found.gradients, expected.gradients),
    ):
        assert mine.shape == theirs.shape
        assert mine.dtype == np.float32
        assert np.linalg.norm(mine - theirs) < 0.02 * np.linalg.norm(theirs)
    tail = backend.look(x).tail(found.layer)(found.activations)
    np.testing.assert_allclose(tail, found.logits, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_forward_pass_keeps_its_kernels(
    name: str, make: Callable[[str], Path], tmp_path: Path, rng: np.random.Generator
) -> None:
    """At every layer: the same integer kernels, the same outputs bit for bit; and it comes off."""
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    model = onnx.load(make(name))
    plain = _session(model, saved=tmp_path / "plain.onnx").run(None, {"x": x})[0]
    backend = OnnxBackend(make(name))
    asked = [backend.default_layer, *(layer.name for layer in backend.layers())][::3]
    if "reader" in name:  # of a map with two readers that have a pair each, A is what was rounded
        asked = asked[:1]
    for layer in asked:
        full = instrument(make(name), layer=layer, outputs=("map", "activations", "gradients"))
        feed = {"x": x, "cam_class": np.array([1, 2])}
        session = _session(full, saved=tmp_path / "full.onnx")
        outputs, _, A, G = session.run(None, feed)
        np.testing.assert_array_equal(outputs, plain, err_msg=layer)
        before, after = (_integer_kernels(tmp_path / f"{n}.onnx") for n in ("plain", "full"))
        if name == "dynamic":  # a fused one is taken apart again, the same integers multiplied
            for kernels in (before, after):
                kernels["MatMul"] = kernels.pop("DynamicQuantizeMatMul", 0)
                kernels["MatMul"] += kernels.pop("MatMulInteger", 0)
        assert after == before, layer
        assert "int16" in name or sum(before.values()) >= 5
        seen = backend.capture(x, _class, layers=[layer])[0]
        channels_last = ("cam.layout", "NHWC") in {(e.key, e.value) for e in full.metadata_props}
        for mine, theirs in ((A, seen.activations), (G, seen.gradients)):
            shown = np.moveaxis(mine, -1, 1) if channels_last else mine
            np.testing.assert_allclose(shown, theirs, rtol=1e-5, atol=1e-7)
        assert sha256(strip(full)) == sha256(model)


def test_signed_pairs_need_the_option(
    make: Callable[[str], Path], tmp_path: Path, rng: np.random.Generator
) -> None:
    """On x86 onnxruntime rewrites int8 pairs that nobody else reads, unless it is told not to."""
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    plain, full = onnx.load(make("qdq int8")), instrument(make("qdq int8"), layer="r1")
    outputs, kernels = [], []
    for i, (model, feed) in enumerate([(plain, {}), (full, {"cam_class": np.array([1, 2])})]):
        session = _session(model, saved=tmp_path / f"{i}.onnx", signed=True)
        outputs.append(session.run(["p"], {"x": x, **feed})[0])
        kernels.append(_integer_kernels(tmp_path / f"{i}.onnx"))
    np.testing.assert_array_equal(*outputs)
    assert kernels[0] == kernels[1]
    assert kernels[0]["QLinearConv"] == 4
    (moved,) = _session(full).run(["p"], {"x": x, "cam_class": np.array([1, 2])})
    (default,) = _session(plain).run(["p"], {"x": x})
    assert np.abs(moved - default).max() < 0.02, "more than a few of the quantiser's steps"
    if platform.machine().lower() in ("x86_64", "amd64"):  # elsewhere they stay as they are
        with pytest.raises(CamError, match=r"moved by .* int8: set session.qdqisint8allowed=1"):
            instrument(make("qdq int8"), verify=True)


@pytest.mark.parametrize("name", ["qdq", "qdq a channel", "qdq int16"])
def test_one_row_of_the_head_is_dequantised(name: str, make: Callable[[str], Path]) -> None:
    """And not the whole weight at each run."""
    model, full = onnx.load(make(name)), instrument(make(name))
    added = full.graph.node[len(model.graph.node) :]
    kinds = ("quantized", "DequantizeLinear_Output")
    readers = {k: {n.op_type for n in added if f"wf_{k}" in n.input} for k in kinds}
    assert readers == {"quantized": {"Gather"}, "DequantizeLinear_Output": set()}


POINTS = {"r1": "c1", "m1": "m1", "r2": "c2", "c3": "c3", "r3": "a", "c4": "c4"}
POINTS |= {n: n for n in ("s", "t", "h", "y")}
"""Each quantised tensor of the network: its name in QDQ, and in QOperator (a ReLU is folded)."""
SCALES = {"QuantizeLinear": 1, "QLinearConv": 6, "QLinearAdd": 6, "QLinearMul": 6, "QGemm": 7}
SCALES |= {"QLinearSigmoid": 3, "QLinearGlobalAveragePool": 3}


@dataclass
class Point:
    """One quantised tensor: what its integers stand for, and where they are not cut off."""

    real: torch.Tensor
    inside: torch.Tensor
    low: float
    high: float


def _points(model: onnx.ModelProto, x: Any) -> dict[str, Point]:
    """All of them, as the model itself computes them."""
    quantised = any(node.op_type == "QLinearConv" for node in model.graph.node)
    names = {
        key: f"{POINTS[key]}_quantized" if quantised else f"{key}_QuantizeLinear_Output"
        for key in POINTS
    }
    values = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names.values())
    integers = _session(probe, level="disabled").run([*names.values()], {"x": x})
    found: dict[str, Point] = {}
    for (key, name), q in zip(names.items(), integers, strict=True):
        node = makers[name if key != "m1" or not quantised else names["r1"]]
        scale, zero = (values[n] for n in node.input[SCALES[node.op_type] :][:2])
        info = np.iinfo(q.dtype)
        ends = [float((end - float(zero)) * scale) for end in (info.min, info.max)]
        source = {"h": "t", "m1": "r1"}.get(key)  # means and maxima stay where their input is
        bounds = (0.0, 1.0) if key == "s" else (-np.inf, np.inf)
        if source is not None:
            bounds = found[source].low, found[source].high
        steps = [np.rint(b / scale) + float(zero) for b in bounds]
        inside = (steps[0] >= info.min) | (q > info.min)
        inside &= (steps[1] <= info.max) | (q < info.max)
        real = torch.tensor((q.astype(np.float64) - float(zero)) * float(scale))
        found[key] = Point(real, torch.tensor(inside), *ends)
    return found


def _weights(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    values = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    found = {}
    for name in ("w1", "w2", "w3", "w4", "wf"):
        scale, zero = (values[f"{name}_{end}"].astype(float) for end in ("scale", "zero_point"))
        q = values[f"{name}_quantized"].astype(np.float64)
        spread = [-1] + [1] * (q.ndim - 1)
        found[name] = torch.tensor((q - zero.reshape(spread)) * scale.reshape(spread))
    return found


def _oracle(model: onnx.ModelProto, x: Any, *, rounded: bool) -> dict[str, Any]:
    """G at every point; `rounded`: the sigmoid's slope is that of its rounded result."""
    points, w = _points(model, x), _weights(model)
    kept: dict[str, torch.Tensor] = {}

    def at(name: str, value: torch.Tensor) -> torch.Tensor:
        point = points[name]
        kept[name] = point.real + (value - value.detach()) * point.inside
        kept[name].requires_grad_(True)
        kept[name].retain_grad()
        return kept[name]

    r1 = at("r1", torch.zeros_like(points["r1"].real, requires_grad=True))
    m1 = at("m1", F.max_pool2d(r1, 3, 1, 1))
    r2 = at("r2", F.conv2d(m1, w["w2"], padding=1))
    c3 = at("c3", F.conv2d(r2, w["w3"]))
    r3 = at("r3", c3 + m1)
    c4 = at("c4", F.conv2d(r3, w["w4"], padding=1, groups=4))
    p = points["s"].real if rounded else torch.sigmoid(c4.detach())
    s = at("s", c4 * p * (1 - p))
    t = at("t", c4 * s)
    h = at("h", t.mean((2, 3), keepdim=True))
    y = at("y", h.flatten(1) @ w["wf"].T)
    (y[0, 1] + y[1, 2]).backward()
    return {name: (points[name].real.numpy(), kept[name].grad.numpy()) for name in kept}


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("qoperator", "_quantized"),
        ("qoperator int8 a channel", "_quantized"),
        ("qdq", ""),
        ("qdq a channel", ""),
        ("qdq int16", ""),
    ],
)
def test_every_layers_gradient(
    name: str, ending: str, make: Callable[[str], Path], rng: np.random.Generator
) -> None:
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    expected = _oracle(onnx.load(make(name)), x, rounded=not ending)
    backend = OnnxBackend(make(name), optimization="disabled")
    for layer in ("r1", "m1", "r2", "c3", "r3", "c4", "t"):
        (found,) = backend.capture(
            x, _class, layers=[(POINTS[layer] if ending else layer) + ending]
        )
        A, G = expected[layer]
        np.testing.assert_allclose(found.activations, A, rtol=1e-5, atol=1e-6, err_msg=layer)
        scale = np.abs(G).max()
        np.testing.assert_allclose(found.gradients, G, rtol=1e-4, atol=1e-5 * scale, err_msg=layer)
        assert np.count_nonzero(G) > 0.02 * G.size
