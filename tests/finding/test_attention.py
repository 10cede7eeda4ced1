"""Attention in the spellings of ONNX text: found where there is one, with its axes and scale."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from backends.onnx.finding.analysis import analyse
from backends.onnx.finding.attention import blocks_of, others

D = 4
HEAD = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[2, 3, 8, 8] x) => (float[2, 5] y)
<float[8, 3, 4, 4] w, float[8, 8] wq, float[8, 8] wk, float[8, 8] wv, float[8, 5] wy,
 int64[3] flat = {0, 8, 4}, int64[4] split = {0, 0, 2, 4}, int64[3] joined = {0, 0, 8},
 float half = {0.5}, float two = {2.0}, int64[3] merged = {4, 4, 4}, int64[4] apart = {2, 2, 4, 4},
 float low = {-1000.0}, bool[4, 4] hidden = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}> {
  p = Conv<kernel_shape=[4, 4], strides=[4, 4]>(x, w)
  f = Reshape(p, flat)
  t = Transpose<perm=[0, 2, 1]>(f)
  q0 = MatMul(t, wq)  q1 = Reshape(q0, split)  q = Transpose<perm=[0, 2, 1, 3]>(q1)
  k0 = MatMul(t, wk)  k1 = Reshape(k0, split)  k = Transpose<perm=[0, 2, 1, 3]>(k1)
  v0 = MatMul(t, wv)  v1 = Reshape(v0, split)  v = Transpose<perm=[0, 2, 1, 3]>(v1)
"""
TAIL = """
  o1 = Transpose<perm=[0, 2, 1, 3]>(o)  o0 = Reshape(o1, joined)
  m = ReduceMean<axes=[1], keepdims=0>(o0)
  y = MatMul(m, wy)
}
"""
TURNED = "kt = Transpose<perm=[0, 1, 3, 2]>(k)\n"
FOUND = {
    "scale before": (TURNED + "qs = Mul(q, half) s = MatMul(qs, kt) P = Softmax<axis=-1>(s) "
                     "o = MatMul(P, v)", 0.5),
    "scale after": (TURNED + "r = MatMul(q, kt) s = Div(r, two) P = Softmax<axis=3>(s) "
                    "o = MatMul(P, v)", 1.0),
    "masked": (TURNED + "r = MatMul(q, kt) s = Where(hidden, low, r) P = Softmax<axis=-1>(s) "
               "o = MatMul(P, v)", 1.0),
    "merged heads": (TURNED + "r = MatMul(q, kt) s = Reshape(r, merged) S = Softmax<axis=-1>(s) "
                     "vm = Reshape(v, merged) om = MatMul(S, vm) o = Reshape(om, apart)", 1.0),
    "einsum": ('s = Einsum<equation="nhqd,nhkd->nhqk">(q, k) P = Softmax<axis=-1>(s) '
               'o = Einsum<equation="nhqk,nhkd->nhqd">(P, v)', 1.0),
    "keys first": (TURNED + "qt = Transpose<perm=[0, 1, 3, 2]>(q) s = MatMul(k, qt) "
                   "P = Softmax<axis=2>(s) vt = Transpose<perm=[0, 1, 3, 2]>(v) "
                   "ot = MatMul(vt, P) o = Transpose<perm=[0, 1, 3, 2]>(ot)", 1.0),
}  # fmt: skip
NOT = {
    "no softmax": TURNED + "P = MatMul(q, kt) o = MatMul(P, v)",
    "over queries": TURNED + "s = MatMul(q, kt) P = Softmax<axis=2>(s) o = MatMul(P, v)",
    "no product": "P = Softmax<axis=3>(q) o = Mul(P, v)",
    "no queries": TURNED + "e = Exp(q) P = Softmax<axis=-1>(e) o = MatMul(P, v)",
}


def model(body: str) -> onnx.ModelProto:
    found = onnx.parser.parse_model(HEAD + body + TAIL)
    rng = np.random.default_rng(0)
    shapes = {"w": (8, 3, 4, 4), "wq": (8, 8), "wk": (8, 8), "wv": (8, 8), "wy": (8, 5)}
    held = [
        onnx.numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    kept = [t for t in found.graph.initializer if t.name not in shapes]
    del found.graph.initializer[:]
    found.graph.initializer.extend([*kept, *held])
    del found.graph.value_info[:]
    return found


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    body, scale = FOUND[name]
    route = analyse(model(body), [None]).layers.route
    (block,) = blocks_of(route)
    assert not others(route, [block])
    parts = {
        "queries": (block.queries, 4, D),
        "keys": (block.keys, 4, D),
        "values": (block.values, 4, D),
        "weights": (block.weights, 4, 4),
        "output": (block.output, 4, D),
    }
    for what, (part, rows, columns) in parts.items():
        shape = [part.tensor.shape[part.labels.index(letter)] for letter in part.order]
        assert shape[-2:] == [rows, columns], what
        assert np.prod(shape[:-2]) == 4, what  # rows times heads
    assert block.queries.scale == scale
    assert block.queries.tensor.name.startswith("q")
    assert block.values.tensor.name.startswith("v")


@pytest.mark.parametrize("name", NOT)
def test_not_found(name: str) -> None:
    route = analyse(model(NOT[name]), [None]).layers.route
    assert blocks_of(route) == []
