"""Places of a score: `12@x,y`, `12@x0,y0,x1,y1`, `mask:FILE@12`, `mean`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..examples import Facts, a_class
from ..labels import find_class
from ..target import AwaitingTarget, Kind, ScoredTarget
from .cells import CellsTarget
from .facts import region_facts
from .region import outline_of
from .where import at_point, cells_of, in_area, middle, numbers_of, sides, under_mask

NUMBER = r"-?\d+(?:\.\d+)?"
NUMBERS = rf"{NUMBER}(?:,{NUMBER})*"


@dataclass(frozen=True)
class PlaceTarget(AwaitingTarget):
    """Y = mean of y^c, or of y where there are no classes, over some places of a score."""

    index: int | None
    ends: tuple[float, ...] = ()
    """A point (x, y) or an area (x0, y0, x1, y1), as many axes as the score has; () is all."""
    mask: str = ""
    """The file that says where, of the photo's size."""
    asked: str = "mean"

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Its cells."""
        classes = self.index is not None
        if classes == plain_numbers(seen):
            raise self._other(classes)
        chosen = self._cells(seen)[None]
        marks = numbers_of(chosen, seen, self.asked, classes=classes) != 0
        rows = np.repeat(marks, len(seen.score), axis=0)
        index = None if self.index is None else [self.index] * len(rows)
        return [
            CellsTarget(
                self.index,
                marks / marks.sum(),
                seen.asking.class_axis,
                self.asked,
                region_facts(seen.score, rows, index, seen.asking),
                outline_of(rows, seen, classes=classes) if self.ends or self.mask else None,
            )
        ]

    def settled(self, seen: Seen) -> ScoredTarget:
        """The cells are known from the shapes alone."""
        (found,) = self.found_in(seen)
        return found

    def _other(self, classes: bool) -> TargetError:
        """A class of a picture, or none where there are some."""
        ends = ",".join(f"{end:g}" for end in self.ends) or "x,y"
        if classes:
            return TargetError(f"{self.asked}: a picture has no classes: ask for mean, or @{ends}")
        return TargetError(
            f"{self.asked}: the model gives several numbers at each place: say which, as in "
            f"0@{ends}"
        )

    def _cells(self, seen: Seen) -> Array:
        if self.mask:
            return under_mask(load_mask(self.mask, self.asked), sides(seen, self.asked), self.asked)
        if not self.ends:
            return np.ones(cells_of(seen, self.asked), bool)
        found = sides(seen, self.asked)
        if len(self.ends) == len(found):
            return at_point(self.ends, found, self.asked)
        if len(self.ends) == 2 * len(found):
            return in_area(self.ends, found, self.asked)
        names = ",".join(sorted(side.name for side in found))
        ends = ",".join(f"{name}0" for name in names.split(","))
        raise TargetError(
            f"{self.asked}: {len(self.ends)} numbers, but a place of this score is {names} "
            f"and an area {ends},{ends.replace('0', '1')}"
        )


def plain_numbers(seen: Seen) -> bool:
    """Has the score one number at each place, or colours?"""
    head = seen.asking.head
    return head is not None and head.kind == "picture"


def load_mask(path: str, label: str) -> Array:
    """A mask [*photo], not 0 where it covers something: a picture's first channel, or an .npy.

    Raises:
        TargetError: no such file, or no mask.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if Path(path).suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("P" if picture.mode == "P" else "L"))
    except (OSError, ValueError, UnidentifiedImageError) as error:
        raise TargetError(f"{label}: '{path}' is no mask that can be read ({error})") from error
    return pixels


def read(word: str, asking: Asking) -> tuple[ScoredTarget, ...] | None:
    """A class (none of a picture) at a point, in an area or under a mask; `mean` of a picture."""
    if word == "mean" and word not in (asking.labels or ()):
        return (PlaceTarget(None),)
    if mask := re.fullmatch(r"mask:(.+?)(?:@([^@/\\.]+))?", word):
        return (PlaceTarget(_class(mask[2], asking), mask=mask[1], asked=word),)
    found = re.fullmatch(rf"([^@]*)@({NUMBERS})", word)
    if found is None or asking.kind == "boxes":
        return None
    ends = tuple(float(number) for number in found[2].split(","))
    return (PlaceTarget(_class(found[1], asking), ends, asked=word),)


def _class(text: str | None, asking: Asking) -> int | None:
    return None if not text or text == "mean" else find_class(text, asking.labels)


def _example(written: str, facts: Facts) -> str | None:
    """The middle of the photo, or of an input whose size is fixed; a picture has no classes."""
    head = facts.asking.head
    if head is None:
        return written
    if head.places is None:
        return None
    which = "mean" if head.kind == "picture" else str(a_class(facts, 12))
    ends = middle(head.places.region, facts)
    return f"{which}@{','.join(f'{end:g}' for end in ends) or written.partition('@')[2]}"


PLACE = Kind(
    "12@320,200",
    "a class at one place of the photo, or in an area x0,y0,x1,y1",
    read,
    of=("dense classes", "picture", "sequence", "unknown"),
    example=_example,
)
