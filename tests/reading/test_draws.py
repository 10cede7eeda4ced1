"""What draws at random is no constant: not folded, deciding no If, and not run again in a body.

Which operators draw is read from ONNX's own schemas: those with a seed, and the functions of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from backends.onnx import instrument
from backends.onnx.reading.draws import TRAINED, draws, training_note
from backends.onnx.reading.kinds import RANDOM
from backends.onnx.reading.prepare import Graph, prepare
from cam_core.errors import UnsupportedOpError

SEEDED = sorted({s.name for s in onnx.defs.get_all_schemas() if "seed" in s.attributes})
CALLS = {
    "Bernoulli": "Bernoulli(half)",
    "Dropout": "Dropout(half, ratio, yes)",
    "Multinomial": "Multinomial<sample_size = 1>(half)",
    "RandomNormal": "RandomNormal<shape = [1, 1]>()",
    "RandomNormalLike": "RandomNormalLike(half)",
    "RandomUniform": "RandomUniform<shape = [1, 1]>()",
    "RandomUniformLike": "RandomUniformLike(half)",
}
"""What each gives is [1, 1]."""
WEIGHTS = "<float[1, 1] half = {0.5}, float ratio = {0.5}, bool yes = {1}, bool no = {0}>"


def drawn_by(schemas: list[Any]) -> Iterator[str]:
    """Those that are functions of what draws."""
    found = set(SEEDED)
    while True:
        more = {
            s.name
            for s in schemas
            if s.has_function and found & {n.op_type for n in s.function_body.node}
        }
        if more <= found:
            yield from found
            return
        found |= more


def read(body: str, functions: str = "") -> onnx.ModelProto:
    return onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 17, "my" : 1]>
    net (float[N, 3] x) => (float[N, 3] y) {WEIGHTS} {{ {body} }} {functions}""")


def graph_of(body: str) -> Graph:
    return prepare(read(body))


def test_every_operator_that_draws_is_known() -> None:
    known = {op for domain, op in (*RANDOM, *TRAINED) if not domain}
    assert known == {*drawn_by(onnx.defs.get_all_schemas())} == {*CALLS}


def test_onnx_itself_calls_them_random() -> None:
    """What it calls so besides has bodies, or is a function of an If."""
    if not hasattr(onnx.defs.OpSchema, "non_deterministic"):
        pytest.skip("this onnx does not say")
    kind = onnx.defs.OpSchema.NodeDeterminism.NonDeterministic
    schemas = [s for s in onnx.defs.get_all_schemas() if s.node_determinism == kind]
    graphs = onnx.defs.OpSchema.AttrType.GRAPH
    bodies = {s.name for s in schemas if any(a.type == graphs for a in s.attributes.values())}
    called = {s.name for s in schemas if s.has_function and _calls(s) & bodies}
    assert {s.name for s in schemas} - bodies - called == {*CALLS}


def _calls(schema: Any) -> set[str]:
    return {node.op_type for node in schema.function_body.node}


@pytest.mark.parametrize("operator", SEEDED)
@pytest.mark.parametrize("domain", ["", "ai.onnx."])
def test_a_draw_is_no_constant(operator: str, domain: str) -> None:
    """Nor what is computed of it; and the If that it decides has two ways."""
    graph = graph_of(f"""
        k = Constant<value = int64[0] {{}}>()
        r = {domain}{CALLS[operator]}
        f = Cast<to = 1>(r)
        d = Add(f, half)
        b = Greater(d, half)
        c = Reshape(b, k)
        y = If (c) <then_branch = t () => (p) {{ p = Sin(x) }},
                    else_branch = o () => (q) {{ q = Cos(x) }}>
    """)
    for name in "rfdbc":
        assert not graph.constant(graph.tensors[name]), name
        assert name not in graph.values
        assert name not in graph.weights
    assert not graph.decided


