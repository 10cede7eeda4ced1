"""Views, slices, gathers, joins: index pictures through onnxruntime say where each cell is from."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from tests.finding.axes.tracers import axes_of, index_pictures, losses, said, wrong_moves
from tests.sessions import run

MOVES = {
    "transposed": ("1,3,4,6", "y = Transpose<perm = [0,1,3,2]>(x)", {2, 3}),
    "windows": (
        "2,3,8,4",
        """s1 = Constant<value = int64[6] {2,3,2,4,2,2}>()  a = Reshape(x, s1)
        b = Transpose<perm = [0,2,4,3,5,1]>(a)
        s2 = Constant<value = int64[3] {8,8,3}>()  y = Reshape(b, s2)""",
        {0, 1, 2, 3},
    ),
    "there and back": (
        "2,3,8,4",
        """s1 = Constant<value = int64[6] {2,3,2,4,2,2}>()  a = Reshape(x, s1)
        b = Transpose<perm = [0,2,4,1,3,5]>(a)  c = Transpose<perm = [0,3,1,4,2,5]>(b)
        s2 = Constant<value = int64[4] {2,3,8,4}>()  y = Reshape(c, s2)""",
        {0, 1, 2, 3},
    ),
    "6 x 4 to 8 x 3": (
        "1,2,6,4", "s = Constant<value = int64[4] {1,2,8,3}>() y = Reshape(x, s)", {1},
    ),
    "one axis split elsewhere": (
        "1,24",
        """s = Constant<value = int64[3] {1,6,4}>() a = Reshape(x, s)
        t = Constant<value = int64[3] {1,8,3}>() y = Reshape(a, t)""",
        {1},
    ),
    "rolled": (
        "1,8,2",
        """one = Constant<value = int64[1] {1}>() three = Constant<value = int64[1] {3}>()
        end = Constant<value = int64[1] {99}>() zero = Constant<value = int64[1] {0}>()
        a = Slice(x, three, end, one) b = Slice(x, zero, three, one) y = Concat<axis = 1>(a, b)""",
        {1, 2},
    ),
    "rolled by a gather": (
        "1,8,2",
        "i = Constant<value = int64[8] {3,4,5,6,7,0,1,2}>() y = Gather<axis = 1>(x, i)",
        {1, 2},
    ),
    "rolled, cut into windows, put back, rolled back": (
        "1,8,2",
        """i = Constant<value = int64[8] {3,4,5,6,7,0,1,2}>() a = Gather<axis = 1>(x, i)
        s = Constant<value = int64[3] {2,4,2}>() b = Reshape(a, s)
        t = Constant<value = int64[3] {1,8,2}>() c = Reshape(b, t)
        j = Constant<value = int64[8] {5,6,7,0,1,2,3,4}>() y = Gather<axis = 1>(c, j)""",
        {1, 2},
    ),
    "rolled, cut into windows": (
        "1,8,2",
        """i = Constant<value = int64[8] {3,4,5,6,7,0,1,2}>() a = Gather<axis = 1>(x, i)
        s = Constant<value = int64[3] {2,4,2}>() y = Reshape(a, s)""",
        {1, 2},
    ),
    "flipped, every third": (
        "2,9,4",
        """a = Constant<value = int64[1] {8}>() b = Constant<value = int64[1] {-99}>()
        d = Constant<value = int64[1] {1}>() e = Constant<value = int64[1] {-3}>()
        y = Slice(x, a, b, d, e)""",
        {0, 1, 2},
    ),
    "a class token before": (
        "2,4,3",
        """c = Constant<value = float[2,1,3] {0,0,0,0,0,0}>() y = Concat<axis = 1>(c, x)""",
        {0, 1, 2},
    ),
    "a class token taken off again": (
        "2,4,3",
        """c = Constant<value = float[2,1,3] {0,0,0,0,0,0}>() a = Concat<axis = 1>(c, x)
        i = Constant<value = int64[3] {1,2,4}>() y = Gather<axis = 1>(a, i)""",
        {0, 1, 2},
    ),
    "padded and cropped": (
        "1,2,5,3",
        """p = Constant<value = int64[8] {0,0,1,0,0,0,2,0}>() a = Pad(x, p)
        b = Constant<value = int64[1] {2}>() e = Constant<value = int64[1] {7}>()
        y = Slice(a, b, e, b)""",
        {1, 2, 3},
    ),
    "pixels into channels": ("1,2,4,6", "y = SpaceToDepth<blocksize = 2>(x)", {1, 2, 3}),
    "channels into pixels": (
        "1,8,3,2", 'y = DepthToSpace<blocksize = 2, mode = "CRD">(x)', {1, 2, 3},
    ),
    "columns into pixels": ("1,8,3,2", "y = DepthToSpace<blocksize = 2>(x)", {1, 2, 3}),
    "tokens": (
        "2,3,4,5",
        """s = Constant<value = int64[3] {2,3,20}>() a = Reshape(x, s)
        y = Transpose<perm = [0,2,1]>(a)""",
        {0, 1, 2, 3},
    ),
    "rows of tokens": (
        "1,2,4,5",
        """s = Constant<value = int64[3] {1,2,20}>() a = Reshape(x, s)
        b = Constant<value = int64[1] {5}>() e = Constant<value = int64[1] {15}>()
        d = Constant<value = int64[1] {2}>() y = Slice(a, b, e, d)""",
        {1, 2, 3},
    ),
    "halves the other way round": (
        "1,6,2", "a, b = Split<axis = 1>(x) y = Concat<axis = 1>(b, a)", {1, 2},
    ),
    "frames in the batch": (
        "2,4,3,2,2",
        "s = Constant<value = int64[4] {8,3,2,2}>() y = Reshape(x, s)",
        {0, 1, 2, 3, 4},
    ),
    "repeated": (
        "1,3,2", "r = Constant<value = int64[3] {1,2,2}>() y = Tile(x, r)", {1, 2},
    ),
    "unfolded": (
        "2,3,8,4",
        """i = Constant<value = int64[2,4] {0,2,4,6,1,3,5,7}>() a = Gather<axis = 2>(x, i)
        j = Constant<value = int64[2,2] {0,2,1,3}>() b = Gather<axis = 4>(a, j)
        c = Transpose<perm = [0,1,2,4,3,5]>(b) s = Constant<value = int64[3] {2,12,8}>()
        y = Reshape(c, s)""",
        {0, 1, 2, 3},
    ),
    "unfolded, overlapping, of a padded picture": (
        "1,2,7,2",
        """p = Constant<value = int64[8] {0,0,1,0,0,0,1,0}>() a = Pad(x, p)
        i = Constant<value = int64[3,4] {0,2,4,6,1,3,5,7,2,4,6,8}>() b = Gather<axis = 2>(a, i)
        c = Transpose<perm = [0,1,2,4,3]>(b) s = Constant<value = int64[3] {1,6,8}>()
        y = Reshape(c, s)""",
        {1, 2, 3},
    ),
    "unfolded backwards, with gaps": (
        "1,9,2",
        """i = Constant<value = int64[3,2] {8,6,5,3,2,0}>() y = Gather<axis = 1>(x, i)""",
        {1, 2},
    ),
    "interleaved": (
        "1,8,2",
        "i = Constant<value = int64[8] {0,4,1,5,2,6,3,7}>() y = Gather<axis = 1>(x, i)",
        {1, 2},
    ),
    "each twice": (
        "1,3,2",
        "i = Constant<value = int64[6] {0,0,1,1,2,2}>() y = Gather<axis = 1>(x, i)",
        {1, 2},
    ),
    "one row of tokens": (
        "1,12,2",
        """s = Constant<value = int64[4] {1,3,4,2}>() a = Reshape(x, s)
        i = Constant<value = int64 {2}>() y = Gather<axis = 1>(a, i)""",
        {1, 2},
    ),
}  # fmt: skip
"""Body, shape of the input, and its axes that must be known afterwards."""


def model_of(body: str, shape: str) -> onnx.ModelProto:
    text = (
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{shape}] x) => (float y) {{ {body} }}'
    )
    return onnx.parser.parse_model(text)


@pytest.mark.parametrize("name", MOVES)
def test_cells_are_from_where_they_are_said_to_be(name: str) -> None:
    shape, body, known = MOVES[name]
    model = model_of(body, shape)
    pictures = index_pictures({"x": tuple(map(int, shape.split(",")))})
    (result,) = run(model, pictures).values()
    axes = axes_of(model)["y"]
    assert wrong_moves(axes, result, pictures) == []
    assert {axis for _, axis in said(axes)} >= known - _short(shape)
    assert bool(losses(axes)) == (name == "6 x 4 to 8 x 3")


def _short(shape: str) -> set[int]:
    return {i for i, extent in enumerate(shape.split(",")) if extent == "1"}


def test_free_extents_are_followed_at_both_probes() -> None:
    model = model_of(
        "s = Constant<value = int64[3] {0,3,-1}>() a = Reshape(x, s) "
        "y = Transpose<perm = [0,2,1]>(a)",
        "N,3,H,8",
    )
    for probe in (0, 1):
        axes: Any = axes_of(model, probe)["y"]
        assert not losses(axes)
        assert said(axes) == {("x", 0), ("x", 1), ("x", 2), ("x", 3)}


def test_a_claim_that_is_wrong_is_found() -> None:
    """The oracle itself: axes of a picture that was not turned, held against a turned one."""
    pictures = index_pictures({"x": (1, 2, 3, 3)})
    axes = axes_of(model_of("y = Identity(x)", "1,2,3,3"))["y"]
    assert wrong_moves(axes, np.swapaxes(pictures["x"], 2, 3), pictures)
