"""What the emitter writes shorter than it was asked for, and that it means the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
from onnx.reference import ReferenceEvaluator

from backends.onnx.instrumenting.trace import Traced
from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.emit import Emitter
from cam_core.maps.combine import combine


def _graph(A: str, alpha: str, kind: str = "float") -> Graph:
    return prepare(
        onnx.parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : 17]> g ({kind}[{A}] A, {kind}[{alpha}] alpha) '
            f"=> ({kind}[{A}] y) {{ y = Identity(A) }}"
        )
    )


def _combined(graph: Graph) -> tuple[list[Any], Any]:
    """The core's weighted sum, traced, and what it is made of."""
    op = Emitter(graph)
    found = combine(*(Traced(op, graph.tensors[n]) for n in ("A", "alpha"))).tensor  # type: ignore[arg-type]
    return op.needed([found]), found


def _run(graph: Graph, nodes: list[Any], result: Any, feed: dict[str, Any]) -> Any:
    built = gs.Graph(nodes, graph.inputs, [result], opset=17, ir_version=8)
    return ReferenceEvaluator(gs.export_onnx(built, do_type_check=False)).run(None, feed)[0]


@pytest.mark.parametrize(
    ("A", "alpha", "shape"),
    [
        ("N,3,4,5", "N,3,1,1", (2, 3, 4, 5)),
        ("2,3,4,5", "2,3,1,1", (2, 3, 4, 5)),
        ("N,3,7", "N,3,1", (2, 3, 7)),
        ("N,3,2,3,4", "N,3,1,1,1", (2, 3, 2, 3, 4)),
    ],
)
def test_a_weighted_sum_of_channels_is_a_product(
    A: str, alpha: str, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    graph = _graph(A, alpha)
    nodes, found = _combined(graph)
    assert {node.op for node in nodes} == {"MatMul", "Reshape"}
    assert tuple(found.shape[1:]) == shape[2:]
    feed = {
        "A": rng.normal(size=shape).astype(np.float32),
        "alpha": rng.normal(size=(2, 3, *[1] * (len(shape) - 2))).astype(np.float32),
    }
    expected = np.einsum("nk...,nk...->n...", feed["A"], feed["alpha"])
    np.testing.assert_allclose(_run(graph, nodes, found, feed), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("A", "alpha", "kind"),
    [
        ("N,3,H,W", "N,3,1,1", "float"),
        ("N,3,4,5", "N,3,4,5", "float"),
        ("N,3,4,5", "1,3,1,1", "float"),
        ("N,3,4,5", "N,3,1,1", "float16"),
    ],
)
def test_any_other_sum_is_written_as_it_stands(A: str, alpha: str, kind: str) -> None:
    """Dynamic space, weights of places, one weight for the batch, and sums that would overflow."""
    nodes, _ = _combined(_graph(A, alpha, kind))
    assert [node.op for node in nodes] == ["Mul", "ReduceSum"]


@pytest.mark.parametrize("operator", ["ReduceSum", "ReduceMean"])
@pytest.mark.parametrize(("keepdims", "written"), [(1, []), (0, ["Squeeze"])])
def test_a_sum_of_one_number_is_that_number(
    operator: str, keepdims: int, written: list[str], rng: np.random.Generator
) -> None:
    graph = _graph("N,3,1,1", "N,3,1,1")
    op = Emitter(graph)
    found = op.emit(operator, graph.tensors["A"], [2, -1], keepdims=keepdims)
    nodes = op.needed([found])
    assert [node.op for node in nodes] == written
    x = rng.normal(size=(2, 3, 1, 1)).astype(np.float32)
    got = _run(graph, nodes, found, {"A": x, "alpha": x}) if nodes else x
    np.testing.assert_array_equal(got, x.sum((2, 3), keepdims=bool(keepdims)))


def test_an_axis_of_unknown_extent_is_summed() -> None:
    graph = _graph("N,3,1,W", "N,3,1,1")
    op = Emitter(graph)
    found = op.ReduceSum(graph.tensors["A"], [2, 3], keepdims=1)
    assert [node.op for node in op.needed([found])] == ["ReduceSum"]


@pytest.mark.parametrize("view", ["Reshape", "Unsqueeze"])
def test_a_number_scales_what_lies_under_a_column(view: str, rng: np.random.Generator) -> None:
    graph = _graph("N,6", "N,6")
    op = Emitter(graph)
    column = op.emit(view, graph.tensors["A"], [0, 6, 1, 1] if view == "Reshape" else [2, 3])
    found = op.Div(column, 7.0)
    nodes = op.needed([found])
    assert [node.op for node in nodes] == ["Div", view]
    assert tuple(found.shape[1:]) == (6, 1, 1)
    x = rng.normal(size=(2, 6)).astype(np.float32)
    got = _run(graph, nodes, found, {"A": x, "alpha": x})
    np.testing.assert_array_equal(got, (x / np.float32(7))[:, :, None, None])


@pytest.mark.parametrize("under", [(1, 1, 6), (2, 1, 6)])
def test_one_row_for_all_tokens_is_multiplied_once(
    under: tuple[int, ...], rng: np.random.Generator
) -> None:
    graph = _graph("2,5,6", ",".join(map(str, under)))
    op, W = Emitter(graph), rng.normal(size=(6, 4)).astype(np.float32)
    full = op.expand_like(graph.tensors["alpha"], graph.tensors["A"])
    found = op.MatMul(full, W)
    assert tuple(found.shape) == (2, 5, 4)
    nodes = op.needed([found])
    products = [node for node in nodes if node.op == "MatMul"]
    assert [tuple(node.inputs[0].shape) for node in products] == [under]
    row = rng.normal(size=under).astype(np.float32)
    got = _run(graph, nodes, found, {"A": np.zeros((2, 5, 6), np.float32), "alpha": row})
    np.testing.assert_allclose(got, np.broadcast_to(row, (2, 5, 6)) @ W, rtol=1e-5)
