"""x[arange(N), k] as exporters write it: row i is of row i, and nothing else is claimed."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest

from tests.finding.axes.tracers import axes_of, losses, said

HEAD = '<ir_version: 8, opset_import: ["" : 17]> g (float[N,6,8] x, int64[N,6] k) => (float y)'
ROWS = """s = Shape(k) zero = Constant<value_int = 0>() one = Constant<value_int = 1>()
    n = Gather(s, zero) i = Range(zero, n, one) last = Constant<value = int64[1] {-1}>()
    best = ArgMax<axis = 1, keepdims = 0>(k) """
PAIRS = "p = Unsqueeze(LEFT, last) q = Unsqueeze(best, last) at = Concat<axis = -1>(p, q) "
FLAT = """six = Constant<value_int = 6>() form = Constant<value = int64[2] {-1, 8}>()
    f = Reshape(x, form) r = Mul(LEFT, STEP) at = Add(best, r) y = Gather(f, at)"""
TAKEN = {  # as the two exporters write it
    "by pairs": ROWS + PAIRS.replace("LEFT", "i") + "y = GatherND(x, at)",
    "flattened": ROWS + FLAT.replace("LEFT", "i").replace("STEP", "six"),
}
OTHERS = {  # other rows, or the cells of others
    "pairs, the last row first": ROWS
    + "m = Sub(n, one) b = Sub(m, i) "
    + PAIRS.replace("LEFT", "b")
    + "y = GatherND(x, at)",
    "pairs by numbers alone": ROWS + PAIRS.replace("LEFT", "best") + "y = GatherND(x, at)",
    "flattened, the last row first": ROWS
    + "m = Sub(n, one) b = Sub(m, i) "
    + FLAT.replace("LEFT", "b").replace("STEP", "six"),
    "flattened by another step": ROWS + FLAT.replace("LEFT", "i").replace("STEP", "one"),
}


def parsed(body: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f"{HEAD} {{ {body} }}")


@pytest.mark.parametrize("case", TAKEN)
def test_rows_are_kept(case: str) -> None:
    axes = axes_of(parsed(TAKEN[case]))["y"]
    assert said(axes) == {("x", 0)} | {("x", 2)}
    assert not losses(axes)


@pytest.mark.parametrize("case", OTHERS)
def test_other_rows_are_not_claimed(case: str) -> None:
    axes = axes_of(parsed(OTHERS[case]))["y"]
    assert ("x", 0) not in said(axes)
    assert losses(axes)


def test_a_table_whose_pairs_count_along_both_axes() -> None:
    """A mask that is read by all pairs of row and step, as the newer exporter writes it."""
    body = """a = Constant<value = int64[2,3,2] {0,0, 0,1, 0,2, 1,0, 1,1, 1,2}>()
        y = GatherND(x, a)"""
    text = HEAD.replace("float[N,6,8] x", "float[2,3,8] x") + f" {{ {body} }}"
    axes = axes_of(onnx.parser.parse_model(text))["y"]
    assert said(axes) == {("x", 0), ("x", 1), ("x", 2)}
