"""The table of what there is: real operators, no int64, and what is known to be lacking is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.writing.webgpu import CONDITION, KERNELS, KINDS, NEWEST, missing, runs

LACKING = (
    *("OneHot", "ConstantOfShape", "Sign", "Col2Im", "NonMaxSuppression", "Loop", "Scan", "Mod"),
    *("Round", "NonZero", "QuantizeLinear", "GroupNormalization", "LRN", "RoiAlign", "Or", "Shape"),
    *("LogSoftmax", "SpaceToDepth", "Upsample", "EyeLike", "LSTM", "Sum", "Compress"),
)


def tensor(kind: Any) -> Any:
    return gs.Variable("x", np.dtype(kind), (2, 3))


@pytest.mark.parametrize("name", LACKING)
def test_what_is_lacking_is_not_there(name: str) -> None:
    assert not runs(name, [tensor(np.float32)], 17)


@pytest.mark.parametrize("name", KERNELS)
def test_every_row_is_an_operator_of_onnx(name: str) -> None:
    kernel = KERNELS[name]
    versions = [s for s in onnx.defs.get_all_schemas_with_history() if s.name == name]
    assert any(kernel.first <= s.since_version <= kernel.last <= NEWEST for s in versions)
    assert set(kernel.kinds) <= set(KINDS.values())


@pytest.mark.parametrize("name", KERNELS)
def test_none_takes_int64(name: str) -> None:
    inputs = [tensor(np.bool_)] * CONDITION.get(name, 0) + [tensor(np.int64)]
    assert not runs(name, inputs, 17)


@pytest.mark.parametrize(("name", "opset", "there"), [
    ("MaxPool", 21, True), ("MaxPool", 22, False), ("Conv", 24, True), ("Clip", 10, False),
    ("Clip", 11, True), ("Relu", 24, True), ("Transpose", 25, False), ("Where", 9, True),
])  # fmt: skip
def test_of_which_opset(name: str, opset: int, there: bool) -> None:
    data = [tensor(np.bool_), tensor(np.float32)] if name == "Where" else [tensor(np.float32)]
    assert runs(name, data, opset) is there


def test_what_runs_elsewhere_is_named_with_its_reason() -> None:
    x, y = tensor(np.float32), gs.Variable("y", np.dtype(np.int64), (2,))
    nodes = [
        gs.Node("Relu", "a", {}, [x], [gs.Variable("1")]),
        gs.Node("LRN", "b", {}, [x], [gs.Variable("2")]),
        gs.Node("Add", "c", {}, [y, y], [gs.Variable("3")]),
        gs.Node("MaxPool", "d", {}, [x], [gs.Variable("4")]),
        gs.Node("Odd", "e", {}, [x], [gs.Variable("5")], "my.own"),
        gs.Node("Sign", "f", {}, [gs.Constant("k", np.zeros(2))], [gs.Variable("6")]),
        gs.Node("QuickGelu", "g", {}, [x], [gs.Variable("7")], "com.microsoft"),
    ]
    found = missing(nodes, 22, lambda one: isinstance(one, gs.Constant))
    assert {name: [n.name for n in group] for name, group in found.items()} == {
        "LRN": ["b"],
        "Add of int64": ["c"],
        "MaxPool of opset 22": ["d"],
        "my.own.Odd": ["e"],
    }
