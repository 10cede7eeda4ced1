"""Finds the score: of all outputs the one with classes, as logits, its rows first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cam_core.errors import ModelError
from cam_core.head import BoxNumbers, Head

from ..reading.graph import Graph, Tensor, floating
from ..reading.units import dequantised
from .axes.factors import Axes
from .axes.walk import Found
from .heads.boxes import BOX, Detector, detector
from .heads.extra import SLICES, log_scores, own_name, rows_first
from .heads.kinds import Look, head_of, rank
from .heads.origins import Origins
from .heads.tails import Tail, behind
from .heads.words import named_classes

EXACTLY = "="
"""Before the name of a score that is taken as it is, be it made of logits."""


@dataclass(frozen=True)
class Score:
    """The tensor whose gradient is taken, [N, ...]."""

    tensor: Tensor
    class_axis: int
    heads: tuple[Head, ...]
    """What the outputs are; the first is the one with this score."""
    exact: bool = False
    """Is it the very tensor that was named, of which nobody says that its channels are classes?"""

    @property
    def name(self) -> str:
        return str(self.tensor.name)

    @property
    def activation(self) -> str:
        """What the model applies to it, such as Softmax."""
        return self.heads[0].activation

    @property
    def probability(self) -> str:
        """What makes a probability of it: softmax, sigmoid or '' for nothing."""
        return self.heads[0].probability

    @property
    def classes(self) -> int | None:
        """How many classes there are, where that is static."""
        extent = self.tensor.shape[self.class_axis]
        return extent if isinstance(extent, int) else None


@dataclass(frozen=True)
class Candidate:
    """An output that may have the score."""

    head: Head
    origins: Origins
    cut: Detector | None = None
    """Which of its channels are classes, where they are not a tensor by themselves."""
    exact: bool = False
    """Is it the very tensor, its axes as they are?"""

    @property
    def rank(self) -> int:
        return rank(self.head, not self.origins.tail.plain)

    @property
    def usable(self) -> bool:
        """Does it hold floating point numbers that the model makes, of a known shape?"""
        tensor = self.origins.tensor
        return floating(tensor) and tensor.shape is not None and len(tensor.shape) > 0


def find_score(graph: Graph, name: str | None = None, axes: Found | None = None) -> Score:
    """The score with no name given: that of the output with classes; with one, that tensor.

    An output that is named is walked back to its logits; `=NAME` is the very tensor.

    Raises:
        ModelError: no such tensor, or one that holds no floating point score.
    """
    known = axes or {}
    found = _candidates(graph, known)
    chosen = _chosen(graph, found) if name is None else _named(graph, name, found, known)
    rest = [one.head for one in found if one.head.output != chosen.head.output]
    return _score(graph, chosen, rest)


def dequantise(graph: Graph, name: str | None) -> None:
    """Gives quantised logits, those named or those found, a tensor in real units."""
    tails = [behind(graph, output).tensor for output in graph.outputs]
    named = graph.tensors.get(own_name(_bare(graph, str(name))))
    for tensor in tails if name is None else [*tails, named]:
        if tensor is not None:
            dequantised(graph, tensor)


def _candidates(graph: Graph, axes: Found) -> list[Candidate]:
    """Every output, in the model's order."""
    tails = [behind(graph, output) for output in graph.outputs]
    named, alone = named_classes(graph), len({tail.tensor.name for tail in tails}) == 1
    found = [_candidate(graph, tail, axes, named, alone) for tail in tails]
    return _with_logits(_with_partners(found))


def _candidate(graph: Graph, tail: Tail, axes: Found, named: int | None, alone: bool) -> Candidate:
    tensor = dequantised(graph, tail.tensor)
    shape = tensor.shape
    if not floating(tensor) or shape is None or not shape:
        return Candidate(_opaque(tail, tensor), Origins(tensor, (), tail))
    own = _origins(tensor, tail, axes)
    if len(shape) > 2 and tail.plain:
        found = detector(graph, axes, tensor, own.classes, named)
        if found is not None and (found.tail is not None or graph.opset >= SLICES):
            return _detecting(graph, own, found, axes)
    return Candidate(head_of(Look(graph, own, named, alone)), own)


def _origins(tensor: Tensor, tail: Tail, axes: Found) -> Origins:
    known: Axes = axes.get(tensor.name) or ()
    followed = len(known) == len(tensor.shape)
    return Origins(tensor, known if followed else ((),) * len(tensor.shape), tail, followed)


def _opaque(tail: Tail, tensor: Tensor) -> Head:
    """An output without a derivative."""
    kind = "no numbers" if tensor.dtype is None else _type(tensor)
    why = f"holds {kind}, shape {tensor.shape}: no score"
    return Head(str(tail.output.name), "unknown", why, str(tensor.name))


