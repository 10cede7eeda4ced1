"""Where a model attends: softmax(Q K^T) V, in whatever operators and order of axes it is written.

A block is a product that sums over the axis along which one of its factors, the weights P, has been
made to sum to one, out of a product of queries and keys. Labels are those of Einsum: one letter an
axis, and what a product of both sums over is in both and not in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from string import ascii_letters

from cam_core.maps.layout import Layout

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


def blocks_of(route: Route) -> list[Block]:
    """The attentions on the way to the score, in execution order."""
    found = (_block(route, node) for node in route.graph.nodes)
    return [block for block in found if block is not None]


def _block(route: Route, node: Node) -> Block | None:
    labels = _labels(node)
    if labels is None or node.outputs[0].name not in route.path:
        return None
    first, second, made = labels
    for i, (own, other) in enumerate(((first, second), (second, first))):
        P, V = node.inputs[i], node.inputs[1 - i]
        for key in (letter for letter in own if letter in other and letter not in made):
            softmax = _softmax(route.graph, P, own.index(key))
            if softmax is None:
                continue
            made_by, at = softmax
            found = _scores(route, made_by.inputs[0], at)
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
                )
    return None


def others(route: Route, blocks: Sequence[Block]) -> list[str]:
    """The softmaxes over maps on the way to the score that are in no block."""
    known = {block.softmax for block in blocks}
    made = (node.outputs[0] for node in route.graph.nodes if node.op == "Softmax")
    many = (t.name for t in made if t.name in route.path and len(t.shape or ()) > 2)
    return [name for name in many if name not in known]


def block_ends(route: Route, blocks: Sequence[Block]) -> list[Tensor | None]:
    """The tokens after each block: the last sum before the next that all goes through."""
    place = {t.name: i for i, node in enumerate(route.graph.nodes) for t in node.outputs}
    cuts = sorted((place[name], name) for name in route.cuts() if name in place)
    at = [place[block.output.tensor.name] for block in blocks] + [len(place)]
    found: list[Tensor | None] = []
    for first, last in pairwise(at):
        sums = [name for i, name in cuts if first < i < last and _residual(route, name)]
        found.append(route.graph.tensors[sums[-1]] if sums else None)
    return found


def _residual(route: Route, name: str) -> bool:
    """Is it a sum of two things that the picture moves, tokens as they are?"""
    node = route.graph.producer[name]
    both = node.op == "Add" and all(t.name in route.path for t in node.inputs)
    layout = route.maps.layout(node.outputs[0]) if both and name in route.graph.tensors else None
    return isinstance(layout, Layout) and "T" in layout.axes and not layout.windows


def projection(route: Route, output: Tensor) -> Tensor | None:
    """What the heads side by side are projected to: the first product with weights, its bias.

    As the first view of it that has places.
    """
    views, steps = RESHAPING | SAME | {"Transpose"}, list(_onward(route, output))
    for i, node in enumerate(steps):
        if node.op in views:
            continue
        if node.op not in ("MatMul", "Gemm"):
            return None
        rest = steps[i:]
        if node.op == "MatMul" and len(rest) > 1 and _biases(route, rest[1]):
            rest = rest[1:]
        for later in [rest[0], *takewhile(lambda n: n.op in views, rest[1:])]:
            made = later.outputs[0]
            if route.maps.layout(made) is not None and made.name in route.graph.tensors:
                return made
        return None
    return None


def _onward(route: Route, tensor: Tensor) -> Iterator[Node]:
    """The nodes after a tensor, as long as each is read by one alone."""
    while True:
        readers = route.graph.consumers.get(tensor.name, ())
        moving = [n for n in readers if any(t.name in route.path for t in n.outputs)]
        if len(moving) != 1:
            return
        yield moving[0]
        tensor = moving[0].outputs[0]


def _biases(route: Route, node: Node) -> bool:
    return node.op == "Add" and any(route.graph.constant(t) for t in node.inputs)


def _labels(node: Node) -> tuple[str, str, str] | None:
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


def _softmax(graph: Graph, tensor: Tensor, axis: int) -> tuple[Node, int] | None:
    """The softmax along that axis which made this, and its axis; None: none did."""
    for source, at in _back(graph, tensor, axis, SAME | {"Where"}):
        node = graph.producer.get(source.name)
        if node is not None and node.op == "Softmax" and len(source.shape or ()) > at:
            return (node, at) if node.attrs["axis"] % len(source.shape) == at else None
    return None


def _scores(route: Route, tensor: Tensor, axis: int) -> tuple[Part, Part] | None:
    """Queries and keys of the product that the scores are, keys along that axis of it."""
    for source, at in _back(route.graph, tensor, axis, SCORED):
        node = route.graph.producer.get(source.name)
        labels = None if node is None else _labels(node)
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
