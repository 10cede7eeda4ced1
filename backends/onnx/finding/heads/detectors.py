"""Detectors whose score no output holds: an output a scale, or boxes selected in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cam_core.head import Head

from ...reading.graph import Graph, Tensor
from ..axes.factors import Axes
from .extra import SLICES, joined_scales, log_products, log_rows
from .scales import Member, Scales, as_given, same_layout, scales
from .selected import Selected, selected


@dataclass(frozen=True)
class Whole:
    """One of them."""

    head: Head
    tensor: Tensor
    """Its score [N, A, C] or [N, C, A], by nodes of which the file holds none."""
    class_axis: int
    others: Mapping[str, Head] = field(default_factory=dict)
    """What its other outputs are, by name."""


def whole(graph: Graph, axes: Mapping[str, Axes]) -> Whole | None:
    """The detector that a file is, if it is one of these."""
    if graph.opset < SLICES:
        return None
    own = selected(graph)
    if own is not None:
        return _selected(graph, own)
    several = scales(graph, axes)
    return None if several is None else _scaled(graph, several, axes)


def _selected(graph: Graph, own: Selected) -> Whole:
    tensor = log_rows(graph, own.scores, own.at)
    head = Head(
        own.output, "boxes", own.evidence, str(tensor.name), 2, activation="Log", boxes=own.boxes
    )
    said = {own.boxes.output: "the boxes", own.boxes.own.output if own.boxes.own else "": "classes"}
    return Whole(head, tensor, 2, _others(said, own.output))


def _scaled(graph: Graph, own: Scales, axes: Mapping[str, Axes]) -> Whole:
    scores, objects = own.scores, own.objects
    logits = not objects and same_layout(scores, axes)
    tensor, axis = _joined(graph, scores if logits else as_given(scores))
    activation = scores[0].tail.activation
    if not logits:
        tensor = _logarithms(graph, tensor, own)
        activation = "Log"
    name = scores[0].name
    head = Head(name, "boxes", own.evidence, str(tensor.name), axis, activation, own.boxes)
    boxes = dict.fromkeys((own.boxes.output, *own.boxes.further), "the boxes of a scale")
    rest = {one.name: "scores of a scale" for one in (*scores[1:], *objects)}
    return Whole(head, tensor, axis, _others(boxes | rest, name))


def _joined(graph: Graph, members: Sequence[Member]) -> tuple[Tensor, int]:
    first = members[0]
    tensors = [one.tail.tensor for one in members]
    return joined_scales(graph, tensors, batched=first.batched, channel=first.channel)


def _logarithms(graph: Graph, classes: Tensor, own: Scales) -> Tensor:
    if not own.objects:
        return log_products(graph, classes)
    objects, _ = _joined(graph, as_given(own.objects))
    return log_products(graph, classes, objects, root=own.scores[0].count == 1)


def _others(said: Mapping[str, str], output: str) -> dict[str, Head]:
    return {n: Head(n, "boxes", f"{why} of {output}", n) for n, why in said.items() if n != output}
