"""Products of windows with queries of the whole picture, which are no places within a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core import explain
from tests.finding.axes.tracers import axes_of, losses, said

REPEATS = {
    "Expand": "g = Unsqueeze(b, one) h = Expand(g, often) q = Reshape(h, folded)",
    "Tile": "g = Unsqueeze(b, one) h = Tile(g, often) q = Reshape(h, folded)",
    "Gather": "g = Unsqueeze(b, one) h = Gather<axis = 1>(g, zeros) q = Reshape(h, folded)",
    "Concat": "g = Unsqueeze(b, one) h = Concat<axis = 1>(g, g, g, g) q = Reshape(h, folded)",
}
ATTENTION = """
    kt = Transpose<perm = [0,2,1]>(k) s = MatMul(q, kt) p = Softmax<axis = -1>(s)
    a = MatMul(p, k) m = MatMul(a, eye)
"""


def net(repeat: str) -> onnx.ModelProto:
    """Global queries of a coarser grid, asked of each of 2 x 2 windows of a map of 8 x 8."""
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]> g (float[N,1,16,16] x) => (float[N,2] y) {{
        c = Conv<strides = [2,2]>(x, w) r = Relu(c) t = Transpose<perm = [0,2,3,1]>(r)
        u = Reshape(t, six) v = Transpose<perm = [0,1,3,2,4,5]>(u) k = Reshape(v, folded)
        d = MaxPool<kernel_shape = [2,2], strides = [2,2]>(c)
        e = Transpose<perm = [0,2,3,1]>(d) b = Reshape(e, tokens)
        {REPEATS[repeat]} {ATTENTION}
        n = Reshape(m, seven) o = Transpose<perm = [0,1,3,2,4,5]>(n) back = Reshape(o, grid)
        sum = Add(t, back) last = Relu(sum)
        mean = ReduceMean<axes = [1,2], keepdims = 0>(last) y = MatMul(mean, head) }}"""
    )
    values: dict[str, Any] = {
        "w": np.ones((3, 1, 2, 2), np.float32),
        "eye": np.eye(3, dtype=np.float32),
        "head": np.ones((3, 2), np.float32),
        "six": np.array([-1, 2, 4, 2, 4, 3]),
        "seven": np.array([-1, 2, 2, 4, 4, 3]),
        "folded": np.array([-1, 16, 3]),
        "tokens": np.array([-1, 16, 3]),
        "grid": np.array([-1, 8, 8, 3]),
        "one": np.array([1]),
        "often": np.array([1, 4, 1, 1]),
        "zeros": np.array([0, 0, 0, 0]),
    }
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in values.items() if n in used
    )
    return model


@pytest.mark.parametrize("repeat", REPEATS)
def test_queries_of_the_whole_picture_leave_windows_where_they_are(repeat: str) -> None:
    model = net(repeat)
    axes = axes_of(model)
    assert not losses(axes["m"])
    assert said(axes["m"]) == {("x", 0), ("x", 2), ("x", 3)}
    backend = OnnxBackend(model)
    assert backend.default_layer in ("last", "sum")
    for place in ((0, 0), (5, 12), (15, 3)):
        x = np.zeros((1, 1, 16, 16), np.float32)
        x[(0, 0, *place)] = 5
        found = explain(backend, x, target=1, layer="last").map[0]
        hottest = np.unravel_index(found.argmax(), found.shape)
        assert hottest == (place[0] // 2, place[1] // 2)
        window = np.argwhere(found > 0.01 * found.max()) // 4
        assert (window == np.array(place) // 8).all()
