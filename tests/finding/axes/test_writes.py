"""Assignments to slices: index pictures say where each cell is from, events where heat lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from backends.onnx.finding.axes.writes import box_of
from cam_core import explain
from tests.finding.axes.test_views import model_of
from tests.finding.axes.tracers import axes_of, index_pictures, losses, said, wrong_moves
from tests.sessions import run


def grid(*cells: list[int]) -> Any:
    """[*q, k]: as torch writes x[:, 1:, :2] = y."""
    return np.stack(np.meshgrid(*cells, indexing="ij"), axis=-1)


WRITES = {
    "rows": (
        "4,3",
        """i = Constant<value = int64[2,1] {1,3}>() a = Constant<value = int64[1] {2}>()
        z = Constant<value = int64[1] {0}>()
        u = Slice(x, z, a) n = Neg(x) m = Neg(n) y = ScatterND(m, i, u)""",
        {0, 1},
    ),
    "tokens behind a class token": (
        "2,4,3",
        """b = Constant<value = int64[3] {5,2,3}>() z = ConstantOfShape(b)
        i = Constant<value = int64[4,1] {1,2,3,4}>() t = Transpose<perm = [1,0,2]>(x)
        s = ScatterND(z, i, t) y = Transpose<perm = [1,0,2]>(s)""",
        {0, 1, 2},
    ),
    "all of it": (
        "4,3",
        """b = Constant<value = int64[2] {4,3}>() z = ConstantOfShape(b)
        i = Constant<value = int64[4,1] {0,1,2,3}>() y = ScatterND(z, i, x)""",
        {0, 1},
    ),
    "in another order": (
        "4,3",
        """b = Constant<value = int64[2] {4,3}>() z = ConstantOfShape(b)
        i = Constant<value = int64[4,1] {2,0,-1,1}>() y = ScatterND(z, i, x)""",
        {0, 1},
    ),
    "a corner of a canvas": (
        "2,3,2",
        """b = Constant<value = int64[3] {2,4,3}>() z = ConstantOfShape(b)
        i = Constant<value = int64[1,3,2,3] {0,1,0, 0,1,1, 0,2,0, 0,2,1, 0,3,0, 0,3,1}>()
        s = Constant<value = int64[3] {1,3,2}>() f = Constant<value = int64[1] {0}>()
        o = Constant<value = int64[1] {1}>() r = Slice(x, f, o, f) y = ScatterND(z, i, r)""",
        {1, 2},
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_cells_are_from_where_they_are_said_to_be(name: str) -> None:
    shape, body, known = WRITES[name]
    model = model_of(body, shape)
    pictures = index_pictures({"x": tuple(map(int, shape.split(",")))})
    (result,) = run(model, pictures).values()
    axes = axes_of(model)["y"]
    assert wrong_moves(axes, result, pictures) == []
    assert {axis for _, axis in said(axes)} >= known
    assert not losses(axes)


def test_a_box_is_told_from_scattered_points() -> None:
    assert box_of(grid([0, 1], [1, 2, 3]), (2, 4, 5)) == [[0, 1], [1, 2, 3], [0, 1, 2, 3, 4]]
    assert box_of(np.array([[3], [-1]]), (5, 2)) == [[3, 4], [0, 1]]
    assert box_of(np.array([[0, 1], [1, 0]]), (2, 2)) is None
    assert box_of(np.array([[[0, 1], [1, 2]], [[1, 1], [0, 0]]]), (3, 4)) is None
    assert box_of(np.array([[1], [1]]), (3, 2)) is None
    assert box_of(None, (3, 2)) is None


FRAMES, FOLD, CHANNELS, SIDE = 4, 1, 4, 4
ONE_BY_ONE = """
    zeros = ConstantOfShape(clips)
    next = Slice(v, one, end, one) a = Slice(next, zero, one, two)
    w1 = ScatterND(zeros, at1, a)
    back = Slice(v, zero, minus, one) b = Slice(back, one, two, two)
    w2 = ScatterND(w1, at2, b)
    c = Slice(v, two, end, two) shifted = ScatterND(w2, at3, c)
