"""float16, bfloat16, float64 and mixtures: gradients against torch in float64, rounded where the
model rounds and differentiated straight through the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from backends.onnx import OnnxBackend, instrument
from backends.onnx.capturing.weights import change_weights
from backends.onnx.reading.graph import BFLOAT16
from backends.onnx.reading.load import load
from cam_core.errors import CamError
from cam_core.targets import ClassTarget
from tests import sessions
from tests.sessions import open_session

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

KINDS = {"float16": np.dtype(np.float16), "bfloat16": BFLOAT16, "double": np.dtype(np.float64)}
KINDS["float"] = np.dtype(np.float32)

CNN = """<ir_version: 10, opset_import: ["" : 22]>
net ({kind}[N, 3, 12, 12] x) => ({kind}[N, 4] y) {{
    c1 = Conv<pads = [1, 1, 1, 1]>(x, w1, b1)
    early = Relu(c1)
    pool = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(early)
    c2 = Conv(pool, w2)
    late = Relu(c2)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w3, b3)
}}"""
CNN_WEIGHTS = {"w1": (6, 3, 3, 3), "b1": (6,), "w2": (5, 6, 3, 3), "w3": (4, 5), "b3": (4,)}

TOKENS = """<ir_version: 10, opset_import: ["" : 22]>
net ({kind}[N, 7, 5] x) => ({kind}[N, 4] y) {{
    early = MatMul(x, w1)
    n = LayerNormalization<epsilon = 1e-3>(early, g, b)
    {mixed}
    s = Softmax(wide)
    back = Mul(s, wide)
    {narrow}
    late = Tanh(small)
    m = ReduceMean<keepdims = 0>(late, axes)
    y = MatMul(m, w2)
}}"""
TOKEN_WEIGHTS = {"w1": (5, 6), "g": (6,), "b": (6,), "w2": (6, 4)}
MIXED = {"mixed": "wide = Cast<to = 1>(n)", "narrow": "small = Cast<to = {elem}>(back)"}
PURE = {"mixed": "wide = Identity(n)", "narrow": "small = Identity(back)"}


def build(text: str, shapes: dict[str, Any], kind: str, seed: int = 0, **parts: str) -> Any:
    """The model in `kind`, and its weights as they were rounded, in float64."""
    dtype = KINDS[kind]
    elem = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    parts = {name: part.format(elem=elem) for name, part in parts.items()}
    model = onnx.parser.parse_model(text.format(kind=kind, **parts))
    rng, weights = np.random.default_rng(seed), {}
    for name, shape in shapes.items():
        value = (rng.normal(size=shape) / max(1, np.prod(shape[1:])) ** 0.5).astype(dtype)
        weights[name] = value.astype(np.float64)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    if "axes)" in text:
        model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axes"))
    return model, weights


class Rounded(torch.autograd.Function):
    """x rounded to a type and back, differentiated straight through."""

    @staticmethod
    def forward(context: Any, x: Any, kind: Any) -> Any:
        return x.to(kind).to(torch.float64)

    @staticmethod
    def backward(context: Any, gy: Any) -> Any:
        return gy, None


def rounding(kind: str) -> Callable[[Any], Any]:
    if kind == "double":
        return lambda x: x
    return lambda x: Rounded.apply(x, getattr(torch, {"float": "float32"}.get(kind, kind)))


def cnn(r: Any, w: Any, x: Any, seen: dict[str, Any]) -> Any:
    F = torch.nn.functional
    seen["early"] = early = torch.relu(r(F.conv2d(x, w["w1"], w["b1"], padding=1)))
    seen["late"] = late = torch.relu(r(F.conv2d(F.max_pool2d(early, 2), w["w2"])))
    return r(r(late.mean((2, 3))) @ w["w3"].T + w["b3"])


def tokens(r: Any, w: Any, x: Any, seen: dict[str, Any], mixed: bool = False) -> Any:
    wide = (lambda v: v) if mixed else r
    seen["early"] = early = r(x @ w["w1"])
    n = r(torch.nn.functional.layer_norm(early, (6,), w["g"], w["b"], 1e-3))
    seen["late"] = late = r(torch.tanh(r(wide(wide(torch.softmax(n, -1)) * n))))
    return r(r(late.mean(1)) @ w["w2"])


def expected(net: Any, weights: Any, kind: str, x: Any, c: int, **options: Any) -> dict[str, Any]:
    """A and G of each layer, and dy/dx, by autograd in float64."""
    w = {name: torch.from_numpy(value) for name, value in weights.items()}
    leaf = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    seen: dict[str, Any] = {}
    y = net(rounding(kind), w, leaf, seen, **options)
    for tensor in seen.values():
        tensor.retain_grad()
    y[:, c].sum().backward()
    found = {f"G {name}": t.grad.numpy() for name, t in seen.items()}
    found |= {f"A {name}": t.detach().numpy() for name, t in seen.items()}
    return found | {"x": leaf.grad.numpy(), "y": y.detach().numpy()}


def near(found: Any, wanted: Any, rtol: float, what: str = "") -> None:
    """Relative to the whole array's norm."""
    assert found.shape == wanted.shape, what
    difference = np.linalg.norm(found.astype(np.float64) - wanted)
    assert difference < rtol * np.linalg.norm(wanted), f"{what}: {difference}"


