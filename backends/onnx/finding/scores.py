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
from .heads.boxes import Detector, detector
from .heads.detectors import Whole, whole
from .heads.extra import SLICES, bounded, log_scores, one_row, own_name, rows_first
from .heads.kinds import Clues, head_of, with_labels
from .heads.more import with_more
from .heads.origins import Origins
from .heads.partners import Candidate, with_partners
from .heads.tails import Tail, behind
from .heads.words import named_classes
from .roles import own_rows

AS_IT_IS = "out:"
"""Before the name of a score: that tensor itself, not the logits that it is made of."""

EXACTLY = "="
"""Before the name of a score that is taken as it is, its axes too, be it made of logits."""
SIGNS = (AS_IT_IS, EXACTLY)


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
    def own_classes(self) -> bool:
        """Does it hold one number a box, which says its class elsewhere?"""
        boxes = self.heads[0].boxes
        return boxes is not None and boxes.own is not None

    @property
    def classes(self) -> int | None:
        """How many classes there are, where that is static."""
        extent = self.tensor.shape[self.class_axis]
        return extent if isinstance(extent, int) else None


def find_score(graph: Graph, name: str | None = None, axes: Found | None = None) -> Score:
    """The score with no name given: that of the output with classes; with one, that tensor.

    Of an output the logits behind it; `out:NAME` is the output as it stands, `=NAME` is that with
    its axes as they are too.

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
    bare = str(name) if name in graph.tensors else str(name).removeprefix(AS_IT_IS)
    named = graph.tensors.get(own_name(bare.removeprefix(EXACTLY)))
    for tensor in tails if name is None else [*tails, named]:
        if tensor is not None:
            dequantised(graph, tensor)


def _candidates(graph: Graph, axes: Found) -> list[Candidate]:
    """Every output, in the model's order."""
    tails = [behind(graph, output) for output in graph.outputs]
    named, alone = named_classes(graph), len({tail.tensor.name for tail in tails}) == 1
    found = [_candidate(graph, tail, axes, named, alone) for tail in tails]
    one = whole(graph, axes)
    found = found if one is None else [_of_detector(each, one) for each in found]
    return _with_labels(_with_logits(with_partners(found)))


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
    own = _origins(tensor, tail, axes)
    if len(shape) > 2 and tail.plain:
        found = detector(graph, axes, tensor, own.classes, named)
        if found is not None and (found.tail is not None or graph.opset >= SLICES):
            return _detecting(graph, own, found, axes)
    return Candidate(head_of(Clues(graph, own, named, alone)), own)


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
    alone = _origins(tensor, found.tail, axes)
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


def _chosen(graph: Graph, found: Sequence[Candidate]) -> Candidate:
    made = [one for one in found if one.usable and one.origins.tensor.name in graph.producer]
    if made:
        best = min(made, key=lambda one: one.rank)
        if best.made is not None and best.made.refused:
            raise ModelError(best.made.refused)
        return best
    first = graph.outputs[0]
    raise ModelError(
        f"output '{first.name}' is no floating point score, and none is found before it; "
        f"name the tensor with the scores with --score"
    )


def _named(graph: Graph, name: str, found: Sequence[Candidate], axes: Found) -> Candidate:
    """What is named: an output, or logits, as it is found; any other tensor as it is."""
    apart = "" if name in graph.tensors else next((s for s in SIGNS if name.startswith(s)), "")
    exact, untouched = apart == AS_IT_IS, apart == EXACTLY
    name = own_name(name.removeprefix(apart))
    known = graph.tensors.get(name)
    if known is None or name not in graph.producer:
        near = difflib.get_close_matches(name, graph.producer, 3)
        cure = f"did you mean {', '.join(near)}?" if near else "leave --score out to have it found"
        what = "the model has no such tensor" if known is None else "it is an input or a weight"
        raise ModelError(f"'{name}' cannot be the score: {what}; {cure}")
    for one in () if untouched else found:
        inner = () if one.origins.tail.plain else one.origins.tail.views
        if name in (one.head.output, *inner) and one.usable and not exact:
            return one
    tensor = dequantised(graph, known)
    if not floating(tensor):
        raise ModelError(
            f"score '{name}' holds {_type(tensor)}, not floating point numbers; "
            f"name another tensor with --score"
        )
    if not tensor.shape:
        raise ModelError(
            f"score '{name}' {'is one number' if tensor.shape == () else 'has no known shape'}, "
            f"not [batch, classes]; name another tensor with --score"
        )
    own = _origins(tensor, Tail(known, tensor), axes)
    head = head_of(Clues(graph, own, named_classes(graph), False))
    return Candidate(head, own, exact=exact, untouched=untouched)


def _score(graph: Graph, chosen: Candidate, rest: Sequence[Head]) -> Score:
    """The tensor with its rows first, the classes of a detector alone."""
    if chosen.made is not None:
        return Score(chosen.made.tensor, chosen.made.class_axis, (chosen.head, *rest))
    own, tensor = chosen.origins, chosen.origins.tensor
    axis = own.class_axis
    if chosen.cut is not None and axis is not None:
        cut = chosen.cut
        tensor = log_scores(
            graph, tensor, axis, cut.start, cut.count, cut.objectness, powers=cut.powers
        )
    if chosen.exact and len(tensor.shape) > 1:
        return Score(*_as_it_is(graph, own), (chosen.head, *rest))
    if not chosen.untouched and chosen.head.boxes is not None and chosen.head.boxes.of_words:
        tensor = bounded(graph, tensor)
    kept = chosen.untouched and len(tensor.shape) > 1
    ordered = tensor if kept else rows_first(graph, tensor, own.batch)
    if len(tensor.shape) == 1 or axis is None:
        axis = 1 if len(tensor.shape) < 3 else len(tensor.shape) - 1
    elif not kept and own.batch is not None and axis < own.batch:
        axis += 1
    return Score(ordered, axis, (chosen.head, *rest), chosen.untouched)


def _as_it_is(graph: Graph, own: Origins) -> tuple[Tensor, int]:
    """Number by number with its rows first, and its class axis; one row where it counts none."""
    rows, axis = own_rows(own.axes), own.class_axis
    last = len(own.tensor.shape) - 1
    if rows is None and own.tensor.shape[0] != 1:
        return one_row(graph, own.tensor), last + 1 if axis is None else axis + 1
    if axis is None or axis == rows:
        axis = last
    moved = rows is not None and axis < rows
    return rows_first(graph, own.tensor, rows), axis + moved


def _type(tensor: Tensor) -> str:
    return str(np.dtype(tensor.dtype)) if tensor.dtype is not None else "unknown"
