"""Tensors as maps: layouts, windows and extents by where the axes come from.

The cells themselves are tested by events (test_events.py); here is what is said of them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from backends.onnx.finding.places import Roles, Seen, read
from backends.onnx.finding.roles import follow
from backends.onnx.reading.prepare import prepare
from cam_core import explain
from cam_core.errors import LayerError


def seen(body: str, shape: str = "N,1,32,24", *, channels: bool = True) -> Seen | None:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{shape}] x) => (float y) '
        f"{{ c = Conv<strides = [4,4]>(x, w) {body} }}"
    )
    values: dict[str, Any] = {"w": np.ones((3, 1, 4, 4), np.float32)}
    values |= {"cls": np.ones((1, 2, 3), np.float32)}
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in values.items() if n in used
    )
    graph = prepare(model)
    found = follow(graph)
    own = found.first["x"]
    batch = frozenset({own[0][0].origin})
    colours = frozenset({own[1][0].origin}) if channels else frozenset()
    axes = found.of(graph.tensors["y"])
    assert axes is not None
    return read(*axes, Roles(batch, colours))  # type: ignore[arg-type]


TOKENS = (
    "s = Constant<value = int64[3] {0,3,-1}>() f = Reshape(c, s) t = Transpose<perm = [0,2,1]>(f)"
)
LAYOUTS = {
    "NCHW": "y = Relu(c)",
    "NHWC": "y = Transpose<perm = [0,2,3,1]>(c)",
    "N(8*6)C": f"{TOKENS} y = Relu(t)",
    "NC(8*6)": "s = Constant<value = int64[3] {0,3,-1}>() y = Reshape(c, s)",
    "(8*6)NC": f"{TOKENS} y = Transpose<perm = [1,0,2]>(t)",
    "N C3 c6 d8 -> N C d c": "y = Transpose<perm = [0,1,3,2]>(c)",
    "(N*4*3)(2*2)C": """s = Constant<value = int64[6] {-1,3,4,2,3,2}>() f = Reshape(c, s)
        q = Transpose<perm = [0,2,4,3,5,1]>(f) v = Constant<value = int64[3] {-1,4,3}>()
        y = Reshape(q, v)""",
}


@pytest.mark.parametrize("text", LAYOUTS)
def test_how_a_map_is_read(text: str) -> None:
    found = seen(LAYOUTS[text])
    assert found is not None
    assert found.layout.text() == text
    assert (found.input, found.places) == ("x", (2, 3))
    assert found.windows == ((0, 1), (0, 1))
    assert (found.channels, found.extents) == (3, (8, 6))


def test_rows_that_a_join_put_beside_the_picture_are_no_places() -> None:
    found = seen(f"{TOKENS} y = Concat<axis = 1>(cls, t, cls)", "1,1,32,24")
    assert found is not None
    assert found.layout.text() == "N(2+8*6+2)C"
    assert found.tokens_on(1) == (2, 48)
    assert found.tokens_on(2) == (0, None)


def test_a_crop_covers_a_part_of_the_input() -> None:
    cut = """a = Constant<value = int64[1] {2}>() b = Constant<value = int64[1] {6}>()
        y = Slice(c, a, b, a)"""
    found = seen(cut)
    assert found is not None
    assert found.windows == ((Fraction(1, 4), Fraction(3, 4)), (0, 1))


def test_a_letterbox_reaches_beyond_the_input() -> None:
    found = seen("p = Constant<value = int64[8] {0,0,2,0,0,0,2,0}>() y = Pad(c, p)")
    assert found is not None
    assert found.windows == ((Fraction(-1, 4), Fraction(5, 4)), (0, 1))


@pytest.mark.parametrize(
    "body",
    [
        f"{TOKENS} u = Transpose<perm = [0,2,1]>(t) y = MatMul(t, u)",
        f"{TOKENS} k = Constant<value = int64[1] {{3}}>() y, i = TopK<axis = 1>(t, k)",
    ],
)
def test_what_has_no_place_is_no_map(body: str) -> None:
    assert seen(body) is None


@pytest.mark.parametrize("body", ["y = GlobalAveragePool(c)", "y = Flatten(c)"])
def test_channels_without_a_place_are_a_point(body: str) -> None:
    found = seen(body)
    assert found is not None
    assert (found.places, found.windows, found.extents) == ((), (), ())


def test_a_grid_that_the_run_time_decides_is_a_row_of_tokens() -> None:
    found = seen(f"{TOKENS} y = Relu(t)", "N,1,H,W")
    assert found is not None
    assert found.layout.text() == "N(L)C"
    assert found.extents == (None, None)


def test_pixels_put_between_cells_of_another_order_lie_where_they_are() -> None:
    """A roll by cells, then a pixel shuffle: an event at each place has its peak there."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[N,1,16,16] x) => (float[N,2] y)
        <int64[1] start = {0}, int64[1] at = {5}, int64[1] end = {99}, int64[1] along = {3}>
        {
          c = Conv<strides = [2,2]>(x, w)
          left = Slice(c, start, at, along)
          right = Slice(c, at, end, along)
          rolled = Concat<axis = 3>(right, left)
          d = DepthToSpace<blocksize = 2>(rolled)
          a = Relu(d)
          p = GlobalAveragePool(a)
          y = Flatten(p)
        }"""
    )
    w = np.zeros((8, 1, 2, 2), np.float32)
    for i, j in np.ndindex(2, 2):
        w[2 * (2 * i + j) : 2 * (2 * i + j) + 2, 0, i, j] = 1  # a channel for each pixel of a cell
    model.graph.initializer.append(numpy_helper.from_array(w, "w"))
    backend = OnnxBackend(model.SerializeToString())
    places = [(0, 0), (5, 9), (5, 10), (14, 13), (8, 15)]
    x = np.zeros((len(places), 1, 16, 16), np.float32)
    for row, place in enumerate(places):
        x[(row, 0, *place)] = 1
    found = explain(backend, x, target=1, layer="a")
    assert found.region is not None
    assert found.region.windows == ((0, 1), (0, 1))
    np.testing.assert_array_equal(found.map > 0, x[:, 0] > 0)


def test_overlapping_windows_are_places_around_their_middles() -> None:
    """nn.Unfold(4, stride=2): the heat of an event has its middle where the event is."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[N,1,16,16] x) => (float[N,2] y)
        <int64[3] tokens = {-1,16,49}>
        {
          a = Gather<axis = 2>(x, table)
          b = Gather<axis = 4>(a, table)
          c = Transpose<perm = [0,1,2,4,3,5]>(b)
          d = Reshape(c, tokens)
          e = Transpose<perm = [0,2,1]>(d)
          f = MatMul(e, w)
          t = Relu(f)
          y = ReduceMean<axes = [1], keepdims = 0>(t)
        }"""
    )
    weights = {"table": np.arange(4)[:, None] + 2 * np.arange(7), "w": np.ones((16, 2), np.float32)}
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in weights.items())
    backend = OnnxBackend(model)
    with pytest.raises(LayerError, match="several times, or with gaps"):
        backend.capture(np.ones((1, 1, 16, 16), np.float32), lambda y, _: y, layers=["b"])
    places = [(6, 6), (7, 9), (4, 11)]
    x = np.zeros((len(places), 1, 16, 16), np.float32)
    for row, place in enumerate(places):
        x[(row, 0, *place)] = 1
    heat = explain(backend, x, target=1, layer="t").heatmap((16, 16))
    for place, one in zip(places, heat, strict=True):
        middle = np.array([np.average(np.arange(16), weights=one.sum(1 - i)) for i in (0, 1)])
        assert np.abs(middle - place).max() <= 1