def _detecting(graph: Graph, own: Origins, found: Detector, axes: Found) -> Candidate:
    """A detector's output: the score is that of its classes."""
    name = str(own.tail.output.name)
    axis = own.class_axis
    boxes = None if axis is None else BoxNumbers(name, axis, found.box)
    head = Head(name, "boxes", found.evidence, str(own.tensor.name), axis, boxes=boxes)
    if found.tail is None:
        return Candidate(replace(head, activation="Log" if axis is not None else ""), own, found)
    tensor = dequantised(graph, found.tail.tensor)
    alone = _origins(tensor, found.tail, axes)
    activation = found.tail.activation
    head = replace(
        head, tensor=str(tensor.name), class_axis=alone.class_axis, activation=activation
    )
    return Candidate(head, alone)


def _with_partners(found: list[Candidate]) -> list[Candidate]:
    """Numbers at the anchors or places where another output has classes are boxes."""
    scored = [one for one in found if one.head.kind == "dense classes"]

    def partner(one: Candidate) -> Candidate | None:
        return next((other for other in scored if _same_places(one, other)), None)

    out = []
    for one in found:
        other = partner(one) if one.head.kind == "unknown" and one.usable else None
        if other is not None:
            evidence = f"{one.origins.classes} numbers wherever {other.head.output} has a score"
            one = replace(
                one, head=replace(one.head, kind="boxes", evidence=evidence, class_axis=None)
            )
        out.append(one)
    return [_with_boxes(one, out) for one in out]


def _with_boxes(one: Candidate, found: Sequence[Candidate]) -> Candidate:
    """Class scores that know the output with the boxes of their anchors."""
    if one.head.kind != "dense classes":
        return one
    for other in found:
        axis, count = other.origins.class_axis, other.origins.classes
        boxes = other.head.kind == "boxes" and other.usable and other.origins.tail.plain
        if boxes and axis is not None and (count or 0) >= BOX and _same_places(one, other):
            numbers = BoxNumbers(other.head.output, axis, background=_background(one))
            return replace(one, head=replace(one.head, boxes=numbers))
    return one


def _background(one: Candidate) -> int | None:
    """The class that stands for nothing, which a softmax over the classes of anchors must have.

    The last of queries (DETR), the first of anchors that lie somewhere (SSD).
    """
    if one.head.probability != "softmax":
        return None
    return 0 if one.origins.placed else -1


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


def _same_places(one: Candidate, other: Candidate) -> bool:
    a, b = one.origins, other.origins
    mine, theirs = ([o.axes[i] for i in o.positions] for o in (a, b) if o.axes)
    return bool(mine) and mine == theirs


def _chosen(graph: Graph, found: Sequence[Candidate]) -> Candidate:
    made = [one for one in found if one.usable and one.origins.tensor.name in graph.producer]
    if made:
        return min(made, key=lambda one: one.rank)
    first = graph.outputs[0]
    raise ModelError(
        f"output '{first.name}' is no floating point score and none is found before it; "
        f"name the score tensor with --score"
    )


def _named(graph: Graph, name: str, found: Sequence[Candidate], axes: Found) -> Candidate:
    """What is named: an output, or logits, as it is found; any other tensor as it is."""
    exact = name != (name := _bare(graph, name))
    name = own_name(name)
    known = graph.tensors.get(name)
    if known is None or name not in graph.producer:
        near = difflib.get_close_matches(name, graph.producer, 3)
        near_by = f"did you mean {', '.join(near)}?" if near else "leave it out to have it found"
        what = "there is none" if known is None else "it is an input or a weight"
        raise ModelError(f"no tensor '{name}' to use as score: {what}; {near_by}")
    for one in () if exact else found:
        inner = () if one.origins.tail.plain else one.origins.tail.views
        if name in (one.head.output, *inner) and one.usable:
            return one
    tensor = dequantised(graph, known)
    if not floating(tensor):
        raise ModelError(f"score '{name}' holds {_type(tensor)}, not floating point numbers")
    if not tensor.shape:
        raise ModelError(
            f"score '{name}' has shape {tensor.shape}, not [batch, classes]; "
            f"name another tensor with --score"
        )
    own = _origins(tensor, Tail(known, tensor), axes)
    return Candidate(head_of(Look(graph, own, named_classes(graph), False)), own, exact=exact)


def _bare(graph: Graph, name: str) -> str:
    """Without the sign that it is to be taken exactly."""
    return name if name in graph.tensors else name.removeprefix(EXACTLY)


def _score(graph: Graph, chosen: Candidate, rest: Sequence[Head]) -> Score:
    """The tensor with its rows first, the classes of a detector alone."""
    own, tensor = chosen.origins, chosen.origins.tensor
    axis = own.class_axis
    if chosen.cut is not None and axis is not None:
        cut = chosen.cut
        tensor = log_scores(graph, tensor, axis, cut.start, cut.count, cut.objectness)
    kept = chosen.exact and len(tensor.shape) > 1
    ordered = tensor if kept else rows_first(graph, tensor, own.batch)
    if len(tensor.shape) == 1 or axis is None:
        axis = 1 if len(tensor.shape) < 3 else len(tensor.shape) - 1
    elif not kept and own.batch is not None and axis < own.batch:
        axis += 1
    return Score(ordered, axis, (chosen.head, *rest), chosen.exact)


def _type(tensor: Tensor) -> str:
    return str(np.dtype(tensor.dtype)) if tensor.dtype is not None else "unknown"
