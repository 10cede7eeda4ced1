"""Where the nodes of before-after.svg stand: the old ones in a column, the way back beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backends.onnx.reading.graph import Graph, Node

WIDE, HIGH = 100, 30
COLUMN, ROW = 120, 45
LEFT, TOP, GAP = 28, 74, 5
AFTER = 186
"""How far to the right the second drawing begins."""
ADDED_ROWS = 12.2
"""The row at which the class is found, under the forward pass."""
OLD, NEW, SHARED = "#64748b", "#d9480f", "#2b8a3e"


@dataclass(frozen=True)
class Box:
    """A node, or a model's input or output, at its place."""

    x: float
    y: float
    text: str
    shape: str
    colour: str
    value: bool = False
    """An input or output: drawn round."""

    @property
    def middle(self) -> float:
        return self.y + HIGH / 2


def place(graph: Graph, old: int, offset: float) -> dict[str, Box]:
    """A box for each node and for each input and output, by the name of the tensor it makes.

    The model's own nodes go down; the class is found from left to right under them; from there the
    gradient goes up again, as reverse mode does.
    """
    forward, added = graph.nodes[:old], graph.nodes[old:]
    back = reads_weights(graph, added)
    aside = beside(graph, added, back)
    seek = [node for node in added if id(node) not in back and id(node) not in aside]
    gaps = distances(graph, seek)
    last = 1 + max(gaps.values(), default=0)
    fed = descendants(added, {t.name for t in graph.inputs[1:]})
    boxes: dict[str, Box] = {}

    def put(node: Node | None, name: str, column: float, row: float, shape: object) -> None:
        new = name.startswith("cam")
        text = node.op if node is not None else name
        colour = NEW if new else OLD
        x, y = LEFT + offset + column * COLUMN, TOP + row * ROW
        boxes[name] = Box(x, y, text, extents(shape), colour, node is None)

    put(None, graph.inputs[0].name, 0, 0, graph.inputs[0].shape)
    for row, node in enumerate(forward, start=1):
        put(node, node.outputs[0].name, 0, row, node.outputs[0].shape)
    end = forward[-1].outputs[0]
    put(None, f"{end.name}.", 0, old + 1, ())
    for given in graph.inputs[1:]:
        put(None, given.name, 0, ADDED_ROWS + 2, ("N or 1",))
    lanes: dict[tuple[int, bool], int] = {}
    for node in seek:
        column, below = last - gaps[id(node)], id(node) in fed
        lane = lanes[column, below] = lanes.get((column, below), 0) + 1
        put(
            node,
            node.outputs[0].name,
            column,
            ADDED_ROWS + lane - (not below),
            node.outputs[0].shape,
        )
    row = old + 0.6
    for node in added:
        if id(node) in back:
            put(node, node.outputs[0].name, last, row, node.outputs[0].shape)
            for other in added:
                if aside.get(id(other)) is node:
                    put(other, other.outputs[0].name, last - 1, row, other.outputs[0].shape)
            row -= 1
    if added:
        put(None, f"{graph.outputs[-1].name}.", last, row, ())
    return boxes


def reads_weights(graph: Graph, added: Sequence[Node]) -> set[int]:
    """The added nodes from the first that reads a weight of the model on: the way back."""
    weights = {n for n in graph.weights if not n.startswith("cam.")}
    first = next((n for n in added if any(t.name in weights for t in n.inputs)), None)
    return set() if first is None else descendants(added, {first.outputs[0].name}) | {id(first)}


def beside(graph: Graph, added: Sequence[Node], back: set[int]) -> dict[int, Node]:
    """What only prepares a tensor of the model for a node of the way back, and that node."""
    found = {}
    for node in added:
        readers = graph.consumers.get(node.outputs[0].name, [])
        old = all(t.name in graph.weights or not t.name.startswith("cam") for t in node.inputs)
        if id(node) not in back and old and len(readers) == 1 and id(readers[0]) in back:
            found[id(node)] = readers[0]
    return found


def descendants(nodes: Sequence[Node], names: set[str]) -> set[int]:
    """Those of the nodes that depend on these tensors."""
    known, found = set(names), set()
    for node in nodes:
        if any(t.name in known for t in node.inputs):
            found.add(id(node))
            known.update(t.name for t in node.outputs)
    return found


def distances(graph: Graph, nodes: Sequence[Node]) -> dict[int, int]:
    """How many steps each node is away from the last of them."""
    found: dict[int, int] = {}
    for node in reversed(nodes):
        readers = [r for r in graph.consumers.get(node.outputs[0].name, []) if id(r) in found]
        found[id(node)] = 1 + max((found[id(r)] for r in readers), default=-1)
    return found


def extents(shape: object) -> str:
    names = {"batch": "N"}
    return ", ".join(names.get(str(d), str(d)) for d in shape) if isinstance(shape, tuple) else ""
