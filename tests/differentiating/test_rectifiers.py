"""What is said of a network in which guided backpropagation is the plain gradient somewhere."""

from __future__ import annotations

import onnx
import pytest

from backends.onnx import OnnxBackend

NONE = "no rectifier lies between input and score: guided is the plain gradient"
ROWS = [
    ("a = Relu(c)", ""),
    ("a = Clip(c, zero)", ""),
    ("a = Tanh(c)", NONE),
    ("s = Sigmoid(c) a = Mul(c, s)", NONE),
    ("r = Relu(c) s = Sigmoid(r) a = Mul(r, s)", "guided is the plain gradient at SiLU: no recti"),
    ("r = Relu(c) s = Sigmoid(c) a = Mul(r, s)", ""),  # a gate stands in no rectifier's place
    ("r = Relu(c) l = LeakyRelu(r) a = Elu(l)", "gradient at Elu, LeakyRelu: no rectifiers"),
    ("r = Relu(c) a = LeakyRelu<alpha = 0.0>(r)", ""),
    ('a = com.microsoft.FusedConv<activation = "Relu">(c, w)', ""),
    ("q = QuantizeLinear(c, one, low) a = DequantizeLinear(q, one, low)", ""),
    (
        "c1 = Cast<to = 9>(one) a = If(c1) <then_branch = then () => (float[N, 2, 4, 4] t) "
        "{ t = Relu(c) }, else_branch = other () => (float[N, 2, 4, 4] e) { e = Neg(c) }>",
        "",
    ),
]


@pytest.mark.parametrize(("body", "words"), ROWS, ids=[row[0][:40] for row in ROWS])
def test_what_is_said(body: str, words: str) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> '
        "net (float[N, 2, 4, 4] x) => (float[N, 2] y) <float zero = {0.0}, float one = {1.0}, "
        "uint8 low = {0}, float[2, 2, 1, 1] w = {1.0, 2.0, 3.0, 4.0}> "
        f"{{ c = Conv(x, w) {body} d = Conv(a, w) g = GlobalAveragePool(d) y = Flatten(g) }}"
    )
    found = OnnxBackend(model).guided_note
    assert (words in found) if words else not found
    assert "\n" not in found
