"""The kind of an output, from its tail, names, metadata and where its axes come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cam_core.head import Head

from ...reading.graph import Graph
from ..axes.factors import size
from .makers import last_step
from .origins import Origins, places
from .words import BOXES, CLASSES, EMBEDDINGS, REGRESSIONS, STATES, says

Kind = tuple[str, str]
"""(kind, evidence)"""


@dataclass(frozen=True)
class Look:
    """One output, and what else is known of its model."""

    graph: Graph
    origins: Origins
    named: int | None
    """How many classes the metadata names."""
    alone: bool
    """Is it the only output?"""

    @property
    def name(self) -> str:
        return str(self.origins.tail.output.name)

    @property
    def count(self) -> str:
        """How many numbers there are a position, as words say it."""
        return "any number of" if self.origins.classes is None else str(self.origins.classes)

    def word(self, words: tuple[str, ...]) -> str:
        """The first of these words that the output's name holds."""
        return says(self.name, words)


def head_of(look: Look) -> Head:
    """What the output is."""
    own = look.origins
    kind, evidence = kind_of(look)
    axis = None if kind == "boxes" else own.class_axis
    return Head(look.name, kind, evidence, str(own.tensor.name), axis, own.tail.activation)


def kind_of(look: Look) -> Kind:
    """(kind, evidence)"""
    own = look.origins
    if own.pairs:
        return "similarity", f"the rows of one input against those of '{own.pairs}'"
    if not own.positions:
        return _vector(look)
    if own.scales or not own.inputs:
        return _rows(look)
    return _steps(look) if len(own.inputs) == 1 else _maps(look)


def _vector(look: Look) -> Kind:
    """[N, C] or [N]."""
    own = look.origins
    if own.tail.activation == "Sigmoid":
        if own.classes == 1:
            return "binary", "Sigmoid of one number"
        return "multi-label", f"Sigmoid of each of {look.count} numbers"
    if not own.tail.plain:
        return "classes", _over(look)
    if own.classes == 1:
        return "regression", "one number that nothing is applied to"
    if look.named is not None and look.named == own.classes:
        return "classes", f"the metadata names {look.named} classes"
    return _by_name(look) or _by_maker(look)


def _by_name(look: Look) -> Kind | None:
    """A vector whose name says what it is."""
    tables = (
        *(("unknown", STATES), ("embedding", EMBEDDINGS)),
        *(("regression", REGRESSIONS), ("classes", CLASSES)),
    )
    for kind, words in tables:
        if word := look.word(words):
            return kind, f"{look.count} numbers, its name holds '{word}'"
    return None


def _by_maker(look: Look) -> Kind:
    """A vector of which only its last step is known."""
    last = last_step(look.graph, look.origins.tensor)
    if last == "normalised":
        return "embedding", f"{look.count} numbers, a normalisation last"
    if last == "linear" and look.alone:
        return "classes", f"{look.count} numbers of a linear layer, and nothing else is known"
    if last == "linear":
        return "regression", f"{look.count} numbers of a linear layer, one output of several"
    if last == "pooled":
        return "unknown", f"a pool of {look.count} maps, and nothing says of what"
    return "embedding", f"{look.count} numbers, no labels, {last or 'no layer'} last"


def _rows(look: Look) -> Kind:
    """Scores of anchors of several scales, or of queries that come from no place."""
    own = look.origins
    what = "anchor" if own.scales else "query" if own.followed else "position"
    if not own.tail.plain:
        return "dense classes", f"{_over(look)}, at each {what}"
    if word := look.word(BOXES):
        return "boxes", f"its name holds '{word}', {look.count} numbers at each {what}"
    if word := look.word(CLASSES):
        many = "one class" if own.classes == 1 else f"{look.count} classes"
        return "dense classes", f"its name holds '{word}', {many} at each {what}"
    return "unknown", f"{look.count} numbers at each {what}, nothing is applied to them"


def _steps(look: Look) -> Kind:
    """Along one axis of an input."""
    own, (where,) = look.origins, look.origins.inputs
    along = f"at each step along axis {where[1]} of '{where[0]}'"
    if own.tail.activation == "Sigmoid":
        return "dense classes", f"{_over(look)}, {along}"
    if not own.tail.plain:
        return "sequence", f"{_over(look)}, {along}"
    wide = own.class_axis is not None and own.classes != 1
    if wide and look.alone and _of_a_picture(look) and _linear(look):
        return "sequence", f"{look.count} numbers of a linear layer, {along}, a picture: a line"
    return _plain_places(look, along)


