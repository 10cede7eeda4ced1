"""Thousands of nodes: no step is quadratic, and no added shape is a riddle."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import OnnxBackend, instrument
from backends.onnx.differentiating.coverage import coverage


def long(count: int, *, branching: bool) -> onnx.ModelProto:
    """Relu, Sigmoid, Mul, Add again and again; the last two read what came three before."""
    nodes = [helper.make_node("Conv", ["x", "k"], ["t0"])]
    for i in range(1, count - 2):
        op = ("Relu", "Sigmoid", "Mul", "Add")[i % 4]
        other = f"t{i - 3}" if branching and i > 3 else "s"
        inputs = [f"t{i - 1}", *([other] if op in ("Mul", "Add") else [])]
        nodes.append(helper.make_node(op, inputs, [f"t{i}"]))
    nodes.append(helper.make_node("GlobalAveragePool", [f"t{count - 3}"], ["g"]))
    nodes.append(helper.make_node("Flatten", ["g"], ["y"]))
    k = numpy_helper.from_array(np.full((4, 3, 1, 1), 0.1, np.float32), "k")
    s = numpy_helper.from_array(np.array(0.9, np.float32), "s")
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", ["N", 3, 8, 8]), ("y", ["N", 4]))
    )
    graph = helper.make_graph(nodes, "long", [x], [y], [k, s])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def steps(task: Callable[[], object]) -> int:
    """Calls and lines that Python runs: iterations of a loop, also where it stands in one line."""
    count = 0

    def step(*_: object) -> Any:
        nonlocal count
        count += 1
        return step

    kept = sys.gettrace()
    sys.settrace(step)
    try:
        task()
    finally:
        sys.settrace(kept)
    return count


TASKS = {
    "instrument": lambda model: instrument(model, layer="t0"),
    "coverage": lambda model: coverage(model, "t0"),
    "layers": lambda model: OnnxBackend(model).layers(),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("branching", [False, True], ids=["chain", "branching"])
def test_no_step_is_quadratic(task: str, branching: bool) -> None:
    """Were each node to visit all others once, eight times the nodes would take eleven times."""
    few, many = (long(count, branching=branching) for count in (150, 1200))
    TASKS[task](few)  # what is loaded and kept once
    assert steps(lambda: TASKS[task](many)) < 8.1 * steps(lambda: TASKS[task](few))


@pytest.mark.parametrize("gate", [False, True])
def test_no_added_shape_is_a_riddle(gate: bool) -> None:
    """A runtime that makes up a symbol for each tensor loads the more slowly the more there are."""

    def riddles(count: int) -> int:
        made = instrument(long(count, branching=True), layer="t0", gate=gate)
        graph = onnx.shape_inference.infer_shapes(made).graph
        branches = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
        infos = [info for g in (graph, *branches) for info in g.value_info]
        return sum("unk__" in str(info) for info in infos)

    assert riddles(200) == riddles(40) < 20
