"""Between which numbers a tensor lies: sampled values lie inside, and bounds are met."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.parts.ranges import interval, limits
from backends.onnx.writing.emit import Emitter
from tests.sessions import run

ROWS = [  # text, lowest, highest
    ("y = Relu(x)", 0.0, math.inf),
    ("y = Sigmoid(x)", 0.0, 1.0),
    ("a = Relu(x) y = GlobalAveragePool(a)", 0.0, math.inf),
    ("a = Sigmoid(x) b = Add(a, a) y = Transpose(b)", 0.0, 2.0),
    ("a = Sigmoid(x) y = Sub(a, two)", -2.0, -1.0),
    ("a = Sigmoid(x) b = Sub(a, two) y = Mul(b, minus)", 3.0, 6.0),
    ("a = Sigmoid(x) b = Sub(a, two) y = Mul(b, a)", -2.0, 0.0),
    ("a = Sigmoid(x) b = Add(a, two) y = AveragePool<kernel_shape=[2,2]>(b)", 0.0, 3.0),
    ("q = QuantizeLinear(x, half, zero) y = DequantizeLinear(q, half, zero)", -1.5, 126.0),
    ("y = Tanh(x)", -math.inf, math.inf),
    ("a = Relu(x) y = Add(a, x)", -math.inf, math.inf),
]
CONSTANTS = (
    "<float two = {2}, float minus = {-3}, float half = {0.5}, uint8 zero = {3}>"  # 0.5 (q - 3)
)


@pytest.mark.parametrize(("text", "low", "high"), ROWS, ids=[row[0] for row in ROWS])
def test_it_holds_and_says_no_more(
    text: str, low: float, high: float, rng: np.random.Generator
) -> None:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[1,2,3,4] x) => (float[?] y) '
        f"{CONSTANTS} {{ {text} }}"
    )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    op = Emitter(prepare(model))
    assert interval(op, op.graph.tensors["y"]) == (low, high)
    for size in (0.01, 1.0, 1e4):
        x = (size * rng.normal(size=(1, 2, 3, 4))).astype(np.float32)
        y = run(model, x=x)["y"]
        assert low <= y.min() <= y.max() <= high


def test_what_lies_too_far_back_is_not_looked_at() -> None:
    body = "t0 = Sigmoid(x) " + " ".join(f"t{i + 1} = Identity(t{i})" for i in range(20))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[3] x) => (float[3] t20) {{ {body} }}'
    )
    op = Emitter(prepare(model))
    assert interval(op, op.graph.tensors["t2"]) == (0.0, 1.0)
    assert interval(op, op.graph.tensors["t20"]) == (-math.inf, math.inf)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16])
def test_the_ends_of_a_type(kind: type) -> None:
    info = np.iinfo(kind)
    assert limits(kind) == (info.min, info.max)
