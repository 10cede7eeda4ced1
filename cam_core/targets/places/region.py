"""The places where a class wins: `region:12`, `region`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import NothingFoundError, TargetError
from ...places import Cells, read_places
from ..asking import Asking, Seen
from ..examples import at_places
from ..labels import find_class, label_of, plain
from ..scores import find_axis, one_hot, per_row, pick
from ..target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from .cells import CellsTarget
from .facts import of_class, region_facts

BACKGROUND = ("background", "void", "unlabelled", "unlabeled", "__background__")
"""Names of a class that stands for nothing."""
PLACED = ("dense classes", "sequence", "boxes", "unknown")
"""Kinds of heads that have classes at places."""
TOLD = 5
"""Classes that a refusal names."""


@dataclass(frozen=True)
class RegionTarget(ScoredTarget):
    """Y = mean of y^c over the places where c wins (Hasany et al. 2023, Seg-XRes-CAM).

    Where they are is held while y moves, as it is almost everywhere. A class wins where it is the
    largest, or, where each class has a sigmoid or there is one only, above 0. Of no place Y is 0.
    """

    index: int | tuple[int, ...]
    class_axis: int = 1
    each: bool = False
    """Is a class itself measured against 0, and not against the others?"""
    detail: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    outline: Cells | None = field(default=None, compare=False, repr=False)
    single = False

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is asked for."""
        each = (self.index,) if isinstance(self.index, int) else self.index
        return "region:" + ",".join(map(str, dict.fromkeys(each)))

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 / |places| at the class, where it wins."""
        axis = find_axis(y, self.class_axis)
        chosen = one_hot(y, self.classes(y), self.class_axis)
        won = self.won(y)
        places = tuple(i for i in range(1, y.ndim) if i != axis)
        count = np.sum(won, axis=places, keepdims=True) if places else won
        slope: Array = chosen * (won / np.maximum(count, 1))
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(y * self(y))

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return pick(y, self.index, self.class_axis)

    def won(self, y: Array) -> Array:
        """1 where the class wins, of y's type; the axis of classes has one."""
        axis, classes = find_axis(y, self.class_axis), self.classes(y)
        if self.each or y.shape[axis] == 1:
            own = y * one_hot(y, classes, self.class_axis)
            won: Array = np.sum(own, axis=axis, keepdims=True) > 0
        else:
            best = np.expand_dims(np.argmax(y, axis=axis), axis)
            one = isinstance(self.index, int) and self.index >= 0
            won = best == (self.index if one else np.expand_dims(classes, tuple(range(1, y.ndim))))
        return won.astype(y.dtype)

    def held(self, y: Array) -> CellsTarget:
        """The same places and classes, should others win."""
        won = np.squeeze(self.won(y), find_axis(y, self.class_axis))
        count = np.sum(won, axis=tuple(range(1, won.ndim)), keepdims=True)
        index = tuple(int(c) for c in self.classes(y))
        return CellsTarget(index, won / np.maximum(count, 1), self.class_axis, self.label)

    @property
    def probability(self) -> float | None:
        """Of a single row, the mean over the region, where the model makes one."""
        known = self.detail[0]["region"].get("probability") if len(self.detail) == 1 else None
        return None if known is None else float(known)

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The same with what there is to say of it.

        Raises:
            TargetError: it wins nowhere, with those that win somewhere.
        """
        y = seen.score
        axis = find_axis(y, self.class_axis)
        if self.each and y.shape[axis] > 1:
            self.classes(y)
        won = np.squeeze(self.won(y), axis) > 0
        index = [int(c) for c in self.classes(y)]
        for n, row in enumerate(won):
            if not row.any():
                raise self._nowhere(y[n : n + 1], index[n], seen)
        return [
            replace(
                self,
                detail=region_facts(y, won, index, seen.asking),
                outline=outline_of(won, seen, classes=True),
            )
        ]

    def _nowhere(self, y: Array, index: int, seen: Seen) -> NothingFoundError:
        labels = seen.asking.labels
        shares = winning(y, self.class_axis, each=self.each)
        order = sorted((c for c in range(len(shares)) if shares[c]), key=lambda c: -shares[c])
        there = ", ".join(f"{c}{_named(c, labels)} ({shares[c]:.1%})" for c in order[:TOLD]) + (
            f" and {len(order) - TOLD} more" if len(order) > TOLD else ""
        )
        least = "nowhere above 0" if self.each or len(shares) == 1 else "the largest at no place"
        instead = f"there is region:{there}" if order else "no class is"
        best = float(of_class(y, [index], self.class_axis).max())
        return NothingFoundError(
            f"region:{index}: class {index}{_named(index, labels)} is {least} (its best logit is "
            f"{best:.4g}); {instead}"
        )


@dataclass(frozen=True)
class LargestRegionTarget(AwaitingTarget):
    """Y of the region that is largest but for the background; of that where there is no other."""

    class_axis: int = 1
    each: bool = False
    label = "region"

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The region of one class a row; where no class wins anywhere, its one best place."""
        y = seen.score
        shares = [winning(row[None], self.class_axis, each=self.each) for row in y]
        if not all(share.any() for share in shares):
            return [self._best_place(seen)]
        nothing = backgrounds(seen.asking, len(shares[0]), each=self.each)
        index = []
        for share in shares:
            known = np.where([c in nothing for c in range(len(share))], 0, share)
            index.append(int(np.argmax(known if known.any() else share)))
        return RegionTarget(tuple(index), self.class_axis, self.each).found_in(seen)

    def _best_place(self, seen: Seen) -> ScoredTarget:
        y = seen.score
        index = tuple(int(c) for c in np.argmax([_most(row, self.class_axis) for row in y], axis=1))
        own = of_class(y, index, self.class_axis)
        flat = own.reshape(len(own), -1)
        best = np.zeros(flat.shape, bool)
        best[range(len(flat)), flat.argmax(axis=1)] = True
        chosen = best.reshape(own.shape)
        detail = region_facts(y, chosen, index, seen.asking)
        told = tuple({"region": {**facts["region"], "below": 0}} for facts in detail)
        return CellsTarget(
            index,
            chosen.astype(y.dtype),
            self.class_axis,
            "region",
            told,
            outline_of(chosen, seen, classes=True),
        )


