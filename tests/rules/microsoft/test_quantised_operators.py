"""Integer operators, each alone: what it computes and its derivative, against torch in float64.

A row's formula works on real numbers. Its values, quantised here, are what onnxruntime's kernel
gives, to the last step; its derivative by torch, masked where the kernel's own result lies at an
end of its range, is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F  # noqa: N812

from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.reading.units import SCALE
from backends.onnx.rules import VJP_RULES, key_of
from backends.onnx.rules.spelled_out import taped
from backends.onnx.writing.emit import Emitter
from tests.gradients import with_gradient
from tests.sessions import open_session

MS = "com.microsoft"
U8, I8, F32, I32 = np.uint8, np.int8, np.float32, np.int32


@dataclass(frozen=True)
class Q:
    """A quantised operand."""

    shape: tuple[int, ...]
    kind: Any = U8
    axis: int | None = None
    """Where it has a scale and a zero point an index."""
    fixed: bool = False
    """A weight; the others are inputs, and differentiated."""
    zero: bool = True
    """Has it a zero point?"""


W = Q((3, 2, 3, 3), I8, axis=0, fixed=True)


@dataclass(frozen=True)
class Row:
    op: str
    reads: str
    """The node's inputs: `x`, its scale `xs`, its zero point `xz`; `ys` and `yz` are the result's;
    a bias `c` has the units of the two tensors before it; `-` is left out."""
    operands: dict[str, Any]
    """A Q, or a constant; those without a scale in `reads` count whole units."""
    formula: Callable[..., Any]
    attrs: dict[str, Any] = field(default_factory=dict)
    scale: float = 0.05
    zero: int = 20
    kind: Any = U8
    domain: str = MS
    note: str = ""
    kernel: bool = True
    """Has onnxruntime a kernel of it for the CPU? If not the formula's result is fed as its own."""

    def __str__(self) -> str:
        name = f"{self.domain}.{self.op}" if self.domain else self.op
        return f"{name} {self.note}".strip()


CONV = "x xs xz w ws wz ys yz"
PAIR = "a as az b bs bz"
TO_Y = "x xs xz ys yz"
X4 = Q((2, 2, 5, 6))
STRIDED = {"strides": [2, 1], "pads": [1, 0, 1, 2], "kernel_shape": [3, 3]}