def session(model: onnx.ModelProto, x: Any) -> dict[str, Any]:
    return sessions.run(model, x=x)


def reference(model: onnx.ModelProto, x: Any) -> dict[str, Any]:
    names = [o.name for o in model.graph.output]
    with np.errstate(over="ignore"):  # a step's slope
        return dict(zip(names, ReferenceEvaluator(model).run(names, {"x": x}), strict=True))


NETS = [
    ("cnn", CNN, CNN_WEIGHTS, cnn, (2, 3, 12, 12), {}, {}),
    ("tokens", TOKENS, TOKEN_WEIGHTS, tokens, (2, 7, 5), PURE, {}),
    ("mixed tokens", TOKENS, TOKEN_WEIGHTS, tokens, (2, 7, 5), MIXED, {"mixed": True}),
]
RUNS = [
    ("float16", session, 1e-3),
    # twice the last of bfloat16's eight digits: torch's tanh and softmax are not rounded before
    # they are differentiated, nor are the parts of the reference's LayerNormalization
    ("bfloat16", reference, 2**-7),
    ("float", session, 1e-6),
    ("double", reference, 1e-6),  # the reference's epsilon is a float32
]


@pytest.mark.parametrize("run", RUNS, ids=[run[0] for run in RUNS])
@pytest.mark.parametrize("net", NETS, ids=[net[0] for net in NETS])
@pytest.mark.parametrize("layer", ["early", "late"])
def test_a_model_of_one_type_or_mixed(net: Any, run: Any, layer: str) -> None:
    name, text, shapes, oracle, shape, parts, options = net
    kind, runner, rtol = run
    model, weights = build(text, shapes, kind, **parts)
    x = np.random.default_rng(1).normal(size=shape).astype(KINDS[kind])
    wanted = expected(oracle, weights, kind, x, 2, **options)
    outputs = ("activations", "gradients", "input_gradients", "map", "score")
    method = "gradcam" if name == "cnn" else "hirescam"
    made = instrument(model, layer=layer, target=2, outputs=outputs, method=method)
    found = runner(made, x)
    assert np.array_equal(found["y"], runner(model, x)["y"])
    if kind == "bfloat16" and name == "cnn":
        rtol = 1e-6  # its derivatives read no rounded number but the weights
    near(found["cam_gradients"], wanted[f"G {layer}"], rtol)
    near(found["cam_input_gradients"], wanted["x"], rtol)
    near(found["cam_activations"], wanted[f"A {layer}"], rtol)
    np.testing.assert_array_equal(found["cam_score"], found["y"][:, 2].astype(np.float32))
    assert found["cam_map"].dtype == np.float32


def test_small_gradients_keep_their_digits_in_half_precision() -> None:
    """At 1e-6 float16 has but five bits left."""
    model, weights = build(CNN, CNN_WEIGHTS, "float16")
    for tensor in model.graph.initializer:
        if tensor.name == "w3":
            small = (numpy_helper.to_array(tensor) * np.float16(1e-3)).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(small, "w3"))
            weights["w3"] = small.astype(np.float64)
    x = np.random.default_rng(1).normal(size=(2, 3, 12, 12)).astype(np.float16)
    wanted = expected(cnn, weights, "float16", x, 2)["G early"]
    sizes = np.abs(wanted[wanted != 0])
    assert np.median(sizes) < 1e-5
    found = sessions.run(instrument(model, layer="early", target=2, outputs="gradients"), x=x)
    near(found["cam_gradients"], wanted, 1e-3)
    assert np.array_equal(found["cam_gradients"] == 0, wanted == 0)


MAXIMA = [
    "MaxPool<kernel_shape = [2, 3], strides = [2, 2]>(c)",
    "MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(c)",
    "MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(c)",
    "ReduceMax(c, last)",
    "Max(c, twin)",
    "Min(c, twin)",
    "GlobalMaxPool(c)",
    "Clip(c, low, high)",
]


