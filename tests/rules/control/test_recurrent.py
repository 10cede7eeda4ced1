"""RNN, GRU and LSTM in every form against loops in NumPy, which are held against onnxruntime."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from cam_core.errors import UnsupportedOpError
from tests.sessions import open_session

N, WIDTH, H = 2, 3, 4
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: sigmoid(x),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x >= 0, x, a * (np.exp(np.minimum(x, 0)) - 1)),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.log1p(np.exp(x)),
}
TAKES = {  # how many of alpha and beta
    **dict.fromkeys(("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus"), (0, 0)),
    **dict.fromkeys(("LeakyRelu", "ThresholdedRelu", "Elu"), (1, 0)),
    **dict.fromkeys(("Affine", "ScaledTanh", "HardSigmoid"), (1, 1)),
}


class Case(NamedTuple):
    op: str
    steps: int
    attrs: dict[str, Any]
    inputs: str
    """Which of the optional ones: b(ias), l(engths), h, c, p(eepholes); d: of dynamic length."""
    note: str

    @property
    def directions(self) -> int:
        return 2 if self.attrs.get("direction") == "bidirectional" else 1

    def __str__(self) -> str:
        return f"{self.op}-{self.steps}-{self.note}"


def loops(case: Case, v: dict[str, Any]) -> tuple[Any, ...]:
    """(Y, Y_h, Y_c) row by row and step by step, as the specification writes them."""
    attrs, D, T = case.attrs, case.directions, len(v["X"])
    names = attrs.get("activations", DEFAULTS[case.op] * D)
    alphas, betas = (list(attrs.get(f"activation_{p}", ())) for p in ("alpha", "beta"))
    chosen = []
    for i, name in enumerate(names):
        a = alphas.pop(0) if TAKES[name][0] else None
        b = betas.pop(0) if TAKES[name][1] else None
        state = case.op == "LSTM" and i % 3 == 2  # the runtime does not clip what h = o k(c) reads
        limit = np.inf if state else attrs.get("clip", np.inf)
        chosen.append(
            lambda x, name=name, a=a, b=b, c=limit: FUNCTIONS[name](np.clip(x, -c, c), a, b)
        )
    Y, Yh, Yc = np.zeros((T, D, N, H)), np.zeros((D, N, H)), np.zeros((D, N, H))
    for d in range(D):
        f = chosen[d * len(chosen) // D :]
        back = attrs.get("direction") == "reverse" or d == 1
        for n in range(N):
            length = int(v["L"][n]) if "L" in v else T
            h, c = (v[k][d, n] if k in v else np.zeros(H) for k in ("h", "c"))
            for t in reversed(range(length)) if back else range(length):
                h, c = cell(case, v, d, f, v["X"][t, n], h, c)
                Y[t, d, n] = h
            Yh[d, n], Yc[d, n] = h, c
    return Y, Yh, Yc


def cell(case: Case, v: dict[str, Any], d: int, f: Any, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    G = GATES[case.op]
    W, R = v["W"][d].reshape(G, H, WIDTH), v["R"][d].reshape(G, H, H)
    Wb, Rb = v["B"][d].reshape(2, G, H) if "B" in v else np.zeros((2, G, H))
    whole = [W[k] @ x + R[k] @ h + Wb[k] + Rb[k] for k in range(G)]
    if case.op == "RNN":
        return f[0](whole[0]), c
    if case.op == "GRU":
        z, r = f[0](whole[0]), f[0](whole[1])
        if case.attrs.get("linear_before_reset"):
            n = f[1](W[2] @ x + Wb[2] + r * (R[2] @ h + Rb[2]))
        else:
            n = f[1](W[2] @ x + Wb[2] + R[2] @ (r * h) + Rb[2])
        return (1 - z) * n + z * h, c
    pi, po, pf = v["P"][d].reshape(3, H) if "P" in v else np.zeros((3, H))
    i = f[0](whole[0] + pi * c)
    forget = 1 - i if case.attrs.get("input_forget") else f[0](whole[2] + pf * c)
    new = forget * c + i * f[1](whole[3])
    return f[0](whole[1] + po * new) * f[2](new), new


def parameters(name: str) -> dict[str, list[float]]:
    """alpha and beta for a function that takes them."""
    given = zip(("activation_alpha", "activation_beta"), TAKES[name], (0.4, 0.7), strict=True)
    return {attribute: [value] for attribute, count, value in given if count}


WAYS = [{}, {"direction": "reverse"}, {"direction": "bidirectional"}]
ALL = {"RNN": "bh", "GRU": "bh", "LSTM": "bhcp"}
CASES = [
    Case(op, steps, way, ALL[op] + more, f"{way.get('direction', 'forward')} {note}")
    for op in GATES
    for way in WAYS
    for steps, more, note in (
        (4, "", "written out"),
        (12, "", "as a scan"),
        (5, "l", "lengths"),
        (12, "l", "lengths in a scan"),
        (12, "d", "of dynamic length"),
        (12, "ld", "lengths, of dynamic length"),
    )
]
CASES += [Case(op, 12, {}, more, f"nothing optional{more}") for op in GATES for more in ("", "d")]
CASES += [
    Case("GRU", 5, {"linear_before_reset": 1}, "bh", "linear before reset"),
    Case("GRU", 12, {"linear_before_reset": 1}, "bhl", "linear before reset, in a scan"),
    Case("GRU", 5, {"linear_before_reset": 1}, "h", "linear before reset without a bias"),
    Case("LSTM", 5, {"input_forget": 1}, "bhcp", "coupled gates"),
    Case("LSTM", 12, {"input_forget": 1, "clip": 0.6}, "bhc", "coupled and clipped"),
]
CASES += [Case(op, 6, {"clip": 0.5}, "bh", "clipped") for op in GATES]
CASES += [
    Case("RNN", 5, {"activations": [name]} | parameters(name), "bh", name)
    for name in TAKES
]  # fmt: skip
CASES += [
    Case("LSTM", 5, {"direction": "bidirectional", "activations":
        ["HardSigmoid", "ScaledTanh", "Elu", "Sigmoid", "LeakyRelu", "Tanh"],
        "activation_alpha": [0.3, 1.3, 0.6, 0.2], "activation_beta": [0.45, 0.8]}, "bhc", "mixed"),
    Case("GRU", 12, {"direction": "bidirectional", "activations":
        ["HardSigmoid", "Softsign", "Sigmoid", "Affine"],
        "activation_alpha": [0.3, 0.9], "activation_beta": [0.45, 0.1]}, "bh", "mixed in a scan"),
]  # fmt: skip


def values(case: Case, rng: np.random.Generator) -> dict[str, Any]:
    """The node's inputs, those that are left out apart."""
    D, G = case.directions, GATES[case.op]
    found = {"X": rng.normal(size=(case.steps, N, WIDTH)), "W": rng.normal(size=(D, G * H, WIDTH))}
    found |= {"R": rng.normal(size=(D, G * H, H)) * 0.6}
    shapes = {"b": ("B", (D, 2 * G * H)), "h": ("h", (D, N, H)), "c": ("c", (D, N, H))}
    for letter, (name, shape) in (shapes | {"p": ("P", (D, 3 * H))}).items():
        if letter in case.inputs:
            found[name] = rng.normal(size=shape)
    if "l" in case.inputs:
        found["L"] = np.array([case.steps, case.steps - 3], np.int32)
    return found


