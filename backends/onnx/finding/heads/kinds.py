"""The kind of an output, from its tail, names, metadata and where its axes come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cam_core.head import Head

from ...reading.graph import Graph
from ..axes.factors import size
from .labels import Labels
from .makers import last_step
from .origins import Origins, places
from .readers import by_step
from .words import BOXES, CLASSES, EMBEDDINGS, REGRESSIONS, STATES, says

Kind = tuple[str, str]
"""(kind, evidence)"""


@dataclass(frozen=True)
class Clues:
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

    def reads_words(self, name: str) -> bool:
        """Is an input numbers of words, whole ones that a table is read by?"""
        given = next((t for t in self.graph.inputs if t.name == name), None)
        return given is not None and given.dtype in (np.int64, np.int32)

    @property
    def count(self) -> str:
        """How many numbers there are a position, as words say it."""
        return "any number of" if self.origins.classes is None else str(self.origins.classes)

    def word(self, words: tuple[str, ...]) -> str:
        """The first of these words that the output's name holds."""
        return says(self.name, words)


def head_of(clues: Clues) -> Head:
    """What the output is."""
    own = clues.origins
    kind, evidence = kind_of(clues)
    axis = None if kind == "boxes" else own.class_axis
    head = Head(clues.name, kind, evidence, str(own.tensor.name), axis, own.tail.activation)
    return replace(head, by_step=kind == "sequence" and bool(_by_step(clues)))


def with_labels(head: Head, labels: Labels) -> Head:
    """The head with the names that the file has for its classes."""
    evidence = f"{head.evidence}; {labels.where} has {len(labels.names)} names"
    return replace(head, evidence=evidence, labels=labels.names, labels_source=labels.where)


def kind_of(clues: Clues) -> Kind:
    """(kind, evidence)"""
    own = clues.origins
    if own.pairs:
        return "similarity", f"the rows of one input against those of '{own.pairs}'"
    if not own.positions:
        return _vector(clues)
    if said := _by_step(clues):
        return "sequence", said
    if own.scales or not own.inputs:
        return _rows(clues)
    return _steps(clues) if len(own.inputs) == 1 else _maps(clues)


def _by_step(clues: Clues) -> str:
    return by_step(clues.graph, clues.origins) if clues.alone else ""


def _vector(clues: Clues) -> Kind:
    """[N, C] or [N]."""
    own = clues.origins
    if own.tail.activation == "Sigmoid":
        if own.classes == 1:
            return "binary", "Sigmoid of one number"
        return "multi-label", f"Sigmoid of each of {clues.count} numbers"
    if not own.tail.plain:
        return "classes", _over(clues)
    if own.classes == 1:
        return "regression", "one number that nothing is applied to"
    if clues.named is not None and clues.named == own.classes:
        return "classes", f"the metadata names {clues.named} classes"
    return _by_name(clues) or _by_maker(clues)


def _by_name(clues: Clues) -> Kind | None:
    """A vector whose name says what it is."""
    tables = (
        *(("unknown", STATES), ("embedding", EMBEDDINGS)),
        *(("regression", REGRESSIONS), ("classes", CLASSES)),
    )
    for kind, words in tables:
        if word := clues.word(words):
            return kind, f"{clues.count} numbers, its name holds '{word}'"
    return None


def _by_maker(clues: Clues) -> Kind:
    """A vector of which only its last step is known."""
    last = last_step(clues.graph, clues.origins.tensor)
    if last == "normalised":
        return "embedding", f"{clues.count} numbers, a normalisation last"
    if last == "linear" and clues.alone:
        return "classes", f"{clues.count} numbers of a linear layer, and nothing else is known"
    if last == "linear":
        return "regression", f"{clues.count} numbers of a linear layer, one output of several"
    if last == "pooled":
        return "unknown", f"a pool of {clues.count} maps, and nothing says of what"
    return "embedding", f"{clues.count} numbers, no labels, {last or 'no layer'} last"


def _rows(clues: Clues) -> Kind:
    """Scores of anchors of several scales, or of queries that come from no place."""
    own = clues.origins
    what = "anchor" if own.scales else "query" if own.followed else "position"
    if not own.tail.plain:
        return "dense classes", f"{_over(clues)}, at each {what}"
    if word := clues.word(BOXES):
        return "boxes", f"its name holds '{word}', {clues.count} numbers at each {what}"
    if word := clues.word(CLASSES):
        many = "one class" if own.classes == 1 else f"{clues.count} classes"
        return "dense classes", f"its name holds '{word}', {many} at each {what}"
    return "unknown", f"{clues.count} numbers at each {what}, nothing is applied to them"


