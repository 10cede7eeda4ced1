"""Inputs of one long axis that the file lays out as a picture: heat lies over the event's place."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from backends.onnx.finding.axes.walk import followed
from backends.onnx.reading.prepare import prepare
from cam_core import explain
from tests.sessions import run

HIGH, WIDE, CELL = 16, 24, 4
EVENTS = [(0, 0), (15, 23), (6, 17), (13, 2)]
FOLDS = {  # the input less its rows, how it is laid out
    "row by row": ("384", "s = Constant<value = int64[4] {-1,1,16,24}>() p = Reshape(x, s)"),
    "channels last": (
        "1152",
        """s = Constant<value = int64[4] {-1,16,24,3}>() r = Reshape(x, s)
        p = Transpose<perm = [0,3,1,2]>(r)""",
    ),
    "channels first": ("1152", "s = Constant<value = int64[4] {-1,3,16,24}>() p = Reshape(x, s)"),
    "two channels apart": (
        "2,384", "s = Constant<value = int64[4] {-1,2,16,24}>() p = Reshape(x, s)",
    ),
    "on its side": (
        "384",
        """s = Constant<value = int64[4] {-1,1,16,24}>() r = Reshape(x, s)
        p = Transpose<perm = [0,1,3,2]>(r)""",
    ),
    "otherwise before": (
        "384",
        """t = Constant<value = int64[3] {-1,48,8}>() q = Reshape(x, t) n = Relu(q)
        s = Constant<value = int64[4] {-1,1,16,24}>() p = Reshape(n, s)""",
    ),
    "in steps": (
        "384",
        """s = Constant<value = int64[3] {-1,16,24}>() r = Reshape(x, s)
        one = Constant<value = int64[1] {1}>() p = Unsqueeze(r, one)""",
    ),
    "padded": (
        "384",
        """s = Constant<value = int64[4] {-1,1,16,24}>() r = Reshape(x, s)
        e = Constant<value = int64[8] {0,0,4,0,0,0,0,4}>() p = Pad(r, e)""",
    ),
}  # fmt: skip


def net(name: str) -> onnx.ModelProto:
    shape, body = FOLDS[name]
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,{shape}] x) => (float[N,2] y) {{
        {body} c = Conv<strides = [4,4]>(p, w) last = Relu(c)
        m = ReduceMean<axes = [2,3], keepdims = 0>(last) y = MatMul(m, head)
    }}"""
    model = onnx.parser.parse_model(text)
    channels = {"384": 1, "1152": 3, "2,384": 2}[shape]
    for key, value in {"w": np.ones((3, channels, 4, 4)), "head": np.ones((3, 2))}.items():
        tensor = numpy_helper.from_array(value.astype(np.float32), key)
        model.graph.initializer.append(tensor)
    return model


def event(name: str, high: int, wide: int) -> Any:
    """[1, ...] as the model takes it."""
    picture = np.zeros((1, HIGH, WIDE), np.float32)
    picture[0, high, wide] = 5
    if name == "channels last":
        return np.repeat(picture[..., None], 3, -1).reshape(1, -1)
    if name == "channels first":
        return np.repeat(picture[:, None], 3, 1).reshape(1, -1)
    if name == "two channels apart":
        return np.repeat(picture.reshape(1, 1, -1), 2, 1)
    return picture.reshape(1, -1)


@pytest.mark.parametrize("name", FOLDS)
def test_heat_lies_over_the_place_of_the_event(name: str) -> None:
    model = net(name)
    backend = OnnxBackend(model)
    assert backend.default_layer in ("last", "c")
    file = instrument(model, layer="last", outputs=("map",))
    for high, wide in EVENTS:
        x = event(name, high, wide)
        found = explain(backend, x, target=1, layer="last")
        assert found.region is not None
        assert found.region.layout in ("16 x 24", "16 x 24 x 3", "3 x 16 x 24")
        heat = found.heatmap((HIGH, WIDE))[0]
        inside = np.zeros((HIGH, WIDE), bool)
        top, left = high // CELL * CELL, wide // CELL * CELL
        inside[top : top + CELL, left : left + CELL] = True
        assert inside[np.unravel_index(heat.argmax(), heat.shape)]
        away = np.argwhere(heat > 0) - (top + 1.5, left + 1.5)
        assert np.abs(away).max() <= 2 * CELL
        np.testing.assert_array_equal(found.heatmap((HIGH * WIDE,))[0], heat.ravel())
        written = run(file, x=x, cam_class=np.array([1]))["cam_map"]
        np.testing.assert_allclose(written, found.map, rtol=1e-6)


def test_the_written_heat_is_a_picture() -> None:
    """Of the file's rows and columns, not of one long axis."""
    x = event("row by row", 6, 17)
    heat = run(instrument(net("row by row"), outputs=("heatmap",)), x=x, cam_class=np.array([1]))
    found = explain(OnnxBackend(net("row by row")), x, target=1).heatmap((HIGH, WIDE))
    np.testing.assert_allclose(heat["cam_heatmap"], found, atol=1e-6)


APART = {
    "frames of a signal": ("400", "{-1,1,20}", "Conv(p, w)", (1, 1, 3)),
    "a length that is free": ("L", "{1,1,-1,20}", "Conv(p, w)", (1, 1, 3, 3)),
}


@pytest.mark.parametrize("name", APART)
def test_what_is_no_picture_stays_one_axis(name: str) -> None:
    shape, to, conv, weight = APART[name]
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]> g (float[N,{shape}] x) => (float y) {{
        s = Constant<value = int64[{to.count(",") + 1}] {to}>() p = Reshape(x, s) y = {conv} }}"""
    )
    model.graph.initializer.append(numpy_helper.from_array(np.ones(weight, np.float32), "w"))
    (axis,) = followed(prepare(model))["x"][1:]
    assert len(axis) == 1