ORDER = {"RNN": "XWRBLh", "GRU": "XWRBLh", "LSTM": "XWRBLhcP"}


def model_of(case: Case, v: dict[str, Any], opset: int = 14) -> onnx.ModelProto:
    outputs = ["Y", "Yh", "Yc"][: 3 if case.op == "LSTM" else 2]
    inputs = [name if name in v else "" for name in ORDER[case.op]]
    while not inputs[-1]:
        inputs.pop()
    node = helper.make_node(case.op, inputs, outputs, hidden_size=H, **case.attrs)
    declared = []
    for name in (n for n in ("X", "h", "c", "L") if n in v):
        kind = onnx.TensorProto.INT32 if name == "L" else onnx.TensorProto.FLOAT
        shape = list(v[name].shape)
        if "d" in case.inputs:
            shape = {"X": ["T", "N", WIDTH], "L": ["N"]}.get(name, [shape[0], "N", H])
        declared.append(helper.make_tensor_value_info(name, kind, shape))
    weights = [
        numpy_helper.from_array(v[n].astype(np.float32), n) for n in ("W", "R", "B", "P") if n in v
    ]
    ranks = {"Y": [None] * 4, "Yh": [None] * 3, "Yc": [None] * 3}
    made = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ranks[n]) for n in outputs]
    graph = helper.make_graph([node], "g", declared, made, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(model: onnx.ModelProto, names: list[str], v: dict[str, Any]) -> list[Any]:
    session = open_session(model)
    feed = {i.name: v[i.name] for i in session.get_inputs()}
    feed = {n: a.astype(np.float32) if a.dtype == np.float64 else a for n, a in feed.items()}
    return list(session.run(names, feed))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_equals_the_loops(case: Case, rng: np.random.Generator) -> None:
    """With a cotangent for every output at once."""
    v = values(case, rng)
    model = model_of(case, v)
    expected = loops(case, v)[: len(model.graph.output)]
    cots = [rng.normal(size=y.shape) for y in expected]
    result, outputs, wanted = gradient_of(model)
    given = v | {f"cot{i}": cot for i, cot in enumerate(cots)}
    found = run(result, [o.name for o in model.graph.output] + outputs, given)
    for y, mine in zip(expected, found, strict=False):
        np.testing.assert_allclose(mine, y, atol=3e-6)  # so the loops are what the runtime does
    for name, g in zip(wanted, found[len(expected) :], strict=True):
        assert g.shape == v[name].shape
        check_slope(case, v, cots, name, g, rng)


def check_slope(
    case: Case, v: dict[str, Any], cots: list[Any], name: str, g: Any, rng: np.random.Generator
) -> None:
    """g along a random direction against central differences of the loops."""
    direction = rng.normal(size=v[name].shape)
    up, down = (loops(case, v | {name: v[name] + s * direction}) for s in (1e-6, -1e-6))
    slope = sum(np.sum(c * (a - b)) for c, a, b in zip(cots, up, down, strict=False)) / 2e-6
    scale = np.sqrt(np.sum(g.astype(np.float64) ** 2) * np.sum(direction**2))
    assert abs(np.sum(g * direction) - slope) < 2e-6 * scale + 1e-9, name


def gradient_of(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str], list[str]]:
    """The model with a cotangent of each output as input, and their gradients summed."""
    graph = prepare(model)
    op = Emitter(graph)
    wanted = [n for n in ("X", "h", "c") if n in {i.name for i in model.graph.input}]
    cots = [gs.Variable(f"cot{i}", y.dtype, y.shape) for i, y in enumerate(graph.outputs)]
    parts = [reverse(op, y, g, wanted) for y, g in zip(graph.outputs, cots, strict=True)]
    totals = [functools.reduce(op.Add, [part[name] for part in parts]) for name in wanted]
    outputs = [op.Identity(total) for total in totals]
    result = append(op, inputs=cots, outputs=outputs)
    onnx.checker.check_model(result, full_check=True)
    return result, [t.name for t in outputs], wanted


