"""How exporters write the operators that `composites.py` puts together again, as ONNX text."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser


class Spelling(NamedTuple):
    found: str
    """The operators of the graph once it is recognised."""
    note: str
    body: str
    constants: dict[str, Any] = {}  # noqa: RUF012
    fused: str = ""
    """What onnxruntime makes of it."""
    shape: tuple[int, ...] = (2, 3, 4)
    opset: int = 17
    declared: str = "N,3,4"


ERF = {"root2": 2**0.5, "inv": 0.5**0.5, "one": 1.0, "half": 0.5}
TANH = {"c": 0.044715, "k": (2 / np.pi) ** 0.5, "one": 1.0, "half": 0.5, "three": 3.0}
HARD = {"three": 3.0, "six": 6.0, "zero": 0.0, "sixth": 1 / 6, "half": 0.5, "one": 1.0}
NORM = {"two": 2.0, "eps": 1e-5, "one": 1.0, "minus": -0.5}
SCALE = {"s": np.array([0.5, 1.5, -1.0, 2.0]), "b": np.array([0.1, 0.2, 0.3, 0.4])}
PLANE = {"s": np.array([0.5, 1.5, -1]).reshape(3, 1, 1), "b": np.ones((3, 1, 1))}
CENTRE = "m = ReduceMean<axes=[-1]>(x) d = Sub(x, m) "
DEVIATION = (
    "p = Pow(d, two) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) n = Div(d, r) "
)

SPELLINGS = [
    Spelling("SiLU", "x first", "s = Sigmoid(x) y = Mul(x, s)", {}, "QuickGelu"),
    Spelling("SiLU", "x last", "s = Sigmoid(x) y = Mul(s, x)", {}, "QuickGelu"),
    Spelling(
        "SiLU", "QuickGelu", "a = Mul(x, k) s = Sigmoid(a) y = Mul(x, s)", {"k": 1.702}, "QuickGelu"
    ),
    Spelling(
        "Mul SiLU", "x is a product", "u = Mul(x, k) s = Sigmoid(u) y = Mul(u, s)", {"k": 1.702}
    ),
    Spelling(
        "SiLU Mul",
        "gate (SwiGLU)",
        "s = Sigmoid(x) a = Mul(x, s) y = Mul(a, u)",
        {"u": 3 * np.ones(4)},
    ),
    Spelling(
        "Gelu",
        "TorchScript",
        "a = Div(x, root2) e = Erf(a) p = Add(e, one) q = Mul(x, p) y = Mul(q, half)",
        ERF,
        "Gelu",
    ),
    Spelling(
        "Gelu",
        "dynamo",
        "a = Div(x, root2) e = Erf(a) p = Add(e, one) q = Mul(half, p) y = Mul(x, q)",
        ERF,
    ),
    Spelling(
        "Gelu",
        "tf2onnx",
        "h = Mul(half, x) a = Mul(x, inv) e = Erf(a) p = Add(one, e) y = Mul(h, p)",
        ERF,
    ),
    Spelling(
        "Gelu",
        "half inside",
        "a = Mul(inv, x) e = Erf(a) q = Mul(e, half) p = Add(q, half) y = Mul(p, x)",
        ERF,
    ),
    Spelling(
        "Add Gelu",
        "with a bias",
        "u = Add(bias, x) a = Div(u, root2) e = Erf(a) p = Add(e, one) q = Mul(u, p) "
        "y = Mul(q, half)",
        ERF | {"bias": np.array([0.1, 0.2, 0.3, -0.4])},
        "BiasGelu",
    ),
    Spelling(
        "Gelu",
        "tanh, Pow",
        "c3 = Pow(x, three) i = Mul(c, c3) a = Add(x, i) u = Mul(k, a) t = Tanh(u) "
        "p = Add(one, t) h = Mul(half, x) y = Mul(h, p)",
        TANH,
    ),
    Spelling(
        "Gelu",
        "tanh, Mul chain",
        "x2 = Mul(x, x) x3 = Mul(x, x2) i = Mul(x3, c) a = Add(i, x) u = Mul(a, k) t = Tanh(u) "
        "p = Add(t, one) q = Mul(p, half) y = Mul(q, x)",
        TANH,
    ),
    Spelling(
        "Gelu",
        "tanh, factored",
        "x2 = Mul(x, x) i = Mul(x2, c) a = Add(i, one) l = Mul(x, k) u = Mul(l, a) t = Tanh(u) "
        "p = Add(t, one) h = Mul(x, half) y = Mul(h, p)",
        TANH,
    ),
    Spelling(
        "HardSwish",
        "HardSigmoid",
        "h = HardSigmoid<alpha=0.16666667, beta=0.5>(x) y = Mul(x, h)",
        shape=(2, 3, 4),
    ),
    Spelling(
        "HardSwish",
        "Clip, late Div",
        "a = Add(x, three) c = Clip(a, zero, six) p = Mul(x, c) y = Div(p, six)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Clip, early Div",
        "a = Add(three, x) c = Clip(a, zero, six) p = Div(c, six) y = Mul(p, x)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Clip as attributes, Mul by 1/6",
        "a = Add(x, three) c = Clip<min=0.0, max=6.0>(a) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
        opset=9,
    ),
    Spelling(
        "HardSwish",
        "Min of Max",
        "a = Add(x, three) l = Max(zero, a) c = Min(l, six) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Max of Min",
        "a = Add(x, three) l = Min(a, six) c = Max(l, zero) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "unit slope",
        "l = Div(x, six) a = Add(l, half) c = Clip(a, zero, one) y = Mul(x, c)",
        HARD,
    ),
    Spelling("Mish", "Softplus", "s = Softplus(x) t = Tanh(s) y = Mul(x, t)"),
    Spelling(
        "Mish",
        "Log of Exp",
        "e = Exp(x) p = Add(e, one) s = Log(p) t = Tanh(s) y = Mul(x, t)",
        {"one": 1.0},
    ),
    Spelling(
        "LayerNormalization",
        "TorchScript",
        CENTRE + DEVIATION + "g = Mul(n, s) y = Add(g, b)",
        NORM | SCALE,
        "LayerNormalization",
    ),
    Spelling(
        "LayerNormalization",
        "two Subs",
        CENTRE.replace("d =", "d2 = Sub(x, m) d =")
        + DEVIATION.replace("n = Div(d,", "n = Div(d2,")
        + "g = Mul(s, n) y = Add(b, g)",
        NORM | SCALE,
        "LayerNormalization",
    ),
    Spelling(
        "LayerNormalization",
        "square by Mul, reciprocal",
        CENTRE + "p = Mul(d, d) v = ReduceMean<axes=[-1]>(p) w = Add(eps, v) r = Sqrt(w) "
        "i = Reciprocal(r) j = Mul(i, s) n = Mul(d, j) y = Add(n, b)",
        NORM | SCALE,
    ),
    Spelling(
        "LayerNormalization",
        "no bias, root by Pow",
        CENTRE + "p = Mul(d, d) v = ReduceMean<axes=[2]>(p) w = Add(v, eps) i = Pow(w, minus) "
        "n = Mul(d, i) y = Mul(n, s)",
        NORM | SCALE,
    ),
    Spelling("Standardise", "no parameters", CENTRE + DEVIATION + "y = Identity(n)", NORM)._replace(
        found="Standardise Identity"
    ),
    Spelling(
        "Standardise Mul Add",
        "channels first",
        "m = ReduceMean<axes=[1]>(x) d = Sub(x, m) p = Pow(d, two) v = ReduceMean<axes=[1]>(p) "
        "w = Add(v, eps) r = Sqrt(w) n = Div(d, r) g = Mul(s, n) y = Add(g, b)",
        NORM | PLANE,
        shape=(2, 3, 2, 3),
        declared="N,3,H,W",
    ),
    Spelling(
        "Standardise Mul Add",
        "over space, opset 18",
        "m = ReduceMean(x, axes) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, axes) "
        "w = Add(v, eps) r = Sqrt(w) n = Div(d, r) g = Mul(n, s) y = Add(g, b)",
        NORM | PLANE | {"axes": np.array([2, 3])},
        shape=(2, 3, 2, 3),
        opset=18,
        declared="N,3,H,W",
    ),
    Spelling(
        "RMSNormalization",
        "Div",
        "p = Pow(x, two) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) n = Div(x, r) "
        "y = Mul(n, s)",
        NORM | SCALE,
        "SimplifiedLayerNormalization",
    ),
    Spelling(
        "RMSNormalization",
        "one over the root",
        "p = Mul(x, x) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) i = Div(one, r) "
        "n = Mul(x, i) y = Mul(s, n)",
        NORM | SCALE,
    ),
    Spelling(
        "Softmax",
        "by Exp",
        "m = ReduceMax<axes=[-1]>(x) d = Sub(x, m) e = Exp(d) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([-1])},
    ),
    Spelling(
        "Softmax",
        "of channels",
        "m = ReduceMax<axes=[1]>(x) d = Sub(x, m) e = Exp(d) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([-2])},
        opset=13,
    ),
    Spelling(
        "Softmax",
        "axes that are not kept, with stop_gradient",
        "m = ReduceMax<axes=[2], keepdims=0>(x) u = Reshape(m, row) i = Identity(u) d = Sub(x, i) "
        "e = Exp(d) t = ReduceSum<keepdims=0>(e, axes) v = Reshape(t, row) y = Div(e, v)",
        {"axes": np.array([2]), "row": np.array([-1, 3, 1])},
    ),
    Spelling(
        "Softmax",
        "spread out again",
        "m = ReduceMax<axes=[2], keepdims=0>(x) n = Max(m, least) u = Unsqueeze(n, axes) "
        "i = Expand(u, row) d = Sub(x, i) e = Exp(d) t = ReduceSum<keepdims=0>(e, axes) "
        "v = Unsqueeze(t, axes) w = Expand(v, row) y = Div(e, w)",
        {"axes": np.array([2]), "row": np.array([1, 1, 4]), "least": -3e38},
    ),
    Spelling(
        "Softmax",
        "where the maximum is finite",
        "m = ReduceMax<axes=[1]>(x) q = IsInf(m) u = Where(q, none, m) d = Sub(x, u) e = Exp(d) "
        "t = ReduceSum(e, axes) r = Reciprocal(t) y = Mul(r, e)",
        {"axes": np.array([1]), "none": 0.0},
    ),
    Spelling(
        "Softmax",
        "nothing taken off",
        "e = Exp(x) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([1])},
    ),
    Spelling(
        "LogSoftmax",
        "axes that are not kept",
        "m = ReduceMax<axes=[-1], keepdims=0>(x) u = Reshape(m, row) d = Sub(x, u) e = Exp(d) "
        "t = ReduceSum<keepdims=0>(e, axes) v = Reshape(t, row) l = Log(v) y = Sub(d, l)",
        {"axes": np.array([-1]), "row": np.array([-1, 3, 1])},
    ),
    Spelling(
        "LogSoftmax",
        "the logarithm first",
        "e = Exp(x) t = ReduceSum<keepdims=0>(e, axes) l = Log(t) v = Unsqueeze(l, axes) "
        "y = Sub(x, v)",
        {"axes": np.array([1])},
    ),
    Spelling(
        "Sub Softmax",
        "of a difference that is another at each place",
        "d = Sub(x, b) e = Exp(d) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([-1]), "b": np.array([0.1, 0.2, 0.3, -0.4])},
    ),
    Spelling(
        "ReduceMax Softmax Mul",
        "a maximum that is read elsewhere too",
        "m = ReduceMax<axes=[-1]>(x) d = Sub(x, m) e = Exp(d) t = ReduceSum(e, axes) "
        "p = Div(e, t) y = Mul(p, m)",
        {"axes": np.array([-1])},
    ),
]


def model_of(spelling: Spelling, dtype: Any = np.float32) -> onnx.ModelProto:
    name = {np.float32: "float", np.float64: "double"}[dtype]
    tensor = f"{name}[{spelling.declared}]"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {spelling.opset}]> '
        f"g ({tensor} x) => ({tensor} y) {{ {spelling.body} }}"
    )
    for key, value in spelling.constants.items():
        array = np.asarray(value)
        kind = np.int64 if array.dtype.kind == "i" else dtype
        model.graph.initializer.append(onnx.numpy_helper.from_array(array.astype(kind), key))
    return model
