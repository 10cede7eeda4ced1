"""A line for the layer and a line for the inputs: what is said is what the file does."""

from __future__ import annotations

from backends.onnx.commands.words import inputs_said, layer_said, windows_said
from backends.onnx.finding.analysis import analyse
from cam_core.region import Region
from tests.finding.test_roles import model_of

HEAD = "r = Relu(c) g = GlobalAveragePool(r) f = Flatten(g) y = MatMul(f, v)"


def test_a_picture() -> None:
    model = model_of(
        "float[N,32,24,3] x",
        "t = Transpose<perm = [0,3,1,2]>(x) c = Conv(t, w) " + HEAD,
        w=(4, 3, 3, 3), v=(4, 5),
    )  # fmt: skip
    found = analyse(model, [None])
    assert layer_said(found) == "r  NCHW  over 'x'"
    assert inputs_said(found) == "x [N rows, 32 places, 24 places, 3 channels]"


def test_a_part_of_a_picture() -> None:
    cut = """a = Constant<value = int64[1] {8}>() b = Constant<value = int64[1] {24}>()
        i = Constant<value = int64[1] {2}>() p = Slice(x, a, b, i)
        c = Conv<pads = [1,1,1,1]>(p, w) """
    found = analyse(model_of("float[1,3,32,24] x", cut + HEAD, w=(4, 3, 3, 3), v=(4, 5)), [None])
    assert layer_said(found) == "r  NCHW  over 'x', 0.25 to 0.75 x 0 to 1 of it"
    assert windows_said(Region("x", (1,), ((0, 1),))) == "0 to 1"
    padded = Region("x", (1, 2), ((0, 1), (0.25, 1)), shifts=((-200, 200), (0, 0)))
    assert windows_said(padded) == "0-200 cells to 1+200 cells x 0.25 to 1"


def test_an_axis_that_is_laid_out_as_a_picture() -> None:
    cut = "s = Constant<value = int64[4] {-1,3,16,16}>() p = Reshape(x, s) c = Conv(p, w) "
    found = analyse(model_of("float[N,768] x", cut + HEAD, w=(4, 3, 3, 3), v=(4, 5)), [None])
    assert layer_said(found) == "r  NCHW  over 'x' laid out as 3 x 16 x 16"
    assert inputs_said(found) == "x [N rows, 768 places as 3 x 16 x 16]"


def test_what_counts_no_rows_is_given_whole() -> None:
    body = """c = Conv(x, w) r = Relu(c) g = GlobalAveragePool(r) f = Flatten(g)
        m = ReduceMean<axes = [1], keepdims = 0>(words) t = Transpose<perm = [1,0]>(m)
        y = MatMul(f, t)"""
    model = model_of("float[N,3,8,8] x, float[7,6,4] words", body, w=(4, 3, 3, 3))
    found = analyse(model, [None])
    assert (
        inputs_said(found)
        == "x [N rows, 3 channels, 8 places, 8 places]; words [7, 6, 4], given whole"
    )


def test_extents_that_weights_decide_are_said_to_be_theirs() -> None:
    body = """c = Conv<strides = [4,4]>(x, w) q = Constant<value = int64[3] {0, 4, -1}>()
        r = Reshape(c, q) p = Add(r, places) y = ReduceMean<axes = [2], keepdims = 0>(p)"""
    model = model_of("float[N,C,H,W] x", body, w=(4, 3, 4, 4), places=(1, 4, 25))
    assert inputs_said(analyse(model, [None])) == (
        "x [N rows, 3 channels, 20 places, 20 places], 3 x 20 x 20 as the weights have it"
    )
