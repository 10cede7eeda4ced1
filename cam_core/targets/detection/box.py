"""Boxes of a detector, which are known once it was run: `box:0`, `person`, `person@x,y`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import NothingFoundError, TargetError
from ..asking import Asking, Point, Seen
from ..labels import find_class
from ..target import AwaitingTarget, Kind, ScoredTarget
from .anchor import AnchorTarget
from .boxed import record, rows_of, said
from .found import MOST, Box, Detections, named
from .suppression import overlap

NUMBER = r"-?\d+(?:\.\d+)?"
POINT = rf"({NUMBER}),({NUMBER})"
AREA = rf"{POINT},({NUMBER}),({NUMBER})"
AMISS = re.compile(r"(box|nobox|top|prob)(:.*)?|.*@.*|-?\d+ *- *-?\d+")
"""What is meant for a question, where it is no label."""
WRITTEN = "box:0, box:all, top:3, 3 or its label, 3@x,y, nobox:3@x0,y0,x1,y1 or 3@anchor:120"


@dataclass(frozen=True)
class BoxTarget(AwaitingTarget):
    """Y = y^c of the anchor of a box that remains after suppression, the best first."""

    rank: int = 0
    """Of those that fit the rest; 0 is the best."""
    index: int | None = None
    """Of this class alone."""
    over: Point | None = None
    """Over this point of the photo alone."""
    every: bool = False
    """All of them, one after the other."""
    lenient: bool = False
    """Where there is no such box: is nothing said, or the best below the threshold taken?"""
    asked: str = "box:0"

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    @property
    def together(self) -> str:
        """All of them have a picture, besides their own."""
        return "boxes" if self.every else ""

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The anchors of the boxes, one a row."""
        rows = rows_of(seen, self.label, self.index)
        if self.every:
            each = [self._fitting(row, seen) for row in rows]
            most = max(map(len, each))
            if not most:
                raise self._nothing(rows[0], seen)
            if len(rows) > 1 and any(len(found) < most for found in each):
                raise TargetError(f"{self.label}: rows with different boxes are asked one by one")
            ranks = range(most)
            return [
                anchored(seen, rows, [found[i] for found in each], f"box:{i}", rank=i)
                for i in ranks
            ]
        chosen = [self._chosen(row, seen) for row in rows]
        boxes = [box for box in chosen if box is not None]
        if len(boxes) < len(rows):
            return ()
        return [anchored(seen, rows, boxes, self.asked, rank=self.rank)]

    def _chosen(self, row: Detections, seen: Seen) -> Box | None:
        found = self._fitting(row, seen)
        if self.rank < len(found):
            return found[self.rank]
        if self.lenient:
            best = row.best(self.index) if self.rank == 0 else None
            if best is None and self.rank == 0:
                raise self._nothing(row, seen)
            return best
        raise self._nothing(row, seen)

    def _fitting(self, row: Detections, seen: Seen) -> list[Box]:
        boxes = row.boxes(self.index)
        if self.over is None:
            return boxes
        x, y = seen.to_input(self.over)
        return [box for box in boxes if box.holds(x, y)]

    def _nothing(self, row: Detections, seen: Seen) -> NothingFoundError:
        labels = seen.asking.labels
        who = "box" if self.index is None else f"'{named(self.index, labels)}'"
        boxes = row.boxes(self.index)
        if boxes:
            there = "; ".join(said(box, row, seen) for box in boxes[:3])
            rest = f" ({len(boxes)} in all)" if len(boxes) > 3 else ""
            where = "" if self.over is None else f" over {self.over[0]:g},{self.over[1]:g}"
            return NothingFoundError(f"{self.label}: no such {who}{where}; there is {there}{rest}")
        best = row.best(self.index)
        if best is None:
            return NothingFoundError(f"{self.label}: {_none(row, who)}")
        limit = "above a score of 0" if not row.how else f"from {row.least:g} on"
        return NothingFoundError(
            f"{self.label}: no {who} {limit}; the best is {said(best, row, seen)}: ask for "
            f"'{best.channel}@anchor:{best.anchor}'"
        )


def _none(row: Detections, who: str) -> str:
    """Why there is not even a weak box; what was selected inside the file may lack a class."""
    kept = int(np.sum(row.strengths.every > -np.inf))
    before = "the scores before its selection with --score"
    if not kept:
        return f"the file keeps no box here, all its rows are padding: name {before}"
    return f"no {who} among the {kept} boxes that the file keeps: ask for box:0, or name {before}"


