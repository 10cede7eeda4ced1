"""What is asked of a photo whose objects somebody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..backend import Array
from ..sources.boxes import Labelled, is_of


class Asked(NamedTuple):
    """A question, and the boxes of its object."""

    target: str
    """As one writes it."""
    boxes: Array
    """[B, 4] in pixels of the photo."""


def asked_of(
    boxes: Sequence[Labelled], names: Sequence[str] | None, classes: int | None, *, each: bool
) -> list[Asked]:
    """A question a class with all its boxes; or, of a detector, one a box, at its middle.

    Args:
        boxes: of one photo.
        names: of the model's classes; None: labels that are numbers are classes.
        classes: how many there are, where that is known.
        each: is each box a question of its own?
    """
    found: dict[str, list[Array]] = {}
    for box in boxes:
        index = class_of(box, names, classes)
        if index is None:
            continue
        corners = np.array(box[1:], np.float64)
        middle = (corners[:2] + corners[2:]) / 2
        target = f"{index}@{middle[0]:g},{middle[1]:g}" if each else str(index)
        found.setdefault(target, []).append(corners)
    return [Asked(target, np.stack(of)) for target, of in found.items()]


def class_of(box: Labelled, names: Sequence[str] | None, classes: int | None) -> int | None:
    """The model's class of a labelled box; None: it has none."""
    if isinstance(box.label, int):
        return box.label if classes is None or box.label < classes else None
    return next((i for i, name in enumerate(names or ()) if is_of(box, i, name)), None)


def boxes_of(boxes: Sequence[Labelled], index: int | None, label: str) -> Array | None:
    """The boxes [B, 4] of one class, of all where it is about none; None: it has none."""
    own = [box for box in boxes if index is None or is_of(box, index, label)]
    return np.array([box[1:] for box in own], np.float64) if own else None
