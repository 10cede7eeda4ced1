"""Outputs of detectors: box numbers and class scores side by side in one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...reading.graph import Graph, Node, Tensor
from ...reading.kinds import QUANTISERS, VIEWS
from ...reading.units import computes
from ..axes.factors import Axes, descends
from .tails import Tail, behind

CUTS = {"Split", "Slice"}
BOX = 4
"""Numbers of a box: two corners, or centre and size."""


@dataclass(frozen=True)
class Part:
    """Neighbouring channels that are made together."""

    extent: int
    activation: str
    tail: Tail | None
    """The way back from them; None where each scale has its own."""
    made: str = ""
    """The operator that gives them, views left out; the same at every scale."""
    scales: int = 1


BOUNDED = "bounded offsets"
PRODUCT = ", multiplied: o p"
FASTEST = ", as FastestDet's own tool has it: o^0.6 p^0.4"
"""What is printed is called a probability, so it is said which; FastestDet printed o p until its
commit of 14 July 2022, and a file does not tell."""


@dataclass(frozen=True)
class Detector:
    """The channels of a detector's output, and which of them are classes."""

    start: int
    count: int
    activation: str
    """What was applied to the class scores, inside."""
    tail: Tail | None
    """The way back to the class scores alone; None where they are cut out of the output."""
    evidence: str
    box: int = 0
    """Where its four numbers begin."""
    objectness: int | None = None
    """What the class scores are to be multiplied by, where there is such a channel."""
    powers: tuple[float, float] = (1, 1)
    """Of the objectness o and the class p, in what the model's own tools print."""
    angle: int | None = None
    """How far the boxes are turned, where there is such a channel."""
    written: str = ""
    """How the box numbers are written, where that is known: see `BoxNumbers`."""
    more: int = 0
    """Where further numbers begin, to the end: coefficients of masks, or keypoints; 0: none."""


def detector(
    graph: Graph, axes: Mapping[str, Axes], output: Tensor, channels: int | None, named: int | None
) -> Detector | None:
    """The classes of an output whose axis of `channels` holds box numbers too; None: it does not.

    `named`: how many classes the metadata names.
    """
    parts = _parts(graph, axes, output)
    if parts is not None and channels == sum(part.extent for part in parts):
        found = _by_parts(_boxes_whole(parts, named), named)
        if found is not None:
            return found
    before = None if named is None or channels is None else channels - named
    if named is None or before not in (BOX, BOX + 1):
        return None
    objectness = BOX if before == BOX + 1 else None
    besides = "4 box numbers" + (" and an objectness" if objectness is not None else "")
    evidence = f"{besides} before the {named} named classes"
    if objectness is not None:
        evidence += PRODUCT
    return Detector(before, named, "", None, evidence, objectness=objectness)


