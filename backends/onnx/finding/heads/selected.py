"""Boxes that the file selected itself: each has a score and a class of its own.

YOLOv10 and 26 end so, Ultralytics' `nms=True`, YOLOv7's `--end2end`, RT-DETR's and D-FINE's
scripts, TensorFlow's and torchvision's detectors. Which box was selected are constants; the way
goes through the scores. A class number shows itself by carrying no derivative.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from cam_core.head import BoxNumbers, OwnClass
from cam_core.targets.detection import DOWN_FIRST

from ...reading.graph import Graph, Node, Tensor, floating, reads
from ...reading.kinds import QUANTISERS, VIEWS
from ...rules.paths import carried
from .boxes import BOX, side_by_side
from .own_maps import with_own_maps
from .tails import behind
from .words import says

PADDING = {"Pad": 0, "Slice": 0, "Expand": 0, "ScatterND": 2, "ScatterElements": 2}
"""What puts the rows of one picture among those of all, and which input those are."""


@dataclass(frozen=True)
class Selected:
    """Where scores, boxes and classes of the selected boxes are."""

    scores: Tensor
    """[N, n], [N, n, M], or the same of one picture without N."""
    at: int | None
    """Which of the M the score is; None: it is alone."""
    boxes: BoxNumbers
    output: str
    """The output with the scores."""
    evidence: str


def selected(graph: Graph) -> Selected | None:
    """Those of a file, if it has any."""
    carries = carried(graph.nodes, [t.name for t in graph.inputs])
    outputs = [t for t in graph.outputs if t.shape is not None]
    for output in outputs:
        found = _joined(graph, output, outputs, carries)
        if found is not None:
            return found
    return _apart(graph, outputs, carries)


class Part(NamedTuple):
    """Numbers of a row that were made together."""

    tensor: Tensor
    start: int
    extent: int


def _joined(
    graph: Graph, output: Tensor, outputs: Sequence[Tensor], carries: Container[str]
) -> Selected | None:
    """Box, score and class side by side in one output [N, n, 6] or [n, 7]."""
    parts = _parts(graph, output)
    box = next((part for part in parts if part.extent == BOX), None)
    if box is None or box.tensor.name not in carries:
        return None
    single = [part for part in parts if part.extent == 1 and part.start > box.start]
    score = next((part for part in single if part.tensor.name in carries), None)
    label = next((part for part in single if part.tensor.name not in carries), None)
    name, last = str(output.name), len(output.shape) - 1
    own = _labels(output, outputs, carries) if label is None else OwnClass(name, last, label.start)
    if score is None or own is None:
        return None
    angle = next((p for p in single if p.tensor.name in carries and _is_last(p, output)), None)
    turned = label is not None and angle is not None and angle.start > label.start > score.start
    numbers = BoxNumbers(
        name,
        last,
        box.start,
        own=own,
        batched=last == 2,
        angle=angle.start if turned and angle is not None else None,
    )
    evidence = "boxes that the file selected, each with a score and a class"
    others = [t for t in outputs if t is not output and t.name != own.output]
    numbers = with_own_maps(graph, numbers, others, carries)
    alone = tuple(score.tensor.shape) == (*output.shape[:-1], 1) and _only_viewed(graph, output)
    scores, at = (score.tensor, 0) if alone else (output, score.start)
    return Selected(scores, at, numbers, name, evidence)


def _is_last(part: Part, output: Tensor) -> bool:
    return bool(part.start + part.extent == output.shape[-1])


def _parts(graph: Graph, output: Tensor) -> list[Part]:
    """What the rows of an output are put together of; none where that is not known."""
    node = _last_concat(graph, output)
    if node is None or not floating(output) or len(output.shape) not in (2, 3):
        return []
    found: list[Part] = []
    for tensor in side_by_side(graph, node):
        extent = None if tensor.shape is None else tensor.shape[-1]
        if not isinstance(extent, int):
            return []
        found.append(Part(tensor, sum(part.extent for part in found), extent))
    return found


def _labels(output: Tensor, outputs: Sequence[Tensor], carries: Container[str]) -> OwnClass | None:
    """An output of its own with the classes of rows [N, n, 5] (mmdeploy)."""
    beside = [t for t in outputs if t.name not in carries and _fits(t, output.shape[:-1])]
    if len(beside) != 1 or output.shape[-1] != BOX + 1:
        return None
    return OwnClass(str(beside[0].name))


def _last_concat(graph: Graph, output: Tensor) -> Node | None:
    """The Concat along the last axis that an output's rows come from."""
    tensor = output
    while tensor.name in graph.producer:
        node = graph.producer[tensor.name]
        if node.op == "Concat" and tensor.shape is not None:
            axis, rank = node.attrs["axis"], len(tensor.shape)
            if axis % rank == rank - 1:
                return node
            tensor = node.inputs[0]
        elif node.op in (VIEWS | QUANTISERS) - {"Transpose"}:
            tensor = node.inputs[0]
        elif node.op in PADDING:
            tensor = node.inputs[PADDING[node.op]]
        else:
            return None
        last = None if tensor.shape is None else tensor.shape[-1]
        if isinstance(last, int) and last != output.shape[-1]:
            return None
    return None


