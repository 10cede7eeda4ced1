"""Types, shapes and values that probing finds, against what onnxruntime makes at any extent."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx.reading.facts import Facts
from backends.onnx.reading.shapes import infer
from tests.sessions import run
from tests.written import parsed

CONSTANTS = {
    "zero": np.array(0),
    "one": np.array(1),
    "first": np.array([0]),
    "second": np.array([1]),
    "rest": np.array([-1]),
    "halves": np.array([0, 2, -1]),
    "windows": np.array([0, -1, 1024]),
    "row": np.ones((1, 6), np.float32),
}


def facts(model: onnx.ModelProto, **probed: tuple[int, int]) -> Facts:
    """With the constants as inputs, as the reader hands them over."""
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model)
    for name, value in CONSTANTS.items():
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        skeleton.graph.input.append(helper.make_tensor_value_info(name, kind, value.shape))
        skeleton.graph.initializer.append(numpy_helper.from_array(value, name))
    return infer(skeleton, dict(CONSTANTS), list(CONSTANTS), dict(probed))


def made(model: onnx.ModelProto, *shape: int) -> dict[str, Any]:
    """Every tensor, from an input of this shape."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in CONSTANTS.items())
    del whole.graph.output[:]
    names = [name for node in model.graph.node for name in node.output]
    whole.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return run(whole, x=np.ones(shape, np.float32))