def winning(y: Array, class_axis: int, *, each: bool) -> Array:
    """The share of places at which each class wins [C], of one row."""
    axis = find_axis(y, class_axis)
    count = y.shape[axis]
    if each or count == 1:
        won = np.moveaxis(y > 0, axis, -1).reshape(-1, count)
        return np.asarray(won.mean(axis=0))
    best = np.bincount(np.argmax(y, axis=axis).reshape(-1), minlength=count)
    return np.asarray(best / best.sum())


def backgrounds(asking: Asking, count: int, *, each: bool) -> set[int]:
    """The classes that stand for nothing: those of such a name, the first where no name is known.

    Where each class has a probability of its own, that of nothing is no class.
    """
    if asking.labels is None:
        return set() if each or count == 1 else {0}
    return {i for i, name in enumerate(asking.labels) if name.strip().casefold() in BACKGROUND}


def outline_of(chosen: Array, seen: Seen, *, classes: bool) -> Cells | None:
    """The cells of bool [N, *P] in the order of the input's places; None where that is unknown."""
    head = seen.asking.head
    if head is None or head.places is None:
        return None
    full = chosen
    if classes:
        axis = find_axis(seen.score, seen.asking.class_axis)
        full = np.repeat(np.expand_dims(chosen, axis), seen.score.shape[axis], axis)
    return Cells(read_places(head.places, full)[:, 0], head.places.region)


def _most(row: Array, class_axis: int) -> Array:
    """The largest score of each class [C], of one row."""
    y = row[None]
    axis = find_axis(y, class_axis)
    return np.asarray(np.moveaxis(y, axis, -1).reshape(-1, y.shape[axis]).max(axis=0))


def _named(index: int, labels: Sequence[str] | None) -> str:
    known = labels is not None and 0 <= index < len(labels)
    return f" '{label_of(index, labels)}'" if known else ""


def read(word: str, asking: Asking) -> tuple[ScoredTarget, ...] | None:
    """`region`, `region:12` or `region:person`."""
    kind, colon, rest = word.partition(":")
    if kind != "region" or (colon and not rest):
        return None
    if asking.head is not None and asking.head.kind not in PLACED:
        instead = "mean, or a place @x,y" if asking.head.kind == "picture" else "a class"
        raise TargetError(
            f"target '{word}' asks where a class wins, and the model gives {asking.head.kind}: "
            f"ask for {instead}"
        )
    each = asking.head is not None and asking.head.probability == "sigmoid"
    if not colon or rest.strip() == "-1":
        return (LargestRegionTarget(asking.class_axis, each),)
    return (RegionTarget(find_class(rest, asking.labels), asking.class_axis, each),)


REGION = Kind(
    "region:12",
    "a class where it wins; `region`: the largest but background",
    read,
    of=("dense classes", "unknown"),
    example=at_places,
)