def _boxes_whole(parts: Sequence[Part], named: int | None) -> Sequence[Part]:
    """Centre and size as one part, and what is scored after them as objectness and classes."""
    if len(parts) < 3 or [p.extent for p in parts[:2]] != [BOX // 2, BOX // 2]:
        return parts
    centre, size, scored, *more = parts
    if centre.activation or size.activation or scored.extent < BOX // 2:
        return parts
    box = replace(centre, extent=BOX, tail=None)
    if named == scored.extent:
        return [box, scored, *more]
    objectness, classes = (replace(scored, extent=n, tail=None) for n in (1, scored.extent - 1))
    return [box, objectness, classes, *more]


def _by_parts(parts: Sequence[Part], named: int | None) -> Detector | None:
    """A box of 4 numbers that nothing is applied to, and class scores that something is."""
    starts = [sum(p.extent for p in parts[:i]) for i in range(len(parts))]
    boxes = [i for i, p in enumerate(parts) if p.extent == BOX and not p.activation]
    scored = [i for i, p in enumerate(parts) if p.activation and named in (None, p.extent)]
    if not boxes or not scored:
        return None
    at = scored[-1]
    part = parts[at]
    alone = [i for i, p in enumerate(parts) if p.extent == 1 and p.activation and i != at]
    evidence = f"4 box numbers beside the {part.activation} of {part.extent} classes"
    written = _written(parts[boxes[0]]) if alone else ""
    bounded = written == BOUNDED and part.activation == "Softmax"
    if alone:
        evidence += " and an objectness" + (FASTEST if bounded else PRODUCT)
    after = [i for i in range(at + 1, len(parts)) if not parts[i].activation]
    turned = len(after) == 1 and parts[after[0]].extent == 1
    if after:
        besides = sum(parts[i].extent for i in after)
        evidence += ", an angle after them" if turned else f", {besides} more numbers after them"
    return Detector(
        starts[at],
        part.extent,
        part.activation,
        None if alone else part.tail,
        evidence,
        box=starts[boxes[0]],
        objectness=starts[alone[0]] if alone else None,
        angle=starts[after[0]] if turned else None,
        powers=(0.6, 0.4) if bounded else (1, 1),
        written=written,
        more=starts[after[0]] if after and not turned else 0,
    )


def _written(box: Part) -> str:
    """Of boxes beside an objectness that no operator decodes after their convolution."""
    if box.made != "Conv":
        return ""
    return "offsets" if box.scales > 1 else BOUNDED


def _parts(graph: Graph, axes: Mapping[str, Axes], tensor: Tensor) -> list[Part] | None:
    """What a Concat of channels puts side by side, the same at every scale."""
    node = graph.producer.get(tensor.name)
    while node is not None and node.op in VIEWS | QUANTISERS:
        tensor = node.inputs[0]
        node = graph.producer.get(tensor.name)
    own = axes.get(tensor.name)
    if node is None or node.op != "Concat" or own is None:
        return None
    axis = node.attrs["axis"] % len(own)
    if not descends(own[axis]):
        return _side_by_side(graph, node, axis)
    scales = [_parts(graph, axes, scale) for scale in node.inputs]
    first = scales[0]
    plain = [[(p.extent, p.activation) for p in scale or ()] for scale in scales]
    if first is None or any(other != plain[0] for other in plain):
        return None
    same = [len({scale[i].made for scale in scales if scale}) == 1 for i in range(len(first))]
    return [
        replace(part, tail=None, scales=len(scales), made=part.made if alike else "")
        for part, alike in zip(first, same, strict=True)
    ]


def _side_by_side(graph: Graph, node: Node, axis: int) -> list[Part] | None:
    found = []
    for tensor in side_by_side(graph, node):
        extent = None if tensor.shape is None else tensor.shape[axis]
        if not isinstance(extent, int):
            return None
        tail = behind(graph, tensor)
        maker = graph.producer.get(tail.tensor.name)
        made = "" if maker is None else computes(maker)
        found.append(Part(extent, tail.activation or _cut_from(graph, tensor), tail, made))
    return [replace(p, tail=None) if p.tail and p.activation and p.tail.plain else p for p in found]


def side_by_side(graph: Graph, node: Node) -> list[Tensor]:
    """What a Concat puts side by side, what other Concats on the same axis do included."""
    found: list[Tensor] = []
    for tensor in node.inputs:
        inner = graph.producer.get(tensor.name)
        if inner is not None and inner.op == "Concat" and _axis(inner) == _axis(node):
            found += side_by_side(graph, inner)
        else:
            found.append(tensor)
    return found


def _axis(node: Node) -> int | None:
    shape = node.outputs[0].shape
    return None if shape is None else int(node.attrs["axis"] % len(shape))


def _cut_from(graph: Graph, tensor: Tensor) -> str:
    """What was applied to a tensor of which this is a part (YOLOv5 to 7: a Sigmoid of all)."""
    node = graph.producer.get(tensor.name)
    while node is not None and node.op in VIEWS | CUTS:
        tensor = node.inputs[0]
        node = graph.producer.get(tensor.name)
    return "Sigmoid" if node is not None and computes(node) == "Sigmoid" else ""
