"""Boxes that one model alone has: the map of the box, and of why the other has none there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..boxes import box_questions
from ..errors import CamError
from ..looking import Looks
from ..targets import ScoredTarget
from ..targets import Seen as Shown
from .boxes import none_there
from .flips import measured, seen_of
from .photos import Lone
from .sides import Sides, signed_or_nan

EXPLAINED = 4
"""Boxes of a photo that are explained, the likeliest of each kind first; each takes passes."""
KINDS = {"misses": 0, "ghosts": 1}
"""Which model has them."""


def lone_boxes(
    sides: Sides, looks: tuple[Looks, Looks], seen: tuple[Shown, Shown], boxes: Mapping[str, Any]
) -> list[Lone]:
    """Both maps of each, of the score of its class: of the box's anchor in the model that has it,
    and in the other of the anchor whose box lies over that place best, as `nobox:` asks.
    """
    found = []
    for kind, has in KINDS.items():
        for one in boxes[kind][:EXPLAINED]:
            pair = targets(sides, seen, one["box"], has)
            if pair is None:
                continue
            maps = [
                signed_or_nan(looks[i], pair[i], sides.how, np.zeros((1, 1, 1))) for i in (0, 1)
            ]
            (a,), (b,) = (seen_of(*known, np.arange(1)) for known in maps)
            r = measured(a.signed[None], b.signed[None])["spearman"]
            found.append(Lone(kind, one, (a, b), float(r[0])))
    return found


def targets(
    sides: Sides, seen: tuple[Shown, Shown], box: Mapping[str, Any], has: int
) -> tuple[ScoredTarget, ScoredTarget] | None:
    """The questions of A and of B; None where the other has no such class, or nothing there."""
    own = next((t for t in _boxes(sides, seen, has) if _key(t.detail[0]["box"]) == _key(box)), None)
    other = (sides.classes.back if has else sides.classes.of)(int(box["class"]))
    if own is None or other is None:
        return None
    lacks = 1 - has
    try:
        none = none_there(box, other, sides.side(lacks), sides.labels[lacks], seen[lacks])
    except CamError:
        return None
    return (none, own) if has else (own, none)


def _boxes(sides: Sides, seen: tuple[Shown, Shown], has: int) -> Iterator[ScoredTarget]:
    for question in box_questions(sides.side(has), ["box:all"], sides.labels[has]):
        yield from question.found_in(seen[has])


def _key(box: Mapping[str, Any]) -> tuple[int, int]:
    return int(box["class"]), int(box["anchor"])
