"""A photo with its question, its map and its boxes: all that a row of EXTRAS may ask about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....backend import Array, InputInfo
from ....compare.photos import Photo
from ....compare.sides import Sides
from ....explanation import Explanation
from ....image import Placement
from ....looking import Looks
from ....ranking import Case, Seen
from ....targets import ScoredTarget
from ..looking import question_of
from ..shot import Opened, Shot


@dataclass(frozen=True, eq=False)
class Asking:
    """Of the model, never of the reference."""

    sides: Sides
    photo: Photo
    looks: Looks
    target: ScoredTarget
    map: Explanation
    """One row."""
    case: Case
    """The same as metrics of `cam_core.metrics` take it."""


def ask(sides: Sides, opened: Opened, shot: Shot) -> Asking:
    """One photo looked at on its own: one pass forward and one back.

    Raises:
        CamError: the model has no map of it.
    """
    photo = opened.photo
    looks, target, explained = question_of(sides, [photo])
    one = explained[0]
    layers = sides.layers_a if len(sides.layers) == 1 else None
    info, boxes = input_of(sides, one), boxes_of(shot)
    seen = seen_of(photo)
    if seen is not None and boxes is not None and not seen.shows(boxes):
        boxes = None
    case = Case(sides.a, photo.a, target, {sides.how: one}, info, seen, boxes, layers)
    return Asking(sides, photo, looks, target, one, case)


def boxes_of(shot: Shot) -> Array | None:
    """What is marked of what the map is about [B, 4], in pixels of the photo; None of nothing."""
    found = [thing.box[1:] for thing in shot.objects]
    return np.array(found, np.float64) if found else None


def seen_of(photo: Photo) -> Seen | None:
    """What of the input is the photo."""
    placed = photo.placement
    if not isinstance(placed, Placement):
        return None
    return Seen(placed.corner, placed.inner, placed.matrix)


def input_of(sides: Sides, one: Explanation) -> InputInfo:
    """The input that the map lies over."""
    infos = sides.a.inputs()
    named = None if one.region is None else one.region.input
    return next((info for info in infos if info.name == named), infos[0])