"""
"""out[:, :-1, :1] = x[:, 1:, :1]; out[:, 1:, 1:2] = x[:, :-1, 1:2]; out[:, :, 2:] = x[:, :, 2:]"""
AXIS_BY_AXIS = """
    zeros = ConstantOfShape(clips)
    next = Slice(v, one, end, one) a = Slice(next, zero, one, two)
    z1 = Slice(zeros, zero, minus, one) zt = Transpose<perm = [2,1,0,3,4]>(z1)
    at = Transpose<perm = [2,1,0,3,4]>(a) s1 = ScatterND(zt, row0, at)
    s1t = Transpose<perm = [1,2,0,3,4]>(s1) z1t = Transpose<perm = [1,0,2,3,4]>(zeros)
    w1t = ScatterND(z1t, rows012, s1t) w1 = Transpose<perm = [1,0,2,3,4]>(w1t)
    c = Slice(v, one, end, two) ct = Transpose<perm = [2,1,0,3,4]>(c)
    w1c = Transpose<perm = [2,1,0,3,4]>(w1) w2 = ScatterND(w1c, rows123, ct)
    shifted = Transpose<perm = [2,1,0,3,4]>(w2)
"""
"""torch's newer exporter: a slice of a slice, each with its axis in front."""
JOINED = """
    zeros = ConstantOfShape(frame)
    next = Slice(v, one, end, one) a = Slice(next, zero, one, two)
    first = Concat<axis = 1>(a, zeros)
    back = Slice(v, zero, minus, one) b = Slice(back, one, two, two)
    second = Concat<axis = 1>(zeros, b)
    c = Slice(v, two, end, two) shifted = Concat<axis = 2>(first, second, c)
"""
SHIFTS = {"one by one": ONE_BY_ONE, "axis by axis": AXIS_BY_AXIS, "joined": JOINED}


def shifting(body: str) -> onnx.ModelProto:
    """A temporal shift module on frames [2 clips x 4, 1, 16, 16] -> [2, 2], weights of one."""
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]> g (float[8,1,16,16] x) => (float[2,2] y) {{
        e = Conv<strides = [4,4]>(x, w) r = Relu(e) v = Reshape(r, clips) {body}
        f = Reshape(shifted, frames) k = Conv(f, mix) last = Relu(k)
        m = ReduceMean<axes = [2,3], keepdims = 0>(last) c1 = MatMul(m, head)
        c2 = Reshape(c1, scores) y = ReduceMean<axes = [1], keepdims = 0>(c2) }}"""
    )
    clips, every = [0, 1], list(range(FRAMES))
    values = {
        "w": np.ones((CHANNELS, 1, 4, 4), np.float32),
        "mix": np.ones((3, CHANNELS, 1, 1), np.float32),
        "head": np.ones((3, 2), np.float32),
        "clips": np.array([2, FRAMES, CHANNELS, SIDE, SIDE]),
        "frame": np.array([2, 1, 1, SIDE, SIDE]),
        "frames": np.array([8, CHANNELS, SIDE, SIDE]),
        "scores": np.array([2, FRAMES, 2]),
        "zero": np.array([0]),
        "one": np.array([1]),
        "two": np.array([2]),
        "end": np.array([99]),
        "minus": np.array([-1]),
        "at1": grid(clips, every[:-1], [0]),
        "at2": grid(clips, every[1:], [1]),
        "at3": grid(clips, every, [2, 3]),
        "row0": np.array([[0]]),
        "rows012": np.array([[0], [1], [2]]),
        "rows123": np.array([[1], [2], [3]]),
    }
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in values.items() if n in used
    )
    return model


@pytest.mark.parametrize("how", SHIFTS)
def test_a_clip_whose_frames_were_shifted_is_hot_at_its_event(how: str) -> None:
    backend = OnnxBackend(shifting(SHIFTS[how]))
    assert backend.default_layer in ("last", "k")
    for clip, frame, place in ((0, 1, (2, 13)), (1, 3, (9, 5)), (1, 0, (15, 0))):
        x = np.zeros((2, FRAMES, 1, 16, 16), np.float32)
        x[(clip, frame, 0, *place)] = 5
        found = explain(backend, x.reshape(8, 1, 16, 16), target=1, layer="last").map
        cells = found.reshape(2, FRAMES, SIDE, SIDE)
        hottest = np.unravel_index(cells.argmax(), cells.shape)
        assert hottest == (clip, frame, place[0] // 4, place[1] // 4)
        others = np.argwhere(cells > 0)
        assert (others[:, [0, 2, 3]] == [clip, place[0] // 4, place[1] // 4]).all()
        assert np.abs(others[:, 1] - frame).max() <= 1
