"""Operators that are differentiated through what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading import shapes
from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import VJP_RULES, body
from backends.onnx.writing.emit import Emitter
from cam_core.errors import CamError, UnsupportedOpError

DOMAIN = "test.bodies"


@pytest.fixture(autouse=True)
def _operators() -> Iterator[None]:
    @body("BiasTanh", domain=DOMAIN)
    def bias_tanh(op: Any, node: Any) -> Any:
        return op.Tanh(op.Add(*node.inputs))

    @body("SumAndProduct", domain=DOMAIN)
    def sum_and_product(op: Any, node: Any) -> Any:
        a, b = node.inputs
        return op.Add(a, b), op.Mul(a, b)

    @body("Nothing", domain=DOMAIN)
    def nothing(op: Any, node: Any) -> Any:
        return node.inputs[0]

    @body("Strange", domain=DOMAIN)
    def strange(op: Any, node: Any) -> Any:
        return op.Gather(node.inputs[0], op.NonZero(node.inputs[0]), axis=0)

    yield
    for table in (VJP_RULES, shapes.OUTSIDE):
        for key in [key for key in table if key[0] == DOMAIN]:
            del table[key]


def _pulled(text: str, wanted: str = "x") -> tuple[Graph, list[Any], Any]:
    """The graph, what is emitted for the cotangent of `wanted`, and that cotangent."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17, "{DOMAIN}" : 1]> {text}'
    )
    graph = prepare(model)
    op = Emitter(graph)
    y = graph.outputs[0]
    found = reverse(op, y, gs.Variable("cot", np.dtype(np.float32), y.shape), [wanted])[wanted]
    return graph, op.needed([found]), found


def _value(nodes: list[Any], result: Any, given: dict[str, Any]) -> Any:
    """The emitted nodes, run by onnx's reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    made = {t.name for node in nodes for t in node.outputs}
    read = {t.name: t for node in nodes for t in node.inputs if t.name not in made}
    inputs = [t for t in read.values() if isinstance(t, gs.Variable)]
    graph = gs.Graph(nodes, inputs, [result], opset=17, import_domains=None, ir_version=8)
    evaluator = ReferenceEvaluator(gs.export_onnx(graph, do_type_check=False))
    return evaluator.run(None, {t.name: given[t.name] for t in inputs})[0]


def test_its_own_output_is_read(rng: np.random.Generator) -> None:
    text = f"g (float[2,3] x, float[3] b) => (float[2,3] y) {{ y = {DOMAIN}.BiasTanh(x, b) }}"
    graph, nodes, found = _pulled(text)
    assert graph.tensors["y"].shape == (2, 3)
    assert {node.op for node in nodes} == {"Mul", "Sub"}, "the sum or its tanh is computed again"
    y, cot = np.tanh(rng.normal(size=(2, 3))), rng.normal(size=(2, 3))
    given = {"y": y.astype(np.float32), "cot": cot.astype(np.float32)}
    np.testing.assert_allclose(_value(nodes, found, given), cot * (1 - y**2), rtol=1e-5)


def test_what_it_broadcasts_is_summed(rng: np.random.Generator) -> None:
    text = f"g (float[2,3] x, float[3] b) => (float[2,3] y) {{ y = {DOMAIN}.BiasTanh(x, b) }}"
    _, nodes, found = _pulled(text, "b")
    y, cot = np.tanh(rng.normal(size=(2, 3))), rng.normal(size=(2, 3))
    given = {"y": y.astype(np.float32), "cot": cot.astype(np.float32)}
    np.testing.assert_allclose(_value(nodes, found, given), (cot * (1 - y**2)).sum(0), rtol=1e-5)


def test_one_tensor_twice_and_two_outputs(rng: np.random.Generator) -> None:
    """y = x x - (x + x): dy/dx = 2 x - 2."""
    pair = f"s, p = {DOMAIN}.SumAndProduct(x, x)"
    text = f"g (float[4] x) => (float[4] y) {{ {pair} y = Sub(p, s) }}"
    _, nodes, found = _pulled(text)
    x, cot = (rng.normal(size=4).astype(np.float32) for _ in range(2))
    value = _value(nodes, found, {"x": x, "cot": cot})
    np.testing.assert_allclose(value, cot * (2 * x - 2), rtol=1e-5, atol=1e-6)


def test_one_output_alone_is_read(rng: np.random.Generator) -> None:
    text = f"g (float[4] x, float[4] b) => (float[4] y) {{ s, y = {DOMAIN}.SumAndProduct(x, b) }}"
    _, nodes, found = _pulled(text)
    b, cot = (rng.normal(size=4).astype(np.float32) for _ in range(2))
    np.testing.assert_allclose(_value(nodes, found, {"b": b, "cot": cot}), cot * b, rtol=1e-6)


def test_an_input_handed_through(rng: np.random.Generator) -> None:
    text = f"g (float[4] x) => (float[4] y) {{ t = {DOMAIN}.Nothing(x) y = Neg(t) }}"
    _, nodes, found = _pulled(text)
    cot = rng.normal(size=4).astype(np.float32)
    np.testing.assert_array_equal(_value(nodes, found, {"cot": cot}), -cot)


def test_shapes_follow_at_any_batch() -> None:
    text = f"g (float[N,3] x, float[3] b) => (float[N,3] y) {{ y = {DOMAIN}.BiasTanh(x, b) }}"
    graph, _, _ = _pulled(text)
    assert graph.tensors["y"].shape == ("N", 3)


def test_a_refusal_names_the_node() -> None:
    from backends.onnx.rules import ZERO

    rule = VJP_RULES.pop(("", "Gather"))
    try:
        assert ("", "Gather") not in ZERO
        with pytest.raises(UnsupportedOpError, match=r"test\.bodies\.Strange where its Gather"):
            _pulled(f"g (float[4] x) => (float[1,4] y) {{ y = {DOMAIN}.Strange(x) }}")
    finally:
        VJP_RULES[("", "Gather")] = rule


def test_an_operator_has_one_place() -> None:
    with pytest.raises(CamError, match="has a rule already"):
        body("Relu")(lambda op, node: node.inputs[0])
