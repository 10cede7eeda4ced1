"""What reads one token costs one token: the cotangent stays one row until rows are mixed.

That the numbers are right is shown by the chains in cases_index.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
from onnx.reference import ReferenceEvaluator

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.emit import Emitter

TOKENS, WIDTH = 9, 4
READ = {
    "gather": "t = Gather<axis=1>(h, zero)",
    "slice": "c = Slice(h, starts, ends, axes) t = Squeeze(c, axes)",
}
HEAD = "y = MatMul(t, w)"
CONSTANTS = {
    "w": np.eye(WIDTH, dtype=np.float32) + 0.1,
    "scale": np.linspace(0.5, 1.5, WIDTH, dtype=np.float32),
    "zero": np.array(0),
    "starts": np.array([2]),
    "ends": np.array([3]),
    "axes": np.array([1]),
    "heads": np.array([0, TOKENS, 2, WIDTH // 2]),
    "flat": np.array([0, TOKENS, WIDTH]),
    "laid": np.array([-1, WIDTH]),
    "apart": np.array([TOKENS, -1, WIDTH]),
    "none": np.array([0]),
    "one": np.array([1]),
    "last": np.array([-1]),
    "two": np.array([2]),
    "end": np.array([2**31 - 1]),
    "sin": np.linspace(-1, 1, TOKENS * WIDTH, dtype=np.float32).reshape(TOKENS, WIDTH),
    "cos": np.linspace(2, 3, TOKENS * WIDTH, dtype=np.float32).reshape(TOKENS, WIDTH),
    "sin_rest": np.linspace(-1, 1, (TOKENS - 1) * WIDTH, dtype=np.float32).reshape(-1, WIDTH),
}
ACROSS = {
    "halves": "a = Slice({0}, none, two, last) b = Slice({0}, two, end, last) n = Neg(b) "
    "r = Concat<axis=-1>(n, a)",
    "halves split": "a, b = Split<axis=2, num_outputs=2>({0}) n = Neg(b) r = Concat<axis=2>(n, a)",
    "neighbours": "a = Slice({0}, none, end, last, two) b = Slice({0}, one, end, last, two) "
    "n = Neg(b) u = Unsqueeze(n, last) v = Unsqueeze(a, last) s = Concat<axis=-1>(u, v) "
    "z = Shape({0}) r = Reshape(s, z)",
}
"""The other one of each pair of numbers that is turned."""


def _emitted(body: str, tokens: Any = TOKENS) -> list[Any]:
    """What the cotangent of x is made of."""
    return _graph(body, tokens)[1]


def _graph(body: str, tokens: Any = TOKENS, wanted: str = "x") -> tuple[Any, list[Any], Any]:
    """The forward pass, what the cotangent of a tensor is made of, and the cotangent."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 20]> g (float[N,{tokens},{WIDTH}] x) => '
        f"(float[N,{WIDTH}] y) {{ {body} {HEAD} }}"
    )
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()
    )
    graph = prepare(model)
    op = Emitter(graph)
    y = graph.outputs[0]
    cotangent = gs.Variable("cot", np.dtype(np.float32), y.shape)
    found = reverse(op, y, cotangent, [wanted])[wanted]
    return graph, op.needed([found]), found


def _full(nodes: list[Any]) -> list[str]:
    """Operators whose result holds every token."""
    results = [(node.op, tuple(node.outputs[0].shape or ())) for node in nodes]
    return [op for op, shape in results if TOKENS in shape]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize(
    "block",
    [
        "h = Gelu(x)",
        "h = LayerNormalization(x, scale)",
        "m = MatMul(x, w) g = Gelu(m) k = MatMul(g, w) h = Add(x, k)",
        "n = LayerNormalization(x, scale) m = MatMul(n, w) s = Sigmoid(m) h = Mul(m, s)",
        "h = Softmax(x)",
        "r = Reshape(x, heads) q = Transpose<perm=[0,2,1,3]>(r) e = Relu(q) "
        "b = Transpose<perm=[0,2,1,3]>(e) h = Reshape(b, flat)",
        "s = Transpose<perm=[1,0,2]>(x) r = Reshape(s, laid) n = Neg(r) m = MatMul(n, w) "
        "b = Reshape(m, apart) h = Transpose<perm=[1,0,2]>(b)",
    ],
)
def test_row_by_row_is_written_for_one_row(block: str, read: str) -> None:
    assert _full(_emitted(f"{block} {READ[read]}")) == ["Pad"]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("across", ACROSS)