def _nchw(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *rest: function(x.movedim(-1, 1), *rest).movedim(1, -1)


def _strided(x: Any, w: Any, c: Any = None) -> Any:
    return F.conv2d(F.pad(x, (0, 2, 1, 1)), w, c, stride=(2, 1))


ROWS = [
    Row("QLinearConv", CONV, {"x": X4, "w": W}, _strided, STRIDED, domain="", note="a channel"),
    Row("QLinearConv", f"{CONV} c", {"x": X4, "w": W, "c": (3,)}, _strided, STRIDED, domain="",
        note="bias"),
    Row("QLinearConv", CONV, {"x": Q((1, 4, 9), I8), "w": Q((6, 2, 3), I8, fixed=True)},
        lambda x, w: F.conv1d(x, w, groups=2, padding=1), {"group": 2, "auto_pad": "SAME_UPPER"},
        kind=I8, zero=-20, domain="", note="1-D, groups, int8"),
    Row("QLinearConv", CONV, {"x": X4, "w": Q((3, 2, 1, 1), U8, fixed=True)}, F.conv2d,
        zero=0, domain="", note="a ReLU in its range"),
    Row("QLinearConv", f"{CONV} c", {"x": Q((1, 5, 6, 2)), "w": W, "c": (3,)}, _nchw(_strided),
        STRIDED | {"channels_last": 1}, note="channels last"),
    Row("QLinearMatMul", f"{PAIR} ys yz", {"a": Q((2, 3, 4)), "b": Q((4, 5), I8, fixed=True)},
        lambda a, b: a @ b, domain="", note="weight"),
    Row("QLinearMatMul", f"{PAIR} ys yz", {"a": Q((2, 3, 4)), "b": Q((2, 4, 5), U8)},
        lambda a, b: a @ b, domain="", note="both"),
    Row("QLinearMatMul", f"{PAIR} ys yz", {"a": Q((3, 4)), "b": Q((4, 5), I8, 1, fixed=True)},
        lambda a, b: a @ b, domain="", note="a column"),
    Row("ConvInteger", "x w xz wz", {"x": X4, "w": Q((3, 2, 3, 3), U8, fixed=True)}, _strided,
        STRIDED, kind=I32, domain=""),
    Row("ConvInteger", "x w",
        {"x": Q((2, 2, 5, 6), zero=False), "w": Q((3, 2, 3, 3), fixed=True, zero=False)},
        _strided, STRIDED, kind=I32, domain="", note="without zero points"),
    Row("MatMulInteger", "a b az bz", {"a": Q((2, 3, 4)), "b": Q((4, 5), I8, 1, fixed=True)},
        lambda a, b: a @ b, kind=I32, domain="", note="a column"),
    Row("MatMulInteger", "a b az", {"a": Q((3, 4)), "b": Q((4, 5), I8, zero=False)},
        lambda a, b: a @ b, kind=I32, domain="", note="both"),
    Row("QLinearAdd", f"{PAIR} ys yz", {"a": Q((2, 3, 4)), "b": Q((3, 1))}, torch.add),
    Row("QLinearMul", f"{PAIR} ys yz", {"a": Q((2, 3, 4), I8), "b": Q((3, 1), I8)}, torch.mul,
        kind=I8, zero=-3),
    Row("QLinearSigmoid", TO_Y, {"x": Q((2, 9))}, torch.sigmoid, scale=1 / 256, zero=0),
    Row("QLinearLeakyRelu", TO_Y, {"x": Q((2, 9), I8)}, lambda x: F.leaky_relu(x, 0.2),
        {"alpha": 0.2}, kind=I8, zero=-60),
    Row("QLinearLeakyRelu", TO_Y, {"x": Q((2, 9))}, lambda x: F.leaky_relu(x, 0.01), zero=90,
        note="slope by default"),
    Row("QLinearSoftmax", TO_Y, {"x": Q((2, 3, 5))}, lambda x: torch.softmax(x, 1),
        {"opset": 13, "axis": 1}, scale=1 / 256, zero=0),
    Row("QLinearSoftmax", TO_Y, {"x": Q((2, 3, 5))},
        lambda x: torch.softmax(x.reshape(2, 15), 1).reshape(2, 3, 5), {"opset": 11, "axis": 1},
        scale=1 / 256, zero=0, note="flattening"),
    Row("QLinearReduceMean", TO_Y, {"x": Q((2, 3, 4, 5))}, lambda x: x.mean((2, 3)),
        {"axes": [2, 3], "keepdims": 0}, kernel=False),
    Row("QLinearAveragePool", TO_Y, {"x": X4},
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    Row("QLinearAveragePool", TO_Y, {"x": Q((1, 6, 6, 2))}, _nchw(lambda x: F.avg_pool2d(x, 2)),
        {"kernel_shape": [2, 2], "strides": [2, 2], "channels_last": 1}, note="channels last"),
    Row("QLinearGlobalAveragePool", TO_Y, {"x": X4}, lambda x: x.mean((2, 3), keepdim=True)),
    Row("QLinearGlobalAveragePool", TO_Y, {"x": Q((2, 5, 6, 3))},
        lambda x: x.mean((1, 2), keepdim=True), {"channels_last": 1}, note="channels last"),
    Row("QLinearConcat", f"ys yz {PAIR}", {"a": Q((2, 3)), "b": Q((2, 4))},
        lambda a, b: torch.cat([a, b], 1), {"axis": 1}),
    Row("QLinearWhere", f"k {PAIR} ys yz",
        {"k": np.arange(6).reshape(2, 3) % 2 == 0, "a": Q((2, 3)), "b": Q((1, 3))},
        lambda k, a, b: torch.where(k, a, b)),
    Row("NhwcMaxPool", "x", {"x": Q((1, 6, 6, 2), I8, zero=False)},
        _nchw(lambda x: F.max_pool2d(x, 3, 2, 1)), kind=I8,
        attrs={"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    Row("QGemm", f"{PAIR} c ys yz",
        {"a": Q((3, 4)), "b": Q((5, 4), I8, 0, fixed=True), "c": (5,)},
        lambda a, b, c: a @ b.T + c, {"transB": 1}, note="weight"),
    Row("QGemm", f"{PAIR} c", {"a": Q((4, 3)), "b": Q((4, 5), I8), "c": (5,)},
        lambda a, b, c: 0.5 * (a.T @ b + c), {"transA": 1, "alpha": 0.5}, kind=F32,
        note="alpha, float result"),
    Row("MatMulIntegerToFloat", "a b as bs az bz", {"a": Q((2, 3, 4)), "b": Q((4, 5), I8)},
        lambda a, b: a @ b, kind=F32),
    Row("MatMulIntegerToFloat", "a b as bs az bz bias",
        {"a": Q((3, 4)), "b": Q((4, 5), I8, 1, fixed=True), "bias": np.arange(5, dtype=F32)},
        lambda a, b, bias: a @ b + bias, kind=F32, note="a column, bias"),
    Row("DequantizeLinear", "x xs xz", {"x": Q((2, 3, 4))}, lambda x: x, kind=F32),
    Row("DequantizeLinear", "x xs xz", {"x": Q((2, 3, 4), np.int16, 1)}, lambda x: x,
        {"axis": 1}, kind=F32, note="a channel, int16"),
]  # fmt: skip


def _constants(row: Row, rng: np.random.Generator) -> dict[str, Any]:
    """Values of all that the node reads, by name."""
    found: dict[str, Any] = {}
    for name, operand in row.operands.items():
        if isinstance(operand, Q):
            info = np.iinfo(operand.kind)
            span = (max(info.min, -500), min(info.max, 500))
            found[name] = rng.integers(*span, size=operand.shape, endpoint=True, dtype=operand.kind)
            many = () if operand.axis is None else operand.shape[operand.axis]
            scaled = f"{name}s" in row.reads.split()
            found[f"{name}s"] = (
                rng.uniform(0.01, 0.02, size=many) if scaled else np.ones(many)
            ).astype(F32)
            middle = (info.min + info.max) // 2
            zeros = rng.integers(middle - 5, middle + 5, size=many).astype(operand.kind)
            found[f"{name}z"] = zeros if operand.zero else np.zeros_like(zeros)
        elif isinstance(operand, tuple):
            scales = [found[f"{n}s"] for n in row.operands if f"{n}s" in found]
            found[f"{name}s"] = scales[0] * scales[1]
            found[name] = rng.integers(-2000, 2000, size=operand).astype(I32)
        else:
            found[name] = operand
    return found | {"ys": np.array(row.scale, F32), "yz": np.array(row.zero, row.kind)}


def _spread(v: Any, operand: Any) -> Any:
    if not isinstance(operand, Q) or operand.axis is None:
        return v
    return v.reshape([-1 if i == operand.axis else 1 for i in range(len(operand.shape))])


def _real(row: Row, values: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What the formula takes, in float64."""
    found = {}
    for name, operand in row.operands.items():
        value = torch.tensor(values[name])
        if f"{name}s" in values:
            zero = values.get(f"{name}z", np.zeros((), np.int64)).astype(np.float64)
            scale = values[f"{name}s"].astype(np.float64)
            steps = values[name].astype(np.float64) - _spread(zero, operand)
            value = torch.tensor(steps * _spread(scale, operand), requires_grad=True)
        elif value.is_floating_point():
            value = value.double()
        found[name] = value
    return found


def _model(row: Row, values: dict[str, Any], shape: tuple[int, ...]) -> onnx.ModelProto:
    reads = ["" if name == "-" else name for name in row.reads.split()]
    inputs = [n for n, o in row.operands.items() if isinstance(o, Q) and not o.fixed]

    def info(name: str, kind: Any, shape: Any) -> Any:
        elem = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return helper.make_tensor_value_info(name, elem, shape)

    graph = helper.make_graph(
        [helper.make_node(row.op, reads, ["y"], "node", domain=row.domain, **row.attrs)],
        "g",
        [info(n, values[n].dtype, values[n].shape) for n in inputs],
        [info("y", row.kind, shape)],
        [numpy_helper.from_array(values[n], n) for n in reads if n and n not in inputs],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(MS, 1)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_operator(row: Row, rng: np.random.Generator) -> None:
    values = _constants(row, rng)
    real = _real(row, values)
    y = row.formula(*real.values())
    model = _model(row, values, tuple(y.shape))
    wrt = [info.name for info in model.graph.input]
    feed = {name: values[name] for name in wrt}
    cot = rng.normal(size=tuple(y.shape)).astype(F32)
    graph, names = with_gradient(model, wrt)
    onnx.checker.check_model(graph)
    quantises, inside, steps = "ys" in row.reads, np.ones(y.shape), y.detach().numpy()
    if quantises:
        low, high = np.iinfo(row.kind).min, np.iinfo(row.kind).max
        steps = np.clip(np.rint(steps / row.scale) + row.zero, low, high)
    if not row.kernel:
        graph.graph.input.append(graph.graph.output[0])
        del graph.graph.node[0]
        feed["y"] = steps.astype(row.kind)
    made, *found = open_session(graph).run(["y", *names], feed | {"cot": cot})
    if quantises:
        assert np.abs(made.astype(int) - steps).max() <= 1
        inside = (made > low) & (made < high)
        assert 0.2 < inside.mean() <= 1
    else:
        np.testing.assert_allclose(made, steps, rtol=1e-5, atol=1e-5)
    y.backward(torch.tensor(cot * inside / (row.scale if quantises else 1)))
    for name, g in zip(wrt, found, strict=True):
        scale = _spread(values[f"{name}s"].astype(np.float64), row.operands[name])
        expected = real[name].grad.numpy() * scale
        np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
        assert np.abs(expected).max() > 0


def test_every_scale_is_where_its_operator_quantises() -> None:
    """SCALE says where a result's scale stands; the operator's own body quantises with that one."""
    rng, met = np.random.default_rng(0), {"QuantizeLinear"}
    for row in ROWS:
        if "ys" not in row.reads:
            continue
        values = _constants(row, rng)
        shape = tuple(row.formula(*_real(row, values).values()).shape)
        graph: Graph = prepare(_model(row, values, shape))
        node = graph.nodes[0]
        quantiser = taped(Emitter(graph), VJP_RULES[key_of(node)], node)[-1]
        assert quantiser.op == "QuantizeLinear"
        assert quantiser.inputs[1] is node.inputs[SCALE[row.op]]
        met.add(row.op)
    assert met == set(SCALE)


def test_every_straight_through_rule_is_tested() -> None:
    elsewhere = {("", f"{name}Linear") for name in ("Quantize", "Dequantize", "DynamicQuantize")}
    elsewhere |= {("cam", "Straight"), (MS, "QuantizeLinear")}
    tested = {(row.domain, row.op) for row in ROWS} | elsewhere
    assert {key for key, rule in VJP_RULES.items() if rule.quantises} <= tested
