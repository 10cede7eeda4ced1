"""The factors of a product of attention: labels of their axes, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_letters

from ..reading.graph import Graph, Node, Tensor
from ..reading.kinds import RESHAPING
from ..writing.views import groups, numbers
from .route import Route

SAME = {"Identity", "Cast", "Dropout"}
"""Operators that show the same numbers."""
SCORED = SAME | {"Add", "Sub", "Mul", "Div", "Where", "Tanh", "Clip", "Max", "Min"}
"""What stands between the product of queries and keys and the softmax: scales, masks, caps."""


@dataclass(frozen=True)
class Part:
    """A tensor, and what its axes are: [N, heads, *two] by the order of the last two labels."""

    tensor: Tensor
    labels: str
    order: str
    """The same labels as they are wanted: the batch and the heads, then the two that count."""
    scale: float = 1.0
    """What it was multiplied by before: the root of the size of a head."""


def labels_of(node: Node) -> tuple[str, str, str] | None:
    """One letter an axis of both factors and of the product."""
    if node.op == "Einsum" and len(node.inputs) == 2:
        terms, arrow, made = node.attrs["equation"].replace(" ", "").partition("->")
        first, comma, second = terms.partition(",")
        known = arrow and comma and "." not in terms
        return (first, second, made) if known else None
    if node.op != "MatMul" or any(t.shape is None for t in (*node.inputs, *node.outputs)):
        return None
    ranks = {len(t.shape) for t in (*node.inputs, *node.outputs)}
    if len(ranks) > 1 or min(ranks) < 3:
        return None
    lead = ascii_letters[: min(ranks) - 2]
    return f"{lead}yz", f"{lead}zx", f"{lead}yx"


def softmax_of(
    graph: Graph, tensor: Tensor, axis: int, passed: set[str] = SAME | {"Where"}
) -> tuple[Node, int] | None:
    """The softmax along that axis which made this, and its axis; None: none did."""
    for source, at in _back(graph, tensor, axis, passed):
        node = graph.producer.get(source.name)
        if node is not None and node.op == "Softmax" and len(source.shape or ()) > at:
            return (node, at) if node.attrs["axis"] % len(source.shape) == at else None
    return None


def scores_of(route: Route, tensor: Tensor, axis: int) -> tuple[Part, Part] | None:
    """Queries and keys of the product that the scores are, keys along that axis of it."""
    for source, at in _back(route.graph, tensor, axis, SCORED):
        node = route.graph.producer.get(source.name)
        labels = None if node is None else labels_of(node)
        if node is None or labels is None:
            continue
        if not all(t.name in route.path for t in node.inputs):
            continue
        first, second, made = labels
        key = made[at]
        if (key in first) == (key in second):
            continue
        keys, queries = (0, 1) if key in first else (1, 0)
        own, other = labels[keys], labels[queries]
        inner = [letter for letter in own if letter in other and letter not in made]
        query = [letter for letter in other if letter in made and letter not in own]
        if len(inner) == len(query) == 1:
            lead = "".join(letter for letter in made if letter not in (key, *query))
            Q, K = node.inputs[queries], node.inputs[keys]
            return (
                Part(Q, other, lead + query[0] + inner[0], _scale(route.graph, Q)),
                Part(K, own, lead + key + inner[0], _scale(route.graph, K)),
            )
    return None


def _back(
    graph: Graph, tensor: Tensor, axis: int, passed: set[str], depth: int = 16
) -> Iterator[tuple[Tensor, int]]:
    """The tensor, and those that it is made of position by position, with the axis in each."""
    yield tensor, axis
    node = graph.producer.get(tensor.name)
    if node is None or depth == 0:
        return
    if node.op == "Transpose":
        yield from _back(graph, node.inputs[0], node.attrs["perm"][axis], passed, depth - 1)
    elif node.op in RESHAPING:
        before = axis_before(node, axis)
        if before is not None:
            yield from _back(graph, node.inputs[0], before, passed, depth - 1)
    elif node.op in passed:
        rank = len(tensor.shape or ())
        for source in node.inputs:
            same = source.name and len(source.shape or ()) == rank > axis
            if same and source.shape[axis] == tensor.shape[axis]:
                yield from _back(graph, source, axis, passed, depth - 1)


def axis_before(node: Node, axis: int) -> int | None:
    """The axis that a view shows whole at `axis`; None where it splits or joins."""
    old, new = node.inputs[0].shape, node.outputs[0].shape
    sizes = None if old is None or new is None else numbers(old, new)
    for mine, theirs in groups(*sizes) if sizes is not None else []:
        if theirs == [axis] and len(mine) == 1:
            return mine[0]
    return None


def _scale(graph: Graph, tensor: Tensor) -> float:
    """The constant numbers that queries or keys were multiplied by, as one."""
    scale = 1.0
    while (node := graph.producer.get(tensor.name)) is not None:
        if node.op in SAME | RESHAPING | {"Transpose"}:
            tensor = node.inputs[0]
            continue
        values = [graph.value(t) for t in node.inputs]
        sizes = [None if v is None or v.size != 1 else float(v.reshape(())) for v in values]
        if node.op == "Mul" and any(size is not None for size in sizes):
            at = 0 if sizes[0] is not None else 1
            scale, tensor = scale * (sizes[at] or 0.0), node.inputs[1 - at]
        elif node.op == "Div" and sizes[1]:
            scale, tensor = scale / sizes[1], node.inputs[0]
        else:
            break
    return scale
