"""Which tensors carry a derivative: chains of operators walked one by one in drawn graphs."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.paths import active, between, carried

STEPS = ("Relu", "Floor", "Tanh")
"""Floor has zero derivative."""


def drawn(rng: np.random.Generator, count: int) -> tuple[str, list[tuple[str, list[str], str]]]:
    """The text of a graph from x to its last tensor; (operator, read, made) of its nodes."""
    nodes: list[tuple[str, list[str], str]] = []
    names = ["x"]
    for i in range(count):
        op = STEPS[rng.integers(3)] if rng.random() < 0.6 else "Add"
        near = names[-3:]
        read = [near[k] for k in rng.integers(len(near), size=1 + (op == "Add"))]
        nodes.append((op, read, f"t{i}"))
        names.append(f"t{i}")
    lines = " ".join(f"{made} = {op}({', '.join(read)})" for op, read, made in nodes)
    return lines, nodes


def chains(nodes: list[tuple[str, list[str], str]], start: str, end: str) -> set[str]:
    """The tensors of every chain from start to end with no Floor in it."""
    found: set[str] = set()

    def walk(chain: list[str]) -> None:
        if chain[-1] == end:
            found.update(chain)
        for op, read, made in nodes:
            if op != "Floor" and chain[-1] in read:
                walk([*chain, made])

    walk([start])
    return found


@pytest.mark.parametrize("seed", range(30))
def test_the_path_is_that_of_all_chains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    text, nodes = drawn(rng, 9)
    last, inner = nodes[-1][2], nodes[3][2]
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] {last}) {{ {text} }}'
    )
    graph = prepare(model)
    assert active(graph, ["x"], last) == chains(nodes, "x", last)
    assert active(graph, [inner], last) == chains(nodes, inner, last)
    ends = [nodes[-2][2], last]
    expected = chains(nodes, "x", ends[0]) | chains(nodes, "x", ends[1])
    assert between(graph.nodes, ["x"], ends) == expected
    reached = {t for _, _, t in nodes if chains(nodes, "x", t)}
    assert carried(graph.nodes, ["x"]) == {"x"} | reached