@pytest.mark.parametrize("op", GATES)
def test_rows_first(op: str, rng: np.random.Generator) -> None:
    """layout=1, which onnxruntime does not run: by the reference."""
    case = Case(op, 4, {"direction": "bidirectional"}, ALL[op].replace("p", ""), "rows first")
    v = values(case, rng)
    turned = {n: np.swapaxes(a, 0, 1) if n in "Xhc" else a for n, a in v.items()}
    model = model_of(case._replace(attrs=case.attrs | {"layout": 1}), turned)
    expected = loops(case, v)[: len(model.graph.output)]
    cots = [rng.normal(size=y.shape) for y in expected]
    result, outputs, wanted = gradient_of(model)
    given = {n: a.astype(np.float32) for n, a in turned.items() if n in "Xhc"}
    swapped = [np.moveaxis(c, 2, 0) if c.ndim == 4 else np.swapaxes(c, 0, 1) for c in cots]
    given |= {f"cot{i}": c.astype(np.float32) for i, c in enumerate(swapped)}
    found = ReferenceEvaluator(result).run(outputs, given)
    for name, g in zip(wanted, found, strict=True):
        check_slope(case, v, cots, name, np.swapaxes(g, 0, 1), rng)


def test_before_scan_a_long_sequence_is_written_out(rng: np.random.Generator) -> None:
    case = Case("GRU", 12, {}, "bh", "opset 7")
    v = values(case, rng)
    cots = [rng.normal(size=y.shape) for y in loops(case, v)[:2]]
    result, outputs, wanted = gradient_of(model_of(case, v, opset=7))
    assert "Scan" not in {node.op_type for node in result.graph.node}
    found = run(result, outputs, v | {f"cot{i}": cot for i, cot in enumerate(cots)})
    for name, g in zip(wanted, found, strict=True):
        check_slope(case, v, cots, name, g, rng)


@pytest.mark.parametrize(
    ("case", "opset", "why"),
    [
        (Case("GRU", 12, {}, "bhd", ""), 7, "its length is known at run time only"),
        (Case("RNN", 4, {"activations": ["Gelu"]}, "bh", ""), 14, "its activation is gelu"),
    ],
)
def test_refused(case: Case, opset: int, why: str, rng: np.random.Generator) -> None:
    with pytest.raises(UnsupportedOpError, match=f"no VJP rule for {case.op} where {why}"):
        gradient_of(model_of(case, values(case, rng), opset))