def anchored(
    seen: Seen, rows: Sequence[Detections], boxes: Sequence[Box], asked: str, **facts: Any
) -> AnchorTarget:
    """The target of one box a row."""
    background = rows[0].background
    detail = [{"box": facts | record(box, row, seen)} for box, row in zip(boxes, rows, strict=True)]
    return AnchorTarget(
        tuple(box.channel for box in boxes),
        tuple(box.anchor for box in boxes),
        seen.asking.class_axis,
        background,
        asked,
        tuple(detail),
    )


@dataclass(frozen=True)
class NoBoxTarget(BoxTarget):
    """Y = y^c of the anchor whose box lies over an area best: why is there none?"""

    area: tuple[float, float, float, float] = (0, 0, 0, 0)
    """x0, y0, x1, y1 in pixels of the photo."""

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """That anchor, with what its score lacks for a box."""
        index = self.index or 0
        rows = rows_of(seen, self.label, index)
        boxes, gaps = [], []
        for row in rows:
            about = row.about(index) & ~row.strengths.none
            shared = np.where(about.any(axis=0), overlap(self._in_input(seen), row.corners[:]), 0)
            if not np.max(shared, initial=0) > 0:
                raise NothingFoundError(f"{self.label}: no anchor's box lies over that area")
            anchor = int(np.argmax(shared))
            box = row.box(int(np.argmax(about[:, anchor])), anchor)
            boxes.append(box)
            value = row.strengths.of(box.channel, box.anchor)
            gaps.append({"overlap": float(shared.max()), "gap": row.least - value})
        target = anchored(seen, rows, boxes, self.asked)
        told = [{**d, "nobox": gap} for d, gap in zip(target.detail, gaps, strict=True)]
        return [replace(target, detail=tuple(told))]

    def _in_input(self, seen: Seen) -> Array:
        x0, y0, x1, y1 = self.area
        return np.array([*seen.to_input((x0, y0)), *seen.to_input((x1, y1))])


def read(word: str, asking: Asking) -> tuple[ScoredTarget, ...] | None:
    """`box:0`, `box:all`; of a detector also `top:3`, `person`, `person@x,y`, `nobox:...`."""
    if box := re.fullmatch(r"box:(\d+|all)", word):
        every = box[1] == "all"
        return (BoxTarget(0 if every else int(box[1]), every=every, asked=word),)
    if asking.kind != "boxes":
        return None
    if top := re.fullmatch(r"top(?::(\d+))?", word):
        count = min(int(top[1] or 1), MOST)
        if count < 1:
            raise TargetError(f"target '{word}': top:k needs a k of at least 1")
        return tuple(BoxTarget(i, lenient=True, asked=f"box:{i}") for i in range(count))
    if none := re.fullmatch(rf"nobox:(.+)@{AREA}", word):
        x0, y0, x1, y1 = map(float, none.groups()[1:])
        if x1 <= x0 or y1 <= y0:
            raise TargetError(f"target '{word}': an area is x0,y0,x1,y1 with x1 > x0, y1 > y0")
        index = find_class(none[1], asking.labels)
        return (NoBoxTarget(index=index, area=(x0, y0, x1, y1), asked=word),)
    if over := re.fullmatch(rf"(.+)@{POINT}", word):
        point = float(over[2]), float(over[3])
        index = find_class(over[1], asking.labels)
        return (BoxTarget(index=index, over=point, asked=word),)
    if word.partition(":")[0] in ("out", "versus") or "@anchor:" in word:
        return None
    if word == "-1":
        return (BoxTarget(lenient=True),)
    return (BoxTarget(index=_class(word, asking.labels), asked=word),)


def _class(word: str, labels: Sequence[str] | None) -> int:
    """As `find_class`; what is meant for another question is told how one is written."""
    try:
        return find_class(word, labels)
    except TargetError:
        if AMISS.fullmatch(word):
            raise TargetError(
                f"target '{word}' is no question to a detector: ask {WRITTEN}"
            ) from None
        raise


BOX = Kind(
    "box:0",
    "a box of a detector: the best, box:1 the next, box:all, person@x,y",
    read,
    of=("boxes",),
)
