"""A picture cut into tiles that are rows: the layer is within them, heat at the event's place."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from tests.sessions import run

HEADS = {
    "mean of scores": """c = MatMul(f, v) d = Reshape(c, four)
        y = ReduceMean<axes=[1], keepdims=0>(d)""",
    "best score": "c = MatMul(f, v) d = Reshape(c, four) y = ReduceMax<axes=[1], keepdims=0>(d)",
    "mean of features": """d = Reshape(f, four) e = ReduceMean<axes=[1], keepdims=0>(d)
        y = MatMul(e, v)""",
    "layers over tiles": """d = Reshape(f, four) h = MatMul(d, q) i = Relu(h)
        e = ReduceMean<axes=[1], keepdims=0>(i) y = MatMul(e, v)""",
    "attention over tiles": """d = Reshape(f, four) s = MatMul(d, a) p = Softmax<axis=1>(s)
        i = Mul(p, d) e = ReduceSum<keepdims=0>(i, one) y = MatMul(e, v)""",
    "scores apart": "c = MatMul(f, v) y = Reshape(c, four)",
}
"""What makes a score of features f [4 N, 3] of tiles."""


def net(name: str, batch: str) -> onnx.ModelProto:
    """[N, 1, 16, 16] in 2 x 2 tiles -> [N, 2], or a score a tile."""
    out = f"{batch},4,2" if name == "scores apart" else f"{batch},2"
    features = 2 if "c = MatMul" in HEADS[name] else 3
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[{batch},1,16,16] x) => (float[{out}] y) {{
        cut = Reshape(x, six) tiles = Transpose<perm = [0,2,4,1,3,5]>(cut)
        rows = Reshape(tiles, each) k = Conv<strides = [2,2]>(rows, w) last = Relu(k)
        f = ReduceMean<axes = [2,3], keepdims = 0>(last) {HEADS[name]} }}"""
    )
    values: dict[str, Any] = {
        "six": np.array([-1, 1, 2, 8, 2, 8]),
        "each": np.array([-1, 1, 8, 8]),
        "four": np.array([-1, 4, features]),
        "one": np.array([1]),
        "w": np.ones((3, 1, 2, 2), np.float32),
        "v": np.ones((3, 2), np.float32),
        "q": np.ones((3, 3), np.float32),
        "a": np.ones((3, 1), np.float32),
    }
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in values.items() if n in used
    )
    return model


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("batch", ["N", "1", "2"])
def test_the_map_of_all_tiles_is_hot_where_the_event_is(name: str, batch: str) -> None:
    model = net(name, batch)
    backend = OnnxBackend(model)
    assert backend.default_layer in ("last", "k")
    rows = 1 if batch == "1" else 2
    places = [(3, 12), (9, 6)][:rows]
    x = np.zeros((rows, 1, 16, 16), np.float32)
    for row, place in enumerate(places):
        x[(row, 0, *place)] = 5
    found = explain(backend, x, target=1, layer="last")
    assert found.region is not None
    assert found.region.whole
    expected = x[:, 0].reshape(rows, 8, 2, 8, 2).max((2, 4)) > 0
    np.testing.assert_array_equal(found.map > 0, expected)
    if name != "scores apart":
        written = run(instrument(model, layer="last"), x=x, cam_class=np.array([1]))["cam_map"]
        np.testing.assert_allclose(written, found.map, rtol=1e-6)


def test_windows_that_are_not_pooled_are_no_tiles() -> None:
    """Their grid is that of the picture: the last map is taken, as of a shifted-window network."""
    model = net("mean of features", "N")
    nodes = [n for n in model.graph.node if n.output[0] not in ("f", "d", "e", "y")]
    rest = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[A,3,4,4] last, float[3,2] v) => (float y)
        { u = Constant<value = int64[6] {-1,2,2,3,4,4}>() a = Reshape(last, u)
          b = Transpose<perm = [0,3,1,4,2,5]>(a) t = Constant<value = int64[4] {-1,3,8,8}>()
          c = Reshape(b, t) top = Exp(c) f = ReduceMean<axes = [2,3], keepdims = 0>(top)
          y = MatMul(f, v) }"""
    )
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest.graph.node])
    kept = [t for t in model.graph.initializer if t.name != "four"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    assert OnnxBackend(model).default_layer == "top"