def test_the_mask_of_a_dropout_is_no_constant() -> None:
    graph = graph_of("d, m = Dropout(half, ratio, yes) y = Add(x, d) z = Not(m)")
    assert not graph.values.keys() & {"d", "m", "z"}


@pytest.mark.parametrize("said", ["", ", ratio", ", ratio, no"])
def test_a_dropout_at_inference_is_the_identity(said: str) -> None:
    graph = graph_of(f"d = Dropout(half{said}) y = Add(x, d)")
    np.testing.assert_array_equal(graph.values["d"], [[0.5]])


def test_a_dropout_that_is_told_at_run_time_is_no_constant() -> None:
    model = read("d = Dropout(half, ratio, train) y = Add(x, d)")
    model.graph.input.append(helper.make_tensor_value_info("train", onnx.TensorProto.BOOL, []))
    assert "d" not in prepare(model).values


def image(body: str, functions: str = "") -> onnx.ModelProto:
    return onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 17, "my" : 1]>
    net (float[N, 3, 4, 4] x, bool way) => (float[N, 3] y) {WEIGHTS} {{
        s = Sin(x)
        {body}
        y = ReduceMean<axes = [2, 3], keepdims = 0>(a)
    }} {functions}""")


def chosen(then: str) -> str:
    return f"""a = If (way) <then_branch = t () => (p) {{ {then} }},
                    else_branch = o () => (q) {{ q = Cos(s) }}>"""


@pytest.mark.parametrize("operator", SEEDED)
def test_a_body_that_draws_is_not_run_again(operator: str) -> None:
    model = image(chosen(f"r = {CALLS[operator]} f = Cast<to = 1>(r) p = Mul(s, f)"))
    with pytest.raises(UnsupportedOpError, match=rf"draws at random \({operator}\)"):
        instrument(model, layer="s")


@pytest.mark.parametrize("operator", SEEDED)
def test_a_function_that_draws_is_not_run_again(operator: str) -> None:
    """Where it is called in a body only."""
    functions = f"""<opset_import: ["" : 17], domain: "my">
        F (half, ratio, yes) => (f) {{ r = {CALLS[operator]} f = Cast<to = 1>(r) }}"""
    model = image(chosen("r = my.F(half, ratio, yes) p = Mul(s, r)"), functions)
    with pytest.raises(UnsupportedOpError, match=rf"draws at random \({operator}\)"):
        instrument(model, layer="s")


@pytest.mark.parametrize(
    "then",
    [
        "p = Dropout(s, ratio, no)",
        "k = Constant<value = bool {0}>() p = Dropout(s, ratio, k)",
        "p = Dropout(s)",
    ],
)
def test_a_body_with_a_dropout_at_inference_is(then: str) -> None:
    made = instrument(image(chosen(then)), layer="s", outputs="gradients")
    assert made.graph.output[-1].name == "cam_gradients"


def test_an_operator_of_another_domain_is_another() -> None:
    assert not draws("my", "Bernoulli", ["x"], lambda _: None)
    assert not draws("my", "Dropout", ["x", "r", "t"], lambda _: None)
    assert draws("com.microsoft", "BiasDropout", ["x", "b", "", "r", "t"], lambda _: None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("y = Dropout(x, ratio, yes)", "Dropout 'y' in training mode: export the model in"),
        ("y = Dropout(x, ratio, no)", ""),
        ("y = Dropout(x)", ""),
        (
            "[n] a, m, v = BatchNormalization<training_mode = 1>(x, s, s, s, s) "
            "y = Dropout(a, ratio, yes)",
            "BatchNormalization 'n' and 1 more in training mode",
        ),
        ("y = BatchNormalization(x, s, s, s, s)", ""),
    ],
)
def test_what_is_left_in_training_mode_is_said(body: str, said: str) -> None:
    model = read(body)
    s = np.ones(3, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(s, "s"))
    graph = prepare(model)
    found = training_note(graph.nodes, graph.values.get)
    assert found.startswith(said)
    assert bool(found) == bool(said)