BODIES = {
    "views": "a = Reshape(x, halves) b = Transpose(a) y = Unsqueeze(b, first)",
    "a chain of shapes": """s = Shape(x) n = Gather(s, zero) u = Unsqueeze(n, first)
        t = Concat<axis = 0>(u, rest) y = Reshape(x, t)""",
    "a chain that folds": """s = Shape(x) n = Gather(s, one) u = Unsqueeze(n, first)
        t = Concat<axis = 0>(u, rest) y = Reshape(x, t)""",
    "types": "c = Cast<to = 10>(x) i = ArgMax<axis = 1>(c) y = Greater(x, x)",
    "computed alike": """a = Concat<axis = 0>(x, x) b = Concat<axis = 0>(x, x)
        y = Concat<axis = 1>(a, b)""",
    "a pool": "u = Unsqueeze(x, first) y = MaxPool<kernel_shape = [2], strides = [2]>(u)",
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_an_extent_is_a_number_or_a_symbol_as_the_runtime_makes_it(what: str) -> None:
    model = parsed("float[N,6] x", BODIES[what], "float[A,B] y")
    known = facts(model)
    met: dict[Any, list[int]] = {}
    for rows in (2, 4, 10):
        for name, value in made(model, rows, 6).items():
            assert helper.np_dtype_to_tensor_dtype(value.dtype) == known.dtypes[name], name
            assert len(known.shapes[name]) == value.ndim, name
            for extent, size in zip(known.shapes[name], value.shape, strict=True):
                met.setdefault((rows, extent), []).append(size)
            if name in known.values:
                np.testing.assert_array_equal(known.values[name], value, err_msg=name)
    for (rows, extent), sizes in met.items():
        assert len(set(sizes)) == 1, extent  # one symbol is one number
        known_size = {"N": rows}.get(extent, extent)
        assert known_size == sizes[0] or met[2, extent] != met[4, extent]
        assert isinstance(known_size, int) or "|" in known_size


def test_what_is_computed_on_two_ways_is_one_extent() -> None:
    body = """a = Concat<axis = 0>(x, x) s = Shape(a) n = Gather(s, first)
        e = ConstantOfShape(n) y = Neg(e)"""
    known = facts(parsed("float[N,6] x", body, "float[A] y"))
    assert known.shapes["a"][0] == known.shapes["y"][0]
    assert known.shapes["a"][0] not in (None, "N")


def test_only_what_never_changes_has_a_value() -> None:
    body = "s = Shape(x) n = Gather(s, zero) k = Gather(s, one) y = Mul(k, k)"
    known = facts(parsed("float[N,6] x", body, "int64 y"))
    assert known.values["y"] == 36
    assert not {"s", "n"} & set(known.values)


def test_what_counts_at_any_extent() -> None:
    body = """s = Shape(x) n = Gather(s, zero) i = Range(zero, n, one) j = Unsqueeze(i, second)
        k = Range(one, n, one) y = Identity(j)"""
    known = facts(parsed("float[N,6] x", body, "int64[N,1] y"))
    assert known.counts == {"i": "N", "j": "N", "y": "N"}


def test_a_condition_is_decided_where_no_dynamic_extent_has_a_part() -> None:
    branches = """<then_branch = a () => (p) { p = Neg(x) },
                   else_branch = b () => (q) { q = Transpose(x) }>"""
    body = f"""s = Shape(x) n = Gather(s, zero) k = Gather(s, one) one_row = Equal(n, one)
        single = Equal(k, one) a = If (one_row) {branches} y = If (single) {branches}"""
    known = facts(parsed("float[N,6] x", body, "float[A,B] y"))
    assert known.decided == {"single"}
    assert known.shapes["y"] == (6, "N")
    assert known.shapes["a"] == (None, None)


def test_a_branch_that_is_empty_says_nothing_of_the_other() -> None:
    """torchvision's suppression gives no boxes where there are none, else any number of them."""
    branches = """<then_branch = a () => (p) { p = Constant<value = float[0] {}>() },
                   else_branch = b () => (q) { q = Compress(x, keep) }>"""
    body = f"""t = Transpose(x) none = ReduceMax<keepdims = 0>(x) empty = Cast<to = 9>(none)
        keep = Cast<to = 9>(f) y = If (empty) {branches}"""
    known = facts(parsed("float[N,6] x, float[6] f", body, "float[A] y"))
    assert known.shapes["y"] == (None,)


def test_what_was_probed_around_a_body_stands_for_the_same_in_it() -> None:
    body = "a = Concat<axis = 0>(x, x) y = Neg(a)"
    known = facts(parsed("float[M,6] x", body, "float[A,6] y"), M=(11, 13))
    assert known.probed["M"] == (11, 13)
    assert known.shapes["y"] == ("22|26", 6)
    computed = facts(parsed("float[A,6] x", body.replace("a, a", "x"), "float[B,6] y"))
    assert computed.probed["A"] != (11, 13)


def test_a_long_signal_is_cut_into_windows() -> None:
    """Sizes of images do not divide so, and are given up."""
    known = facts(parsed("float[N,T] x", "y = Reshape(x, windows)", "float[N,K,1024] y"))
    assert [extent % 1024 for extent in known.probed["T"]] == [0, 0]
    low, high = (extent // 1024 for extent in known.probed["T"])
    assert known.shapes["y"] == ("N", f"{low}|{high}", 1024)


@pytest.mark.parametrize("frames", [2, 4, 8, 16, 32, 12, 20])
def test_rows_that_are_parted_into_clips(frames: int) -> None:
    """Few rows do not divide so, and are given up."""
    clips = f"s = Constant<value = int64[3] {{-1,{frames},6}}>() y = Reshape(x, s)"
    known = facts(parsed("float[N,6] x", clips, f"float[K,{frames},6] y"))
    low, high = known.probed["N"]
    assert known.shapes["y"] == (f"{low // frames}|{high // frames}", frames, 6)
    assert low % frames == high % frames == 0


def test_a_batch_that_was_baked_in_is_tried_last() -> None:
    known = facts(parsed("float[N,6] x", "y = Concat<axis = 1>(x, row)", "float[1,12] y"))
    assert (known.probed["N"], known.shapes["y"]) == ((1, 1), (1, 12))
    known = facts(parsed("float[N,6] x", "y = Neg(x)", "float[1,6] y"))
    assert known.shapes["y"] == ("N", 6)


def test_shapes_that_contradict_leave_the_type() -> None:
    """And what is declared, where nothing else is known."""
    known = facts(parsed("float[2,3] x, float[4] z", "a = Add(x, z) y = Neg(a)", "float[2,7] y"))
    assert known.dtypes["a"] == onnx.TensorProto.FLOAT
    assert "a" not in known.shapes
    assert known.shapes["y"] == (2, 7)