def _steps(clues: Clues) -> Kind:
    """Along one axis of an input."""
    own, (where,) = clues.origins, clues.origins.inputs
    along = f"at each step along axis {where[1]} of '{where[0]}'"
    if own.classes != 1 and clues.reads_words(where[0]):
        return "caption", f"{clues.count} words {along}, which is fed words"
    if own.tail.activation == "Sigmoid":
        return "dense classes", f"{_over(clues)}, {along}"
    if not own.tail.plain:
        return "sequence", f"{_over(clues)}, {along}"
    wide = own.class_axis is not None and own.classes != 1
    if wide and clues.alone and _of_a_picture(clues) and _linear(clues):
        return "sequence", f"{clues.count} numbers of a linear layer, {along}, a picture: a line"
    return _plain_places(clues, along)


def _of_a_picture(clues: Clues) -> bool:
    """Has the input that the steps are of two axes of places, or more?"""
    name = next(iter(clues.origins.inputs))[0]
    given = next((t for t in clues.graph.inputs if t.name == name), None)
    return given is not None and given.shape is not None and len(given.shape) > 3


def _linear(clues: Clues) -> bool:
    return last_step(clues.graph, clues.origins.tensor) == "linear"


def _maps(clues: Clues) -> Kind:
    """Over the places of an input."""
    names = sorted({name for name, _ in clues.origins.inputs})
    along = f"at each place of '{', '.join(names)}'"
    if not clues.origins.tail.plain:
        return "dense classes", f"{_over(clues)}, {along}"
    return _plain_places(clues, along)


def _plain_places(clues: Clues, along: str) -> Kind:
    """Numbers at places that nothing is applied to."""
    own = clues.origins
    if word := clues.word(BOXES):
        return "boxes", f"its name holds '{word}', {clues.count} numbers {along}"
    if own.class_axis is None or own.classes == 1:
        word = clues.word(CLASSES)
        if word:
            return "dense classes", f"its name holds '{word}', one class {along}"
        return "picture", f"one number {along}"
    if _as_the_input(clues):
        return "picture", f"as many channels and places as '{next(iter(own.inputs))[0]}'"
    if word := clues.word(CLASSES):
        return "dense classes", f"its name holds '{word}', {clues.count} classes {along}"
    last = last_step(clues.graph, own.tensor)
    if last == "linear" and clues.alone:
        return "dense classes", f"{clues.count} numbers of a linear layer {along}"
    return "unknown", f"{clues.count} numbers {along}, {last or 'no layer'} last"


def _as_the_input(clues: Clues) -> bool:
    """Is it a picture like the one that it is made of, as long along the same axes or enlarged?"""
    own = clues.origins
    name = next(iter(own.inputs))[0]
    given = next((t for t in clues.graph.inputs if t.name == name), None)
    axis = own.class_axis
    if given is None or given.shape is None or len(given.shape) != len(own.tensor.shape):
        return False
    same = (a == b for a, b in zip(given.shape, own.tensor.shape, strict=True))
    return axis is not None and all(
        (alike and (i in (axis, own.batch) or _along(clues, i))) or _enlarged(clues, i)
        for i, alike in enumerate(same)
    )


def _along(clues: Clues, i: int) -> bool:
    return any(origin.axis == i for origin in places(clues.origins.axes[i]))


def _enlarged(clues: Clues, i: int) -> bool:
    """Does it run along the same axis of the input, twice as long or more?"""
    axis = clues.origins.axes[i]
    whole = [origin for origin in places(axis) if origin.axis == i]
    return len(whole) == 1 and size(axis) > whole[0].extent and not size(axis) % whole[0].extent


def _over(clues: Clues) -> str:
    """'Softmax over 97 along axis 2'."""
    own = clues.origins
    where = "" if own.class_axis is None else f" along axis {own.class_axis}"
    each = "of each of" if own.tail.activation == "Sigmoid" else "over"
    if own.classes == 1:
        return f"{own.tail.what} of one class"
    return f"{own.tail.what} {each} {clues.count} classes{where}"


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
