"""Finds the score: of all outputs the one with classes, as logits, its rows first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from cam_core.errors import ModelError
from cam_core.head import Head

from ..reading.graph import Graph, Tensor, floating
from ..reading.units import dequantised
from .axes.walk import Found
from .candidates import candidates, origins, type_said
from .heads.extra import bounded, log_scores, one_row, own_name, rows_first
from .heads.kinds import Clues, head_of
from .heads.origins import Origins
from .heads.partners import Candidate
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
    found = candidates(graph, known)
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
            f"score '{name}' holds {type_said(tensor)}, not floating point numbers; "
            f"name another tensor with --score"
        )
    if not tensor.shape:
        raise ModelError(
            f"score '{name}' {'is one number' if tensor.shape == () else 'has no known shape'}, "
            f"not [batch, classes]; name another tensor with --score"
        )
    own = origins(tensor, Tail(known, tensor), axes)
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
    if chosen.exact and (len(tensor.shape) > 1 or _no_rows(graph, own)):
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


def _no_rows(graph: Graph, own: Origins) -> bool:
    """Is a vector of as many numbers as are found, and not of one a row?"""
    (extent,) = own.tensor.shape
    rows = {t.shape[0] for t in graph.inputs if t.shape}
    return own_rows(own.axes) is None and not isinstance(extent, int) and extent not in rows


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
