"""A single bright event on black: its map is hot where it is, whatever layout the layer has.

The networks sum with weights of one, so a map can be hot nowhere else. What is expected is where
the event is in the input, not what any layout says.
"""

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

pytest.importorskip("onnxruntime")

HIGH, WIDE, CELL = 32, 24, 4
EVENTS = [(0, 0), (31, 0), (0, 23), (31, 23), (13, 18)]
STEM = "c = Conv<strides = [4,4]>(x, w) r = Relu(c) "
LAYERS = {
    "NCHW": ("last = Relu(r)", "2,3"),
    "NHWC": ("t = Transpose<perm = [0,2,3,1]>(r) last = Relu(t)", "1,2"),
    "on its side": ("t = Transpose<perm = [0,1,3,2]>(r) last = Relu(t)", "2,3"),
    "channels between": ("t = Transpose<perm = [0,2,1,3]>(r) last = Relu(t)", "1,3"),
    "flipped": (
        """a = Constant<value = int64[1] {-1}>() b = Constant<value = int64[1] {-99}>()
        d = Constant<value = int64[1] {3}>() t = Slice(r, a, b, d, a) last = Relu(t)""",
        "2,3",
    ),
    "tokens": (
        """s = Constant<value = int64[3] {0,3,-1}>() f = Reshape(r, s)
        t = Transpose<perm = [0,2,1]>(f) last = Relu(t)""",
        "1",
    ),
    "tokens, columns first": (
        """q = Transpose<perm = [0,3,2,1]>(r) s = Constant<value = int64[3] {0,48,3}>()
        t = Reshape(q, s) last = Relu(t)""",
        "1",
    ),
    "tokens behind one": (
        """s = Constant<value = int64[3] {0,3,-1}>() f = Reshape(r, s)
        q = Transpose<perm = [0,2,1]>(f) e = Slice(q, zero, one, one)
        k = Mul(e, none) t = Concat<axis = 1>(k, q) last = Relu(t)""",
        "1",
    ),
    "tokens behind five": (
        """s = Constant<value = int64[3] {0,3,-1}>() f = Reshape(r, s)
        q = Transpose<perm = [0,2,1]>(f) e = Slice(q, zero, one, one)
        k = Mul(e, none) t = Concat<axis = 1>(k, k, q, k, k, k) last = Relu(t)""",
        "1",
    ),
    "windows": (
        """s = Constant<value = int64[6] {-1,3,2,4,3,2}>() f = Reshape(r, s)
        q = Transpose<perm = [0,2,4,3,5,1]>(f) v = Constant<value = int64[3] {-1,8,3}>()
        t = Reshape(q, v) u = Relu(t) m = Constant<value = int64[3] {-1,48,3}>()
        last = Relu(u) back = Reshape(last, m)""",
        "1",
    ),
    "windows with two axes": (
        """s = Constant<value = int64[6] {-1,3,2,4,3,2}>() f = Reshape(r, s)
        q = Transpose<perm = [0,2,4,3,5,1]>(f) v = Constant<value = int64[4] {-1,4,2,3}>()
        t = Reshape(q, v) last = Relu(t) m = Constant<value = int64[3] {-1,48,3}>()
        back = Reshape(last, m)""",
        "1",
    ),
    "shifted windows": (
        """a = Slice(r, two, end, axis2) b = Slice(r, zero, two, axis2) k = Concat<axis = 2>(a, b)
        s = Constant<value = int64[6] {-1,3,2,4,3,2}>() f = Reshape(k, s)
        q = Transpose<perm = [0,2,4,3,5,1]>(f) v = Constant<value = int64[3] {-1,8,3}>()
        t = Reshape(q, v) last = Relu(t) m = Constant<value = int64[3] {-1,48,3}>()
        back = Reshape(last, m)""",
        "1",
    ),
    "pixels unshuffled": (
        """s = Constant<value = int64[6] {-1,3,4,2,3,2}>() f = Reshape(r, s)
        q = Transpose<perm = [0,1,3,5,2,4]>(f) v = Constant<value = int64[4] {-1,12,4,3}>()
        t = Reshape(q, v) last = Relu(t)""",
        "2,3",
    ),
    "unfolded": (
        """f = Gather<axis = 2>(r, rows) g = Gather<axis = 4>(f, columns)
        q = Transpose<perm = [0,1,2,4,3,5]>(g) s = Constant<value = int64[3] {-1,12,12}>()
        t = Reshape(q, s) u = Transpose<perm = [0,2,1]>(t) v = MatMul(u, mix) last = Relu(v)""",
        "1",
    ),
}
"""Name -> (how the layer `last` is made, the axes that the head sums over)."""
COARSE = {"pixels unshuffled": 8, "unfolded": 8}
"""Cells that are wider than those of the convolution."""