@pytest.mark.parametrize("body", MAXIMA)
@pytest.mark.parametrize("level", ["ORT_ENABLE_ALL", "ORT_DISABLE_ALL"])
def test_a_maximum_in_half_precision_finds_its_winner(body: str, level: str) -> None:
    """onnxruntime rounds c for some of its readers and not for others."""
    text = """<ir_version: 10, opset_import: ["" : 22]>
    net ({kind}[2, 3, 9, 9] x) => ({kind}[2, 4] y) {{
        early = Relu(x)
        c = Conv(early, w)
        twin = Conv(early, v)
        m = {body}
        s = ReduceMean<keepdims = 0>(m, spatial)
        y = MatMul(s, u)
    }}"""
    found = {}
    for kind in ("float16", "float"):
        model = onnx.parser.parse_model(text.format(kind=kind, body=body))
        rng, dtype = np.random.default_rng(4), KINDS[kind]
        for name, shape in {"w": (5, 3, 3, 3), "v": (5, 3, 3, 3), "u": (5, 4)}.items():
            value = rng.normal(size=shape).astype(np.float16).astype(dtype)
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        for name, axes in {"last": [3], "spatial": [2, 3]}.items():
            model.graph.initializer.append(numpy_helper.from_array(np.array(axes), name))
        for name, bound in {"low": -2.0, "high": 3.0}.items():
            model.graph.initializer.append(numpy_helper.from_array(np.array(bound, dtype), name))
        made = instrument(model, layer="early", target=1, outputs=("gradients", "activations"))
        opened = open_session(made, level=level)
        x = np.random.default_rng(2).normal(size=(2, 3, 9, 9)).astype(np.float16)
        found[kind] = opened.run(["cam_gradients"], {"x": x.astype(dtype)})[0]
    assert np.abs(found["float"]).max() > 1e-3
    near(found["float16"], found["float"].astype(np.float64), 1e-3, body)


RUNNABLE = """<ir_version: 10, opset_import: ["" : 22]>
net ({border}[N, 3, 6, 6] x) => ({border}[N, 4] y, {border}[N, 3, 6, 6] p) {{
    single = Cast<to = 1>(x)
    early = Relu(single)
    h = Cast<to = 16>(early)
    a = Transpose<perm = [0, 2, 3, 1]>(h)
    first = Slice(a, zero, two, three)
    second = Slice(a, two, four, three)
    both = Concat<axis = 3>(second, first, first)
    late = Transpose<perm = [0, 3, 1, 2]>(both)
    wide = Cast<to = 1>(late)
    squared = Mul(wide, wide)
    gap = GlobalAveragePool(squared)
    flat = Flatten(gap)
    w32 = Cast<to = 1>(w)
    z = MatMul(flat, w32)
    y = Cast<to = {elem}>(z)
    p = Cast<to = {elem}>(early)
}}"""


def runnable(border: str) -> tuple[onnx.ModelProto, Any]:
    """What onnxruntime can do with bfloat16 on a CPU: move it, and cast it."""
    elem = onnx.helper.np_dtype_to_tensor_dtype(KINDS[border])
    model = onnx.parser.parse_model(RUNNABLE.format(border=border, elem=elem))
    for name, value in {"zero": 0, "two": 2, "three": 3, "four": 4}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array([value]), name))
    w = np.random.default_rng(8).normal(size=(5, 4)).astype(BFLOAT16)
    model.graph.initializer.append(numpy_helper.from_array(w, "w"))
    return model, w.astype(np.float64)


def by_hand(x: Any, w: Any, c: int) -> tuple[Any, Any]:
    """G at `late` and at `early`, where y = mean(late^2) w and some channels are read twice."""
    early = np.maximum(x, 0).astype(BFLOAT16).astype(np.float64)
    order = [2, 0, 1, 0, 1]
    late = early[:, order]
    G = 2 * late * w[:, c][None, :, None, None] / 36
    of_early = np.zeros_like(early)
    for position, channel in enumerate(order):
        of_early[:, channel] += G[:, position]
    return G, of_early