def test_a_rotation_is_undone_for_one_row(across: str, read: str) -> None:
    turn = f"{ACROSS[across].format('x')} i = Mul(r, sin) j = Mul(x, cos) h = Add(j, i)"
    assert _full(_emitted(f"{turn} {READ[read]}")) == ["Pad"]


@pytest.mark.parametrize("across", ACROSS)
def test_a_token_that_is_not_turned(across: str) -> None:
    """It is split off and put back: nothing is turned back where it is the one that is read."""
    turn = f"c0 = Slice(x, none, one, one) q = Slice(x, one, end, one) {ACROSS[across].format('q')}"
    block = f"{turn} i = Mul(r, sin_rest) h = Concat<axis=1>(c0, i)"
    nodes = _emitted(f"{block} {READ['gather']}")
    assert _full(nodes) == ["Pad"]
    assert not {"Mul", "Slice", "Concat"} & {n.op for n in nodes}
    assert _full(_emitted(f"{block} {READ['slice']}")) == ["Pad"]


@pytest.mark.parametrize(
    "block",
    [
        "s = Slice(x, none, end, axes) u = Unsqueeze(s, none) v = Unsqueeze(u, last) "
        "w1 = Squeeze(v, none) h = Squeeze(w1, last)",
        "p = Slice(x, one, end, axes) l = Slice(x, none, one, axes) h = Concat<axis=1>(p, l)",
        "p = Slice(x, two, end, axes) h = Concat<axis=1>(p, x)",
    ],
)
def test_cut_joined_and_seen_otherwise(block: str) -> None:
    assert _full(_emitted(f"{block} {READ['slice']}")) == ["Pad"]


def test_nothing_is_written_for_what_only_zeros_reach() -> None:
    """Both of the tokens' halves lead to h, but one token of one half is read."""
    block = "p = Slice(x, none, one, axes) e = Exp(x) q = Slice(e, one, end, axes)"
    nodes = _emitted(f"{block} h = Concat<axis=1>(p, q) {READ['gather']}")
    assert not {"Mul", "Slice"} & {n.op for n in nodes}


def test_the_gradient_of_what_only_zeros_reach_is_zero() -> None:
    block = "n = Neg(x) e = Exp(n) q = Slice(e, one, end, axes) p = Slice(x, none, one, axes)"
    body = f"{block} h = Concat<axis=1>(p, q) {READ['gather']}"
    graph, nodes, found = _graph(body, wanted="n")
    n = graph.tensors["n"]
    built = gs.Graph(nodes, [n], [found], opset=20, ir_version=8)
    x = np.ones((2, TOKENS, WIDTH), np.float32)
    (zeros,) = ReferenceEvaluator(gs.export_onnx(built, do_type_check=False)).run(None, {"n": x})
    assert zeros.shape == x.shape
    assert not zeros.any()


@pytest.mark.parametrize("read", READ)
def test_attention_reads_one_query(read: str) -> None:
    """Behind softmax(q k^T) v one row of q's cotangent is there, all of k's and v's."""
    block = """
        q = MatMul(x, w) k = Transpose<perm=[0,2,1]>(x) s = MatMul(q, k) p = Softmax(s)
        h = MatMul(p, x)
    """
    nodes = _emitted(f"{block} {READ[read]}")
    square = [n.op for n in nodes if tuple(n.outputs[0].shape or ())[-2:] == (TOKENS, TOKENS)]
    assert not square
    full = [n for n in nodes if n.op == "MatMul" and TOKENS in (n.outputs[0].shape or ())]
    shared = [n for n in full if 1 in n.inputs[0].shape[-2:]]
    assert len(full) == len(shared), "a product over all rows of a cotangent that has one"


def test_half_of_the_rows_are_not_cut_out() -> None:
    """Where most rows are there, cutting the forward pass costs more than it saves."""
    body = "e = Gelu(x) h = Slice(e, axes, far, axes) t = ReduceMean<keepdims=0>(h, axes)"
    CONSTANTS["far"] = np.array([TOKENS])
    try:
        nodes = _emitted(body)
    finally:
        del CONSTANTS["far"]
    assert not [n for n in nodes if n.op == "Slice"]


def test_rows_of_an_unknown_number() -> None:
    assert _emitted(f"h = Gelu(x) {READ['gather']}", tokens="T")
