"""One anchor of a detector, by its number: `person@anchor:1234`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..examples import Facts
from ..labels import find_class, plain
from ..scores import cell_number, cell_score, one_cell, pick, space
from ..target import NONE, PLACE, Kind, Outputs, ScoredTarget
from .boxed import record, rows_of
from .found import Detections


@dataclass(frozen=True)
class AnchorTarget(ScoredTarget):
    """Y = y^c at one anchor (or place) of a dense score, less y of the background there.

    One class and anchor for all rows, or one a row.
    """

    index: int | tuple[int, ...]
    anchor: int | tuple[int, ...]
    """In the order of the score's axes, those of rows and classes left out, row-major."""
    class_axis: int = 1
    background: int | None = None
    asked: str = field(default="", compare=False)
    """How it was asked for, where it was found by something else than its number."""
    detail: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    single = False

    def __post_init__(self) -> None:
        """Keeps both as plain ints."""
        object.__setattr__(self, "index", plain(self.index))
        object.__setattr__(self, "anchor", plain(self.anchor))

    @property
    def label(self) -> str:
        """How it is asked for."""
        each = zip(_listed(self.index), _listed(self.anchor), strict=True)
        return self.asked or ",".join(f"{c}@anchor:{a}" for c, a in each)

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class, -1 at the background, at the anchor alone."""
        slope, *against = (one_cell(y, c, *self._there(y)) for c in self._both(y))
        return slope - against[0] if against else slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        found, *against = (cell_score(y, c, *self._there(y)) for c in self._both(y))
        return found - against[0] if against else found

    def few(self, y: Array) -> tuple[Array, Array]:
        """One number a row, and one of the background."""
        at = [cell_number(y, c, *self._there(y)) for c in self._both(y)]
        slopes = [np.full(len(y), slope, y.dtype) for slope in (1, -1)]
        return np.concatenate(at), np.concatenate(slopes[: len(at)])

    def classes(self, y: Array) -> Array | None:
        """c of each row, int64 [N]; None of a box that was found, which is about itself."""
        return None if self.asked else pick(y, self.index, self.class_axis)

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """With the box of the anchor, of a detector whose boxes can be read."""
        head = seen.asking.head
        if self.detail or head is None or head.boxes is None or seen.size is None:
            return (self,)
        try:
            rows = rows_of(seen, self.label)
        except TargetError:  # an anchor is what one asks for where boxes cannot be read
            return (self,)
        count = len(rows)
        each = zip(rows, _listed(self.index, count), _listed(self.anchor, count), strict=True)
        facts = [_box(row, channel, anchor, seen) for row, channel, anchor in each]
        return (replace(self, detail=tuple(facts)) if all(facts) else self,)

    def others(self, y: Array) -> dict[str, ScoredTarget]:
        """The same class at the anchor half of all away."""
        count = prod(space(y, self.class_axis))
        anchor, index = _listed(self.anchor)[0], _listed(self.index)[0]
        far = (anchor + count // 2) % count
        if far == anchor or self.tensor:
            return {}
        return {PLACE: AnchorTarget(index, far, self.class_axis, self.background)}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Of boxes that are none, as they are below the threshold."""
        best = ", this is the best there is" if self.asked else ""
        each = ("" if "nobox" in row else _doubt(row.get("box", {})) for row in self.detail)
        return tuple(doubt and doubt + best for doubt in each)

    @property
    def probability(self) -> float | None:
        """Of a box, where each row has the same."""
        found: float | None = self._of_all("probability")
        return found

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """The name of its class."""
        if (found := self._of_all("class")) is not None:
            return str(self._of_all("label") or f"class {found}")
        return super().title(index, names)

    def _both(self, y: Array) -> list[Array]:
        """The class, and the background if there is one."""
        asked = [self.index]
        if self.background is not None:
            asked.append(self._against(y.shape[self.class_axis]))
        return [pick(y, one, self.class_axis) for one in asked]

    def _against(self, count: int) -> int:
        """The background, which is no class to set against itself."""
        assert self.background is not None
        against = self.background % count
        if against in _listed(self.index):
            raise TargetError(
                f"{self.label}: class {against} is the background that the others are set "
                "against: ask for another class"
            )
        return against

    def _of_all(self, fact: str) -> Any:
        """What is said of the box of each row, where it is one thing; else None."""
        each = [row.get("box", {}).get(fact) for row in self.detail]
        return each[0] if each and all(one == each[0] for one in each) else None

    def _there(self, y: Array) -> tuple[tuple[int, ...], int]:
        """The anchors, which are in the score, and its class axis."""
        places, anchors = space(y, self.class_axis), _listed(self.anchor)
        if not all(isinstance(extent, int) for extent in places):
            raise TargetError(f"{self.label}: the anchors of a score {y.shape} have no number")
        if not all(0 <= a < prod(places) for a in anchors):
            raise TargetError(f"{self.label}: the score has anchors 0 to {prod(places) - 1}")
        return anchors, self.class_axis


def _doubt(box: Mapping[str, Any]) -> str:
    if "below" not in box:
        return ""
    value = box["score"] if box["probability"] is None else box["probability"]
    return f"no box: its {value:.3g} is below {box['below']:g}"


def _box(row: Detections, channel: int, anchor: int, seen: Seen) -> dict[str, Any]:
    """What a record says of it; {} where there is no such anchor, or the class is no class."""
    classes, anchors = row.scores.shape
    if not (0 <= anchor < anchors and 0 <= channel < classes) or channel == row.background:
        return {}
    return {"box": record(row.box(channel, anchor), row, seen)}


def _listed(value: int | tuple[int, ...], count: int = 1) -> tuple[int, ...]:
    """One for all of `count` rows, or one a row."""
    return (value,) * count if isinstance(value, int) else value


def read(word: str, asking: Asking) -> tuple[AnchorTarget] | None:
    """`person@anchor:1234`, or a class by its number."""
    found = re.fullmatch(r"(.+)@anchor:(\d+)", word)
    if found is None:
        return None
    boxes = None if asking.head is None else asking.head.boxes
    background = None if boxes is None else boxes.background
    own = boxes is not None and boxes.own is not None  # the score has one class: their own
    index = 0 if own else find_class(found[1], asking.labels)
    if index < 0:
        raise TargetError(f"target '{word}': an anchor is asked for one class, as 3@anchor:120")
    return (AnchorTarget(index, int(found[2]), asking.class_axis, background),)


def _example(written: str, facts: Facts) -> str:
    """The first anchor, and a class that is not the background."""
    head = facts.asking.head
    background = None if head is None or head.boxes is None else head.boxes.background
    return f"{int(background == 0)}@anchor:0"


ANCHOR = Kind(
    "3@anchor:120",
    "the score of a class at one anchor, or one place, by number",
    read,
    of=("boxes", "dense classes"),
    example=_example,
)
