"""What guided backpropagation is worth in a network: where it is the plain gradient, in a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..finding.analysis import Analysis
from ..reading.graph import Graph, Node, floating
from ..reading.units import STAIRCASES
from ..rules.families.guided import rectifies
from ..rules.paths import active
from .gradient import on_path

FUSED = {"Relu", "Clip"}
"""Activations of fused operators that are rectifiers."""
OTHERS = {
    *("LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Softplus", "Softsign"),
    *("Gelu", "FastGelu", "BiasGelu", "QuickGelu", "Swish", "SiLU", "Mish", "HardSwish", "Tanh"),
    "QLinearLeakyRelu",
}
"""Activations in a rectifier's place; a Sigmoid or a Softmax gates, and stands in none."""


def guided_note(analysis: Analysis) -> str:
    """Which activations on the way are no rectifiers; '' where all are."""
    graph, score = analysis.graph, analysis.score.name
    sources = [t.name for t in graph.inputs if floating(t) and t.name in analysis.layers.path]
    return said(graph, on_path(graph, active(graph, sources, score)))


def said(graph: Graph, nodes: Sequence[Node]) -> str:
    """The same of the nodes between input and score."""
    inner = [*_with_bodies(nodes)]
    others = sorted({node.op for node in inner if node.op in OTHERS and not rectifies(graph, node)})
    if not any(_rectifier(graph, node) for node in inner):
        return "no rectifier lies between input and score: guided is the plain gradient"
    return f"guided is the plain gradient at {', '.join(others)}: no rectifiers" if others else ""


def _rectifier(graph: Graph, node: Node) -> bool:
    """Also one that is fused with what comes before it, or folded into the range of integers."""
    fused = node.attrs.get("activation") in FUSED
    return fused or rectifies(graph, node) or node.op in STAIRCASES


def _with_bodies(nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        yield node
        for body in node.subgraphs(recursive=True):
            yield from body.nodes
