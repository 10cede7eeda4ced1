"""Random graphs that only move data: index pictures through onnxruntime against what is claimed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.finding.axes.tracers import axes_of, index_pictures, losses, said, wrong_moves
from tests.rules.drawn import draws
from tests.sessions import run

SHAPES = ((1, 2, 4, 6), (2, 3, 4, 4), (1, 12, 4), (2, 8, 6), (1, 1, 8, 8), (3, 4, 2, 2))


class Drawn:
    """A model that grows by one move at a time, and the shape that it has come to."""

    def __init__(self, shape: tuple[int, ...], draw: Any) -> None:
        self.draw, self.shape, self.first = draw, shape, shape
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = "x"
        self.exact = True
        """Can every cell be written as whole sub-factors so far?"""

    def add(
        self, operator: str, shape: tuple[int, ...], *constants: Any, **attributes: Any
    ) -> None:
        names = [self.last, *(self.constant(value) for value in constants)]
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [self.last], **attributes))
        self.shape = shape

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def transpose(self) -> None:
        order = self.draw(st.permutations(range(len(self.shape))))
        self.add("Transpose", tuple(self.shape[i] for i in order), perm=order)

    def split_axis(self) -> None:
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        parts = [d for d in range(1, self.shape[axis] + 1) if self.shape[axis] % d == 0]
        outer = self.draw(st.sampled_from(parts))
        if len(self.shape) < 6:
            inner = self.shape[axis] // outer
            to = (*self.shape[:axis], outer, inner, *self.shape[axis + 1 :])
            self.add("Reshape", to, np.array(to))

    def merge_axes(self) -> None:
        if len(self.shape) > 1:
            axis = self.draw(st.integers(0, len(self.shape) - 2))
            both = self.shape[axis] * self.shape[axis + 1]
            to = (*self.shape[:axis], both, *self.shape[axis + 2 :])
            self.add("Reshape", to, np.array(to))

    def take(self) -> None:
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        extent = self.shape[axis]
        start, stop = self.draw(st.integers(0, extent - 1)), self.draw(st.integers(1, extent))
        step = self.draw(st.sampled_from((1, 2, -1)))
        if step < 0:
            start, stop = extent - 1, -extent - 1
        count = len(range(extent)[slice(start, None if step < 0 else stop, step)])
        if count:
            to = (*self.shape[:axis], count, *self.shape[axis + 1 :])
            self.add("Slice", to, *(np.array([n]) for n in (start, stop, axis, step)))

    def reorder(self) -> None:
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        extent = self.shape[axis]
        shift = self.draw(st.integers(0, extent - 1))
        kinds = [np.roll(np.arange(extent), shift), np.arange(extent)[::-1]]
        kinds.append(np.array(self.draw(st.permutations(range(extent)))))
        outer = self.draw(st.sampled_from([d for d in range(1, extent + 1) if extent % d == 0]))
        kinds.append(np.arange(extent).reshape(outer, -1).T.ravel())
        self.add("Gather", self.shape, self.draw(st.sampled_from(kinds)).copy(), axis=axis)

    def unfold(self) -> None:
        """Windows of an axis, overlapping or with gaps, walked over either way."""
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        extent = self.shape[axis]
        size, step, gap = (self.draw(st.integers(1, 3)) for _ in range(3))
        count = (extent - 1 - (size - 1) * gap) // step + 1
        if count > 0 and len(self.shape) < 6:
            table = np.arange(size)[:, None] * gap + step * np.arange(count)
            table = table[::-1, ::-1] if self.draw(st.booleans()) else table
            to = (*self.shape[:axis], size, count, *self.shape[axis + 1 :])
            self.add("Gather", to, table.copy(), axis=axis)

    def pad(self) -> None:
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        before, after = (self.draw(st.integers(0, 2)) for _ in range(2))
        pads = np.zeros((2, len(self.shape)), np.int64)
        pads[:, axis] = before, after
        to = list(self.shape)
        to[axis] += before + after
        self.add("Pad", tuple(to), pads.ravel(), np.float32(0))

    def join(self) -> None:
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        own, extra = self.last, list(self.shape)
        extra[axis] = self.draw(st.integers(1, 2))
        token = self.constant(np.zeros(extra, np.float32))
        order = [token, own] if self.draw(st.booleans()) else [own, token]
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node("Concat", order, [self.last], axis=axis))
        to = list(self.shape)
        to[axis] += extra[axis]
        self.shape = tuple(to)

    def model(self) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Identity", [self.last], ["y"]))
        info = [("x", self.first), ("y", self.shape)]
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in info)
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


MOVES = ("transpose", "split_axis", "merge_axes", "take", "reorder", "unfold", "pad", "join")


@draws(60)
@given(st.data())
def test_no_claim_is_wrong(data: st.DataObject) -> None:
    drawn = Drawn(data.draw(st.sampled_from(SHAPES)), data.draw)
    for _ in range(data.draw(st.integers(1, 7))):
        if np.prod(drawn.shape) < 600:
            getattr(drawn, data.draw(st.sampled_from(MOVES)))()
    model = drawn.model()
    pictures = index_pictures({"x": drawn.first})
    (result,) = run(model, pictures).values()
    assert wrong_moves(axes_of(model)["y"], result, pictures) == []


@draws(40)
@given(st.data())
def test_splits_merges_and_turns_lose_nothing(data: st.DataObject) -> None:
    """Whatever is only split, turned and put back in whole parts is known to the last cell."""
    drawn = Drawn(data.draw(st.sampled_from(SHAPES)), data.draw)
    for _ in range(data.draw(st.integers(1, 6))):
        getattr(drawn, data.draw(st.sampled_from(("transpose", "split_axis", "merge_axes"))))()
    model = drawn.model()
    pictures = index_pictures({"x": drawn.first})
    (result,) = run(model, pictures).values()
    axes = axes_of(model)["y"]
    assert wrong_moves(axes, result, pictures) == []
    if not losses(axes):
        long = {("x", i) for i, extent in enumerate(drawn.first) if extent > 1}
        assert said(axes) >= long