def net(name: str, batch: str) -> onnx.ModelProto:
    """[N, 1, 32, 24] -> [N, 2]."""
    body, axes = LAYERS[name]
    last = "back" if "back = " in body else "last"
    text = (
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{batch},1,{HIGH},{WIDE}] x) '
        f"=> (float[{batch},2] y) {{ {STEM} {body} "
        f"m1 = ReduceMean<axes = [{axes}], keepdims = 0>({last}) y = MatMul(m1, head) }}"
    )
    model = onnx.parser.parse_model(text)
    channels = 12 if name == "pixels unshuffled" else 3
    values: dict[str, Any] = {
        "w": np.ones((3, 1, 4, 4), np.float32),
        "head": np.ones((channels, 2), np.float32),
        "zero": np.array([0]),
        "one": np.array([1]),
        "two": np.array([2]),
        "end": np.array([99]),
        "axis2": np.array([2]),
        "none": np.zeros((1, 1, 3), np.float32),
        "rows": np.arange(2)[:, None] + 2 * np.arange(4),
        "columns": np.arange(2)[:, None] + 2 * np.arange(3),
        "mix": np.ones((12, 3), np.float32),
    }
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in values.items() if n in used
    )
    return model


def picture(*events: tuple[int, int]) -> Any:
    x = np.zeros((len(events), 1, HIGH, WIDE), np.float32)
    for row, (high, wide) in enumerate(events):
        x[row, 0, high, wide] = 5
    return x


def expected(name: str, *events: tuple[int, int]) -> Any:
    """Hot in the cell of the event, nowhere else."""
    cell = COARSE.get(name, CELL)
    maps = np.zeros((len(events), HIGH // cell, WIDE // cell), bool)
    for row, (high, wide) in enumerate(events):
        maps[row, high // cell, wide // cell] = True
    return maps


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("batch", ["N", "1"])
def test_the_map_is_hot_where_the_event_is(name: str, batch: str) -> None:
    model = net(name, batch)
    backend = OnnxBackend(model, layer="last")
    file = instrument(model, layer="last")
    for event in EVENTS:
        x = picture(event)
        found = explain(backend, x, target=1).map
        np.testing.assert_array_equal(found > 0, expected(name, event))
        written = run(file, x=x, cam_class=np.array([1]))["cam_map"]
        np.testing.assert_allclose(written, found, rtol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("batch", ["N", "2"])
def test_two_pictures_are_two_batches_of_one(name: str, batch: str) -> None:
    model = net(name, batch)
    x = picture((5, 20), (29, 1))
    found = explain(OnnxBackend(model, layer="last"), x, target=[0, 1]).map
    np.testing.assert_array_equal(found > 0, expected(name, (5, 20), (29, 1)))
    written = run(instrument(model, layer="last"), x=x, cam_class=np.array([0, 1]))["cam_map"]
    np.testing.assert_allclose(written, found, rtol=1e-6)


INSIDE = {
    "normalised": ("h = Sub(x, mean) p = Div(h, mean)", []),
    "cut out": ("p = Slice(x, a, b, d)", [(10, 7), (21, 18)]),
    "padded": ("p = Pad(x, around)", EVENTS),
    "flipped": ("p = Slice(x, minus, far, two, minus)", EVENTS),
    "on its side": ("p = Transpose<perm = [0,1,3,2]>(x)", EVENTS),
    "twice as large": ('p = Resize<mode = "nearest">(x, "", twice)', EVENTS),
    "half as large": ('p = Resize<mode = "linear">(x, "", half)', EVENTS),
    "cut out, flipped, on its side, padded": (
        """h = Slice(x, a, b, d) i = Slice(h, minus, far, two, minus)
        j = Transpose<perm = [0,1,3,2]>(i) p = Pad(j, around)""",
        [(10, 7), (21, 18)],
    ),
}
"""What a file does to the picture before its first convolution, and events that it leaves there."""


@pytest.mark.parametrize("name", INSIDE)
def test_the_heat_lies_over_the_event_whatever_the_file_does_first(name: str) -> None:
    body, events = INSIDE[name]
    stem = STEM.replace("Conv<strides = [4,4]>(x, w)", "Conv<strides = [4,4]>(p, w)")
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,{HIGH},{WIDE}] x) => '
        f"(float[1,2] y) {{ {body} {stem} last = Relu(r) "
        "m = ReduceMean<axes = [2,3], keepdims = 0>(last) y = MatMul(m, head) }"
    )
    values: dict[str, Any] = {
        "w": np.ones((3, 1, 4, 4), np.float32),
        "head": np.ones((3, 2), np.float32),
        "mean": np.float32(0.01),
        "a": np.array([8, 4]),
        "b": np.array([24, 20]),
        "d": np.array([2, 3]),
        "minus": np.array([-1]),
        "far": np.array([-99]),
        "two": np.array([2]),
        "around": np.array([0, 0, 8, 4, 0, 0, 4, 8]),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "half": np.array([1, 1, 0.5, 0.5], np.float32),
    }
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v), n) for n, v in values.items() if n in used
    )
    backend, cell = OnnxBackend(model, layer="last"), 8 if name == "half as large" else 4
    for event in events or EVENTS:
        heat = explain(backend, picture(event), target=1).heatmap((HIGH, WIDE))[0]
        hot = np.argwhere(heat >= 0.999 * heat.max())
        away = np.abs(hot + 0.5 - (np.array(event) + 0.5)).max(1).min()
        assert away <= cell, (event, hot.tolist()[:3])
        cold = np.abs(np.argwhere(heat > 0) - np.array(event)).max()
        assert cold <= 2 * cell + 1
