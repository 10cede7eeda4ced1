"""Where a model attends: softmax(Q K^T) V, in whatever operators and order of axes it is written.

A block is a product that sums over the axis along which one of its factors, the weights P, has been
made to sum to one, out of a product of queries and keys. Labels are those of Einsum: one letter an
axis, and what a product of both sums over is in both and not in the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..reading.graph import Node
from .attention_factors import SAME, Part, labels_of, scores_of, softmax_of
from .route import Route


@dataclass(frozen=True)
class Block:
    """One attention."""

    weights: Part
    """P [N, heads, queries, keys], as the product with V reads it."""
    values: Part
    """[N, heads, keys, D]."""
    output: Part
    """P V [N, heads, queries, D]."""
    queries: Part
    """[N, heads, queries, D']."""
    keys: Part
    """[N, heads, keys, D']."""
    softmax: str
    """The softmax's own output."""
    whole: bool
    """Do the rows of P sum to 1? Not where something stands between it and the softmax."""


def blocks_of(route: Route) -> list[Block]:
    """The attentions on the way to the score, in execution order."""
    found = (_block(route, node) for node in route.graph.nodes)
    return [block for block in found if block is not None]


def _block(route: Route, node: Node) -> Block | None:
    labels = labels_of(node)
    if labels is None or node.outputs[0].name not in route.path:
        return None
    first, second, made = labels
    for i, (own, other) in enumerate(((first, second), (second, first))):
        P, V = node.inputs[i], node.inputs[1 - i]
        for key in (letter for letter in own if letter in other and letter not in made):
            softmax = softmax_of(route.graph, P, own.index(key))
            if softmax is None:
                continue
            made_by, at = softmax
            found = scores_of(route, made_by.inputs[0], at)
            query = [letter for letter in own if letter in made and letter not in other]
            value = [letter for letter in other if letter in made and letter not in own]
            if found is not None and len(query) == len(value) == 1:
                lead = "".join(letter for letter in own if letter not in (key, *query))
                return Block(
                    Part(P, own, lead + query[0] + key),
                    Part(V, other, lead + key + value[0]),
                    Part(node.outputs[0], made, lead + query[0] + value[0]),
                    *found,
                    made_by.outputs[0].name,
                    softmax_of(route.graph, P, own.index(key), passed=SAME) is not None,
                )
    return None


def others(route: Route, blocks: Sequence[Block]) -> list[str]:
    """The softmaxes over maps on the way to the score that are in no block."""
    known = {block.softmax for block in blocks}
    made = (node.outputs[0] for node in route.graph.nodes if node.op == "Softmax")
    many = (t.name for t in made if t.name in route.path and len(t.shape or ()) > 2)
    return [name for name in many if name not in known]
