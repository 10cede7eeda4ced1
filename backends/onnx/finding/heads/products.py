"""Class scores that an objectness has multiplied inside, beside boxes of their own (YOLOv4).

So pytorch-YOLOv4 ends: boxes [N, A, 1, 4], confs [N, A, C], both sigmoids o and p of every anchor;
and keras-yolo3 with [N, A, 4] and [N, C, A], before what its NonMaxSuppression says of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from cam_core.head import BoxNumbers
from cam_core.targets.detection import DOWN_FIRST

from ...reading.graph import Graph, Tensor, floating
from ...reading.kinds import QUANTISERS, VIEWS
from ...reading.units import computes
from ..axes.factors import Axes
from .boxes import BOX, CUTS
from .origins import places
from .words import says

KERAS = ("yolonms",)
"""The layer that selects the boxes of keras-yolo3, which has y before x."""
STEPS = VIEWS | QUANTISERS | CUTS | {"Expand", "Gather"}


@dataclass(frozen=True)
class Products:
    """Both outputs."""

    scores: Tensor
    """[N, A, C] or [N, C, A]: o p."""
    class_axis: int
    boxes: BoxNumbers
    evidence: str


def products(graph: Graph, axes: Mapping[str, Axes]) -> Products | None:
    """Those of a file, if it has nothing else."""
    outputs = [t for t in graph.outputs if floating(t) and t.shape is not None]
    scored = [t for t in outputs if len(t.shape) == 3 and _multiplied(graph, t)]
    if len(outputs) != 2 or len(scored) != 1:
        return None
    scores = scored[0]
    (boxes,) = (t for t in outputs if t is not scores)
    placed = [i for i, axis in enumerate(axes.get(scores.name, ())) if list(places(axis))]
    if placed not in ([1], [2]) or boxes.shape[-1] != BOX:
        return None
    classes = 3 - placed[0]
    if not _alike(boxes, scores.shape[placed[0]]):
        return None
    written = DOWN_FIRST if says(str(boxes.name), KERAS) else ""
    numbers = BoxNumbers(str(boxes.name), len(boxes.shape) - 1, written=written)
    evidence = f"a box of '{boxes.name}' at each anchor, {scores.shape[classes]} classes o p"
    return Products(scores, classes, numbers, evidence)


def _alike(boxes: Tensor, count: object) -> bool:
    """Have they as many anchors, where both say?"""
    mine = boxes.shape[1:-1]
    known = all(isinstance(extent, int) for extent in (*mine, count))
    return len(mine) in (1, 2) and (not known or prod(mine) == count)


def _multiplied(graph: Graph, tensor: Tensor) -> bool:
    """Is it a product of two sigmoids, that of every scale?"""
    node = graph.producer.get(tensor.name)
    while node is not None and node.op in VIEWS | QUANTISERS:
        node = graph.producer.get(node.inputs[0].name)
    if node is None:
        return False
    if node.op == "Concat":
        return all(_multiplied(graph, t) for t in node.inputs)
    return computes(node) == "Mul" and all(_sigmoid(graph, t) for t in node.inputs)


def _sigmoid(graph: Graph, tensor: Tensor) -> bool:
    """Is it one, or a part of one?"""
    node = graph.producer.get(tensor.name)
    while node is not None and node.op in STEPS:
        node = graph.producer.get(node.inputs[0].name)
    return node is not None and computes(node) == "Sigmoid"
