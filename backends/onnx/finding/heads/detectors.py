"""Detectors whose score no output holds: an output a scale, or boxes selected in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cam_core.head import Head

from ...reading.graph import Graph, Tensor, floating
from ...reading.kinds import VIEWS
from ...rules import VJP_RULES, key_of
from ..axes.factors import Axes
from .extra import SLICES, joined_scales, log_products, log_rows, log_scores, one_an_anchor
from .joint import BESIDES, Joint, joint
from .origins import places
from .products import Products, products
from .scales import Member, Scales, as_given, same_layout, scales
from .selected import Selected, selected

STANDARD = {"", None, "ai.onnx", "ai.onnx.ml", "com.microsoft"}
"""Domains of operators whose lack of a derivative is told where they are met."""


@dataclass(frozen=True)
class Whole:
    """One of them."""

    head: Head
    tensor: Tensor
    """Its score [N, A, C] or [N, C, A], by nodes of which the file holds none."""
    class_axis: int
    others: Mapping[str, Head] = field(default_factory=dict)
    """What its other outputs are, by name."""
    refused: str = ""
    """Why there is no way back from the score, where an operator of somebody else's makes it."""


def whole(graph: Graph, axes: Mapping[str, Axes]) -> Whole | None:
    """The detector that a file is, if it is one of these."""
    if graph.opset < SLICES:
        return None
    own = selected(graph)
    if own is not None:
        return _selected(graph, own, axes)
    several = scales(graph, axes)
    if several is not None:
        return _scaled(graph, several, axes)
    undecoded = joint(graph, axes)
    if undecoded is not None:
        return _undecoded(graph, undecoded)
    multiplied = products(graph, axes)
    return None if multiplied is None else _multiplied(graph, multiplied)


def _multiplied(graph: Graph, own: Products) -> Whole:
    """Y = log o p."""
    name = str(own.scores.name)
    axis = own.class_axis
    head = Head(name, "boxes", own.evidence, name, axis, "Log", own.boxes)
    others = _others({own.boxes.output: "the boxes"}, name)
    return Whole(head, log_products(graph, own.scores), axis, others)


def _selected(graph: Graph, own: Selected, axes: Mapping[str, Axes]) -> Whole:
    """Where rows still are places, each anchor has its best class and nothing was selected."""
    every = any(list(places(axis)) for axis in axes.get(own.boxes.output, ()))
    boxes = replace(own.boxes, gridded=every)
    tensor = log_rows(graph, own.scores, own.at)
    head = Head(own.output, "boxes", own.evidence, str(own.scores.name), 2, "Log", boxes)
    others = _others({own.boxes.output: "the boxes"}, own.output)
    if own.boxes.own is not None and own.boxes.own.output not in (own.output, own.boxes.output):
        name = own.boxes.own.output
        others[name] = Head(name, "unknown", f"the classes of {own.output}: no score", name)
    return Whole(head, tensor, 2, others, _plugin(graph, own.scores))


def _plugin(graph: Graph, tensor: Tensor) -> str:
    """What to do about an operator without a derivative that selects the boxes."""
    node = graph.producer.get(tensor.name)
    while node is not None and node.op in VIEWS:
        node = graph.producer.get(node.inputs[0].name)
    if node is None or node.domain in STANDARD or key_of(node) in VJP_RULES:
        return ""
    before = ", ".join(f"'{t.name}'" for t in node.inputs if floating(t) and t.name)
    return (
        f"node '{node.name or node.outputs[0].name}' ({node.domain}:{node.op}) selects the boxes "
        f"and has no derivative: name the scores that it reads with --score ({before}), or export "
        f"the model without it"
    )


def _scaled(graph: Graph, own: Scales, axes: Mapping[str, Axes]) -> Whole:
    scores, objects = own.scores, own.objects
    logits = not objects and same_layout(scores, axes)
    tensor, axis = _joined(graph, scores if logits else as_given(scores))
    activation = scores[0].tail.activation
    if not logits:
        tensor = _logarithms(graph, tensor, own)
        activation = "Log"
    name = scores[0].name
    head = Head(name, "boxes", own.evidence, name, axis, activation, own.boxes)
    boxes = dict.fromkeys((own.boxes.output, *own.boxes.further), "the boxes of a scale")
    rest = {one.name: "scores of a scale" for one in (*scores[1:], *objects)}
    return Whole(head, tensor, axis, _others(boxes | rest, name))


def _undecoded(graph: Graph, own: Joint) -> Whole:
    """Y = log o + log p of both sigmoids, be they outside the file."""
    apart = [one_an_anchor(graph, t, own.boxes.each) for t in own.tensors]
    whole, axis = joined_scales(graph, apart, batched=True, channel=len(apart[0].shape) - 1)
    logits = not own.activation
    count = own.count - BESIDES
    tensor = log_scores(graph, whole, axis, BESIDES, count, BESIDES - 1, logits=logits)
    name = own.boxes.output
    head = Head(name, "boxes", own.evidence, name, axis, "Log", own.boxes)
    return Whole(head, tensor, axis, _others(dict.fromkeys(own.boxes.further, "a scale"), name))


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