def _only_viewed(graph: Graph, output: Tensor) -> bool:
    """Is nothing but Identity between an output and its Concat?"""
    node = graph.producer[output.name]
    while node.op == "Identity" and node.inputs[0].name in graph.producer:
        node = graph.producer[node.inputs[0].name]
    return bool(node.op == "Concat")


def _apart(graph: Graph, outputs: Sequence[Tensor], carries: Container[str]) -> Selected | None:
    """Boxes [N, n, 4], scores [N, n] and classes [N, n] as outputs of their own."""
    boxes = [t for t in outputs if t.name in carries and len(t.shape) > 1 and t.shape[-1] == BOX]
    rest = [t for t in outputs if t not in boxes]
    labels = [t for t in rest if t.name not in carries or says(t.name, ("class", "label"))]
    scores = [t for t in rest if t not in labels and floating(t) and t.name in carries]
    found = [
        (b, s, c)
        for b, s, c in product(boxes, scores, labels)
        if _fits(s, b.shape[:-1]) and _fits(c, b.shape[:-1]) and not _of_classes(graph, b, s, c)
    ]
    if len(found) != 1:
        return None
    box, score, label = found[0]
    alone = len(label.shape) == len(box.shape) - 1
    numbers = BoxNumbers(
        str(box.name),
        len(box.shape) - 1,
        written=DOWN_FIRST if says(box.name, ("detection_boxes",)) else "",
        own=OwnClass(str(label.name), None if alone else len(label.shape) - 1),
        batched=len(box.shape) == BOX - 1,
    )
    evidence = f"a score for each box of '{box.name}', its class in '{label.name}'"
    at = None if len(score.shape) == len(box.shape) - 1 else 0
    others = [t for t in outputs if t not in (box, score, label)]
    numbers = with_own_maps(graph, numbers, others, carries)
    return Selected(score, at, numbers, str(score.name), evidence)


def _of_classes(graph: Graph, box: Tensor, score: Tensor, label: Tensor) -> bool:
    """Are the four numbers classes, of which the score and the label are the best?"""
    found = {behind(graph, box).tensor.name}
    for node in graph.nodes:
        if any(t.name in found for t in reads(node)):
            found.update(t.name for t in node.outputs)
    return score.name in found or label.name in found


def _fits(tensor: Tensor, rows: Sequence[object]) -> bool:
    """Is there one number for each row? Extents that are known agree."""
    shape = list(tensor.shape)
    if len(shape) == len(rows) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != len(rows):
        return False
    pairs = [(a, b) for a, b in zip(shape, rows, strict=True) if isinstance(a, int)]
    return all(a == b for a, b in pairs if isinstance(b, int))
