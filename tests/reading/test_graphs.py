"""Unusual graphs: functions with overloads, values that are no tensors, thousands of nodes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import OnnxBackend, instrument, strip
from backends.onnx.differentiating.coverage import coverage
from tests.sessions import run

ort = pytest.importorskip("onnxruntime")


def function(overload: str, body: str) -> onnx.FunctionProto:
    nodes = onnx.parser.parse_graph(f"g (float[N] a) => (float[N] b) {{ {body} }}").node
    opset = [helper.make_opsetid("", 17)]
    return helper.make_function("my", "F", ["a"], ["b"], nodes, opset, overload=overload)


def test_overloads_of_one_function_are_told_apart() -> None:
    source = onnx.parser.parse_model("""<ir_version: 10, opset_import: ["" : 17, "my" : 1]>
    net (float[N, 3, 4, 4] x) => (float[N, 3] y) {
        u = my.F(x)
        v = my.F(u)
        g = GlobalAveragePool(v)
        y = Flatten(g)
    }""")
    for node, overload in zip(source.graph.node, ("one", "two"), strict=False):
        node.overload = overload
    swish, tanh = "c = Sigmoid(a) b = Mul(c, a)", "b = Tanh(a)"
    source.functions.extend([function("one", swish), function("two", tanh)])
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    s = 1 / (1 + np.exp(-x.astype(np.float64)))
    v = np.tanh(x * s)
    of_u = np.zeros_like(v)
    of_u[:, 1] = (1 - v[:, 1] ** 2) / 16
    made = instrument(source, layer="u", target=1, outputs=("gradients", "input_gradients"))
    found = run(made, x=x)
    assert np.array_equal(found["y"], run(source, x=x)["y"])
    np.testing.assert_allclose(found["cam_gradients"], of_u, rtol=1e-5, atol=1e-8)
    of_x = of_u * (s + x * s * (1 - s))
    np.testing.assert_allclose(found["cam_input_gradients"], of_x, rtol=1e-5, atol=1e-8)
    assert strip(made).SerializeToString() == source.SerializeToString()


BESIDE = {
    "a sequence": """s = SequenceConstruct(a, x)
        n = SequenceLength(s)
        i = Constant<value_int = 1>()
        z = SequenceAt(s, i)""",
    "a sequence from the layer to an output": """s = SplitToSequence<axis = 1>(a)
        z = ConcatFromSequence<axis = 2>(s)""",
    "an optional": """o = Optional(x)
        h = OptionalHasElement(o)
        z = OptionalGetElement(o)""",
    "an If with captures": """c = Constant<value_int = 1>()
        e = Cast<to = 9>(c)
        z = If (e) <
            then_branch = t () => (float[M, 3, 6, 6] t1) { t1 = Add(a, x) },
            else_branch = f () => (float[M, 3, 6, 6] f1) { f1 = Sub(a, x) }
        >""",
}


@pytest.mark.parametrize("beside", BESIDE)
def test_what_lies_beside_the_path_is_left_alone(beside: str) -> None:
    source = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 3, 6, 6] x) => (float[N, 3] y, float[A, B, C, D] z) {{
        a = Relu(x)
        {BESIDE[beside]}
        q = Mul(a, a)
        g = GlobalAveragePool(q)
        y = Flatten(g)
    }}""")
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 6)).astype(np.float32)
    made = instrument(source, layer="a", score="y", target=2, outputs="gradients")
    found, plain = run(made, x=x), run(source, x=x)
    assert all(np.array_equal(found[name], plain[name]) for name in ("y", "z"))
    wanted = np.zeros_like(x)
    wanted[:, 2] = 2 * np.maximum(x[:, 2], 0) / 36
    np.testing.assert_allclose(found["cam_gradients"], wanted, rtol=1e-6)
    kept = list(made.graph.node)[: len(source.graph.node)]
    assert kept == list(source.graph.node)
    assert strip(made).SerializeToString() == source.SerializeToString()


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
