"""Functions with overloads, and what lies beside the path."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from backends.onnx import instrument, strip
from tests.sessions import run


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