@pytest.mark.parametrize("border", ["float", "bfloat16", "float16"])
def test_bfloat16_in_onnxruntime(border: str, tmp_path: Any) -> None:
    model, w = runnable(border)
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 6)).astype(BFLOAT16).astype(np.float32)
    backend = OnnxBackend(model)
    captures = backend.capture(x, ClassTarget(2), layers=["late", "early"], input_gradients=True)
    of_late, of_early = by_hand(x, w, 2)
    near(captures[0].gradients, of_late, 1e-6 if border != "float16" else 1e-3)
    near(captures[1].gradients, of_early, 1e-6 if border != "float16" else 1e-3)
    near(captures[1].activations, np.maximum(x, 0).astype(np.float64), 1e-6)
    of_x = captures[0].input_gradients["x"]
    near(of_x, np.where(x > 0, of_early, 0), 1e-6 if border != "float16" else 1e-3)
    assert backend.forward(x)["y"].shape == (2, 4)
    assert backend.look(x, layers=["late"]).tail("late")(captures[0].activations).shape == (2, 4)
    instrument(model, layer="late", verify=True)
    changed = OnnxBackend(change_weights(load(model), lambda name, value: value * 2))
    (double,) = changed.capture(x, ClassTarget(2), layers=["late"])
    near(double.gradients, 2 * of_late, 1e-6 if border != "float16" else 1e-3)


def test_added_nodes_compute_nothing_in_bfloat16() -> None:
    model, _ = build(CNN, CNN_WEIGHTS, "bfloat16")
    made = instrument(model, layer="early", outputs=("map", "gradients", "input_gradients"))
    inferred = onnx.shape_inference.infer_shapes(made, data_prop=True)
    kinds = {v.name: v.type.tensor_type.elem_type for v in inferred.graph.value_info}
    nodes = list(made.graph.node)[len(model.graph.node) :]
    assert [n.op_type for n in nodes if kinds.get(n.output[0]) == TensorProto.BFLOAT16] == []


def test_what_no_kernel_computes_is_said() -> None:
    model, _ = build(CNN, CNN_WEIGHTS, "bfloat16")
    x = np.zeros((1, 3, 12, 12), np.float32)
    with pytest.raises(CamError, match=r"Could not find an implementation .* float32"):
        OnnxBackend(model).forward(x)


DOUBLE = """<ir_version: 8, opset_import: ["" : 17]>
net (double[N, 3, 8] x) => (double[N, 4] y) {{
    e = MatMul(x, w)
    early = Tanh(e)
    pool = MaxPool<kernel_shape = [3], strides = [2]>(early)
    n = LayerNormalization(pool, g)
    s = Softmax(n)
    late = Mul(s, n)
    m = ReduceMean<axes = [1], keepdims = 0>(late)
    y = Gemm(m, v, b)
}}"""
DOUBLE_WEIGHTS = {"w": (8, 11), "g": (5,), "v": (5, 4), "b": (4,)}


@pytest.mark.parametrize("layer", ["early", "pool", "late"])
def test_float64_keeps_its_digits_in_onnxruntime(layer: str) -> None:
    model, _ = build(DOUBLE, DOUBLE_WEIGHTS, "double")
    backend = OnnxBackend(model)
    rng = np.random.default_rng(6)
    x = rng.normal(size=(2, 3, 8))
    (capture,) = backend.capture(x, ClassTarget(1), layers=[layer])
    assert capture.gradients.dtype == np.float64
    D, h = rng.normal(size=capture.gradients.shape), 1e-5
    A = capture.activations
    tail = backend.look(x, layers=[layer]).tail(layer)
    up, down = (tail(A + s * D)[:, 1].sum() for s in (h, -h))
    slope = (up - down) / (2 * h)
    assert np.sum(capture.gradients * D) == pytest.approx(slope, rel=1e-7)
    made = instrument(model, layer=layer, target="cotangent", outputs=("map", "gradients"))
    instrument(model, layer=layer, target="cotangent", verify=True)
    seed = np.eye(4)[[1, 1]]
    opened = open_session(made)
    (G,) = opened.run(["cam_gradients"], {"x": x, "cam_cotangent": seed})
    layout = backend.analysis.layers.find(layer).layout
    np.testing.assert_allclose(layout.apply(G), capture.gradients, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rest", ["s = Add(a, w)", "s = Identity(w)"])
def test_a_cast_to_eight_bits_is_refused(rest: str) -> None:
    """Beside another path its share of the gradient must not be lost in silence."""
    model = onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 22]>
    net (float[N, 3, 4, 4] x) => (float[N, 3] y) {{
        a = Relu(x)
        q = Cast<to = 17>(a)
        w = Cast<to = 1>(q)
        {rest}
        g = GlobalAveragePool(s)
        y = Flatten(g)
    }}""")
    with pytest.raises(CamError, match="casts to float8_e4m3fn, which saturates unseen"):
        instrument(model, layer="a")
    instrument(model, layer="s")
