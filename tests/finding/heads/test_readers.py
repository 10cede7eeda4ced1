"""What is a line with a character a step, and what only looks like one."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from tests.finding.heads.texts import net

pytest.importorskip("onnxruntime")


def slots(steps: int, classes: int, end: str = "y = Identity(s)", outputs: str = "") -> object:
    """[N, steps, classes] of a linear layer over the mean of the maps."""
    shape = f"{steps}, {classes}"
    nodes = f"z = MatMul(f, table) s = Reshape(z, three) {end}"
    model = net(nodes, outputs or f"float[N, {shape}] y")
    rng = np.random.default_rng(6)
    for name, value in {
        "table": rng.normal(size=(6, steps * classes)).astype(np.float32),
        "three": np.array([0, steps, classes]),
    }.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


CASES = {  # steps, classes, what comes after, outputs -> is it read by step?
    "logits": (7, 12, "y = Identity(s)", "", True),
    "a softmax": (7, 12, "y = Softmax<axis = 2>(s)", "", True),
    "their best": (7, 12, "y = ArgMax<axis = 2, keepdims = 0>(s)", "int64[N, 7] y", True),
    "sigmoids": (7, 12, "y = Sigmoid(s)", "", False),
    "as many as queries": (100, 12, "y = Identity(s)", "", False),
    "too few classes": (7, 4, "y = Softmax<axis = 2>(s)", "", False),
    "one step": (1, 12, "y = Identity(s)", "", False),
    "something else beside": (7, 12, "y = Identity(s) e = Identity(f)",
                              "float[N, 7, 12] y, float[N, 6] e", False),
    "no linear layer": (7, 12, "y = Relu(s)", "", False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_which_are_lines(case: str) -> None:
    steps, classes, end, outputs, expected = CASES[case]
    head = OnnxBackend(slots(steps, classes, end, outputs)).heads()[0]
    assert (head.kind == "sequence") == expected
    assert head.by_step == expected


def test_a_line_along_the_picture_is_none_by_step() -> None:
    """CTC's steps come from its width."""
    nodes = """r = ReduceMean<axes = [2], keepdims = 0>(a) t = Transpose<perm = [0, 2, 1]>(r)
        z = MatMul(t, m) y = Softmax(z)"""
    model = net(nodes, "float[N, 8, 5] y")
    weight = next(held for held in model.graph.initializer if held.name == "m")
    wide = np.random.default_rng(1).normal(size=(6, 12)).astype(np.float32)
    weight.CopyFrom(onnx.numpy_helper.from_array(wide, "m"))
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 12
    (head,) = OnnxBackend(model).heads()
    assert (head.kind, head.by_step) == ("sequence", False)
