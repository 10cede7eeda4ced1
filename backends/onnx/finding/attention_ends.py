"""What follows a block of attention: the tokens after it, and the projection of its heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from cam_core.maps.layout import Layout

from ..reading.graph import Node, Tensor
from ..reading.kinds import RESHAPING
from .attention import Block
from .attention_factors import SAME
from .route import Route


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