def _of_a_picture(look: Look) -> bool:
    """Has the input that the steps are of two axes of places, or more?"""
    name = next(iter(look.origins.inputs))[0]
    given = next((t for t in look.graph.inputs if t.name == name), None)
    return given is not None and given.shape is not None and len(given.shape) > 3


def _linear(look: Look) -> bool:
    return last_step(look.graph, look.origins.tensor) == "linear"


def _maps(look: Look) -> Kind:
    """Over the places of an input."""
    names = sorted({name for name, _ in look.origins.inputs})
    along = f"at each place of '{', '.join(names)}'"
    if not look.origins.tail.plain:
        return "dense classes", f"{_over(look)}, {along}"
    return _plain_places(look, along)


def _plain_places(look: Look, along: str) -> Kind:
    """Numbers at places that nothing is applied to."""
    own = look.origins
    if word := look.word(BOXES):
        return "boxes", f"its name holds '{word}', {look.count} numbers {along}"
    if own.class_axis is None or own.classes == 1:
        word = look.word(CLASSES)
        if word:
            return "dense classes", f"its name holds '{word}', one class {along}"
        return "picture", f"one number {along}"
    if _as_the_input(look):
        return "picture", f"as many channels and places as '{next(iter(own.inputs))[0]}'"
    if word := look.word(CLASSES):
        return "dense classes", f"its name holds '{word}', {look.count} classes {along}"
    last = last_step(look.graph, own.tensor)
    if last == "linear" and look.alone:
        return "dense classes", f"{look.count} numbers of a linear layer {along}"
    return "unknown", f"{look.count} numbers {along}, {last or 'no layer'} last"


def _as_the_input(look: Look) -> bool:
    """Is it a picture like the one that it is made of, as long along the same axes or enlarged?"""
    own = look.origins
    name = next(iter(own.inputs))[0]
    given = next((t for t in look.graph.inputs if t.name == name), None)
    axis = own.class_axis
    if given is None or given.shape is None or len(given.shape) != len(own.tensor.shape):
        return False
    same = (a == b for a, b in zip(given.shape, own.tensor.shape, strict=True))
    return axis is not None and all(
        (alike and (i in (axis, own.batch) or _along(look, i))) or _enlarged(look, i)
        for i, alike in enumerate(same)
    )


def _along(look: Look, i: int) -> bool:
    return any(origin.axis == i for origin in places(look.origins.axes[i]))


def _enlarged(look: Look, i: int) -> bool:
    """Does it run along the same axis of the input, twice as long or more?"""
    axis = look.origins.axes[i]
    whole = [origin for origin in places(axis) if origin.axis == i]
    return len(whole) == 1 and size(axis) > whole[0].extent and not size(axis) % whole[0].extent


def _over(look: Look) -> str:
    """'Softmax over 97 along axis 2'."""
    own = look.origins
    where = "" if own.class_axis is None else f" along axis {own.class_axis}"
    each = "of each of" if own.tail.activation == "Sigmoid" else "over"
    if own.classes == 1:
        return f"{own.tail.what} of one class"
    return f"{own.tail.what} {each} {look.count} classes{where}"


RANKS: tuple[Callable[[Head, bool], bool], ...] = (
    lambda head, tailed: tailed and head.kind != "boxes",
    lambda head, tailed: head.kind == "boxes" and head.class_axis is not None,
    lambda head, tailed: head.kind != "boxes" and bool(says(head.output, CLASSES)),
    lambda head, tailed: head.kind in ("classes", "dense classes", "sequence"),
    lambda head, tailed: head.kind in ("regression", "similarity"),
    lambda head, tailed: head.kind in ("embedding", "picture", "unknown"),
)
"""Which of several outputs has the score: the first of these that holds; boxes never."""


def rank(head: Head, tailed: bool) -> int:
    """The lower, the sooner it has the score; `tailed`: something makes classes of it."""
    return next((i for i, holds in enumerate(RANKS) if holds(head, tailed)), len(RANKS))
