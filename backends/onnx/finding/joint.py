"""How the predictions of several scales are put together to one score, each from its own layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..reading.graph import Graph, Node, Shape, Tensor
from ..rules.paths import active, carried
from .layers import Choice
from .near import Near, near

MOVERS = ("Concat", "Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that put numbers elsewhere, and change none."""


@dataclass(frozen=True)
class Scale:
    """A layer, and what is made of it in windows."""

    layer: str
    ends: dict[str, Near]
    """The last tensors before numbers are put elsewhere, by name; in execution order."""

    axes: tuple[int, ...]
    """Those of the layer that windows lie on; the first is 0 where each row is for itself."""

    @property
    def size(self) -> tuple[int, ...]:
        """Of the window that a single cell of the ends is made of."""
        reach = zip(*(end.reach for end in self.ends.values()), strict=True)
        return tuple(2 * max(each) + 1 for each in reach)


@dataclass(frozen=True)
class Joint:
    """Layers -> ends -> joined -> score."""

    scales: tuple[Scale, ...]
    joined: str
    """The tensor that holds the numbers of all the ends, from which alone the score is made."""
    links: tuple[str, ...]
    """Layers that others of them are computed from."""
    shapes: Mapping[str, Shape]
    """Of the ends."""

    @property
    def ends(self) -> list[str]:
        """Those of all scales."""
        return [name for scale in self.scales for name in scale.ends]


def find_joint(graph: Graph, choices: Sequence[Choice], score: str) -> Joint | None:
    """How these layers reach the score; None where that is not by way of one joined tensor."""
    layers = [choice.tensor for choice in choices]
    if len(layers) < 2 or not all(_is_map(choice) for choice in choices):
        return None
    path = active(graph, [t.name for t in layers], score)
    scales = _scales(graph, layers, path)
    if scales is None:
        return None
    joined = _joined(graph, layers, scales, path, score)
    if joined is None:
        return None
    shapes = {name: tuple(graph.tensors[name].shape) for one in scales for name in one.ends}
    if not all(isinstance(d, int) for shape in shapes.values() for d in shape[1:]):
        return None
    return Joint(scales, joined, _linked(graph, [t.name for t in layers]), shapes)


def _is_map(choice: Choice) -> bool:
    """Is it [N, C, *S] of known extents, in float32?"""
    tensor = choice.tensor
    shape = tensor.shape
    known = shape is not None and len(shape) > 2 and all(isinstance(d, int) for d in shape[1:])
    return known and str(tensor.dtype) == "float32" and not choice.over


def _scales(
    graph: Graph, layers: Sequence[Tensor], path: Collection[str]
) -> tuple[Scale, ...] | None:
    """The ends of each layer; None where one has none, or is one."""
    found = []
    for layer in layers:
        axes, here = rowwise(graph, layer, range(2, len(layer.shape)))
        later = {t.name for t in layers} - {layer.name}
        ends = {
            t.name: here[t.name]
            for node in graph.nodes
            for t in node.outputs
            if t.name in here and t.name in path and _ends(graph, t.name, here, path)
        }
        if not ends or later & here.keys():
            return None
        found.append(Scale(layer.name, ends, axes))
    return tuple(found)


def rowwise(
    graph: Graph, first: Tensor, places: Sequence[int]
) -> tuple[tuple[int, ...], dict[str, Near]]:
    """What is near on these axes, and on that of the rows as well where that loses nothing."""
    alone = near(graph, first, places)
    if 0 in places:  # they are the rows, as anchors are where there are no others
        return tuple(places), alone
    with_rows = near(graph, first, (0, *places))
    if with_rows.keys() == alone.keys():
        return (0, *places), with_rows
    return tuple(places), alone


def _ends(graph: Graph, name: str, here: Collection[str], path: Collection[str]) -> bool:
    """Is it read by an operator that puts it elsewhere, on the way?"""
    readers = (n for n in graph.consumers.get(name, ()) if n.op in MOVERS)
    return any(t.name in path and t.name not in here for n in readers for t in n.outputs)


def _joined(
    graph: Graph, layers: Sequence[Tensor], scales: Sequence[Scale], path: Collection[str], end: str
) -> str | None:
    """A tensor, made of the ends by movers alone, that all ways lead through.

    An output of the model if there is one, for that is made and handed out anyway; else the first.
    """
    found = list(_all_joined(graph, layers, scales, path, end))
    return next((name for name in found if name in graph.output_names), next(iter(found), None))


def _all_joined(
    graph: Graph, layers: Sequence[Tensor], scales: Sequence[Scale], path: Collection[str], end: str
) -> Iterator[str]:
    moved = {name for scale in scales for name in scale.ends}
    for node in graph.nodes:
        if node.op in MOVERS and _moves(graph, node, moved):
            moved.update(t.name for t in node.outputs)
            for name in (str(t.name) for t in node.outputs if t.name in path):
                if name == end or not _passed_by(graph, layers, name, end):
                    yield name


def _moves(graph: Graph, node: Node, moved: Collection[str]) -> bool:
    """Is all that it reads moved, but how to?"""
    data = node.inputs if node.op == "Concat" else node.inputs[:1]
    return all(t.name in moved for t in data) and all(
        graph.constant(t) for t in node.inputs[len(data) :] if t.name
    )


def _passed_by(graph: Graph, layers: Sequence[Tensor], joined: str, score: str) -> bool:
    """Is there a way from a layer to the score that does not lead through the joined tensor?"""
    nodes = [n for n in graph.nodes if all(t.name != joined for t in n.outputs)]
    return score in carried(nodes, {t.name for t in layers})


def _linked(graph: Graph, layers: Sequence[str]) -> tuple[str, ...]:
    """Those that another one is computed from."""
    return tuple(name for name in layers if (set(layers) - {name}) & carried(graph.nodes, {name}))
