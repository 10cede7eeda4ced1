"""What each output would be as the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cam_core.head import BoxNumbers, Head

from ..reading.graph import Graph, Tensor, floating
from ..reading.units import dequantised
from .axes.factors import Axes
from .axes.walk import Found
from .heads.boxes import Detector, detector
from .heads.detectors import Whole, whole
from .heads.extra import SLICES
from .heads.kinds import Clues, head_of, with_labels
from .heads.more import with_more
from .heads.origins import Origins
from .heads.partners import Candidate, with_partners
from .heads.tails import Tail, behind
from .heads.words import named_classes


def candidates(graph: Graph, axes: Found) -> list[Candidate]:
    """Every output, in the model's order."""
    tails = [behind(graph, output) for output in graph.outputs]
    named, alone = named_classes(graph), len({tail.tensor.name for tail in tails}) == 1
    found = [_candidate(graph, tail, axes, named, alone) for tail in tails]
    one = whole(graph, axes)
    found = found if one is None else [_of_detector(each, one) for each in found]
    return [_typed(graph, each) for each in _with_labels(_with_logits(with_partners(found)))]


def _typed(graph: Graph, one: Candidate) -> Candidate:
    """With whether its output has a derivative at all."""
    output = graph.tensors[one.head.output]
    return one if floating(output) else replace(one, head=replace(one.head, floating=False))


def _of_detector(one: Candidate, of: Whole) -> Candidate:
    """An output that is a part of a detector, or its score."""
    if one.head.output == of.head.output:
        return replace(one, head=of.head, made=of)
    return replace(one, head=of.others.get(one.head.output, one.head))


def _candidate(graph: Graph, tail: Tail, axes: Found, named: int | None, alone: bool) -> Candidate:
    tensor = dequantised(graph, tail.tensor)
    shape = tensor.shape
    if not floating(tensor) or shape is None or not shape:
        return Candidate(_opaque(tail, tensor), Origins(tensor, (), tail))
    own = origins(tensor, tail, axes)
    if len(shape) > 2 and tail.plain:
        found = detector(graph, axes, tensor, own.classes, named)
        if found is not None and (found.tail is not None or graph.opset >= SLICES):
            return _detecting(graph, own, found, axes)
    return Candidate(head_of(Clues(graph, own, named, alone)), own)


def origins(tensor: Tensor, tail: Tail, axes: Found) -> Origins:
    """Where the axes of an output's tensor come from."""
    known: Axes = axes.get(tensor.name) or ()
    followed = len(known) == len(tensor.shape)
    return Origins(tensor, known if followed else ((),) * len(tensor.shape), tail, followed)


def _opaque(tail: Tail, tensor: Tensor) -> Head:
    """An output without a derivative."""
    kind = "no numbers" if tensor.dtype is None else type_said(tensor)
    why = f"holds {kind}, shape {tensor.shape}: no score"
    return Head(str(tail.output.name), "unknown", why, str(tensor.name))


def _detecting(graph: Graph, own: Origins, found: Detector, axes: Found) -> Candidate:
    """A detector's output: the score is that of its classes."""
    name = str(own.tail.output.name)
    axis = own.class_axis
    boxes = (
        None
        if axis is None
        else BoxNumbers(name, axis, found.box, angle=found.angle, written=found.written)
    )
    if boxes is not None and found.more:
        boxes = with_more(graph, axes, boxes, found.more)
    head = Head(name, "boxes", found.evidence, str(own.tensor.name), axis, boxes=boxes)
    if found.tail is None:
        return Candidate(replace(head, activation="Log" if axis is not None else ""), own, found)
    tensor = dequantised(graph, found.tail.tensor)
    alone = origins(tensor, found.tail, axes)
    activation = found.tail.activation
    head = replace(
        head, tensor=str(tensor.name), class_axis=alone.class_axis, activation=activation
    )
    return Candidate(head, alone)


def _with_logits(found: list[Candidate]) -> list[Candidate]:
    """An output that is the logits of another is of its kind."""
    ended = [one for one in found if one.usable and not one.origins.tail.plain]

    def as_before(one: Candidate) -> Candidate:
        own = one.origins.tail
        of = next((e for e in ended if own.plain and own.tensor is e.origins.tail.tensor), None)
        if of is None:
            return one
        evidence = f"{of.head.evidence}, in {of.head.output}"
        head = replace(of.head, output=one.head.output, evidence=evidence)
        return replace(of, head=head)

    return [as_before(one) for one in found]


def _with_labels(found: list[Candidate]) -> list[Candidate]:
    """The names that one output gives classes are those of all outputs with the same logits."""
    named = {
        own.tensor.name: own.labels
        for own in (one.origins.tail for one in reversed(found))
        if own.labels is not None and own.labels.names
    }

    def labelled(one: Candidate) -> Candidate:
        labels = named.get(one.origins.tail.tensor.name)
        return one if labels is None else replace(one, head=with_labels(one.head, labels))

    return [labelled(one) for one in found]


def type_said(tensor: Tensor) -> str:
    """What it holds, in words."""
    return str(np.dtype(tensor.dtype)) if tensor.dtype is not None else "unknown"
