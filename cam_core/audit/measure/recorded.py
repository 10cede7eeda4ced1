"""Some photos where the model is a recording: its answers, scores and finished maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...compare.pair import digests
from ...compare.photos import Photo
from ...compare.recordings import Recording, asked_class, find, missing, region_of
from ...compare.sides import Sides
from ...compare.with_recording import shown, whole_map
from ...errors import InputError
from ...recording import Recorded
from ...targets.classes.one_class import ClassTarget
from .shot import NAN, One
from .telling import told


def look_at_recorded(sides: Sides, photos: Sequence[Photo]) -> list[One]:
    """What was recorded of each, where nothing else is asked for.

    Raises:
        InputError: something is, or a photo was not recorded.
    """
    if sides.target is not None:
        raise InputError(f"target {sides.target}: a recording has the maps that were recorded")
    return recorded_ones(sides, photos)


def recorded_ones(sides: Sides, photos: Sequence[Photo]) -> list[One]:
    """Answers, scores and finished maps of A, a recording."""
    recording = sides.recordings[0]
    assert recording is not None
    held = [require_recorded(recording, photo) for photo in photos]
    y = np.concatenate([one.logits for one in held])
    used = [asked_class(one, sides.ranked) for one in held]
    region = region_of(recording)
    maps = [replace(shown(one, whole_map(one)), region=region) for one in held]
    known = [c for c in used if c is not None]
    whole = len(known) == len(used)
    target = ClassTarget(tuple(known), sides.a.class_axis) if whole else None
    classes, Y = (None, [NAN] * len(held)) if target is None else (known, target.score(y))
    ones = told(sides, y, target, classes, Y, maps)
    return [replace(one, lacks=lacking(of)) for one, of in zip(ones, held, strict=True)]


def require_recorded(recording: Recording, photo: Photo) -> Recorded:
    """What was recorded of a photo.

    Raises:
        InputError: nothing was.
    """
    sha256 = digests(photo)[0]
    found = find(recording, photo.name, photo.stem, sha256)
    if found is None:
        raise InputError(missing(photo.name, recording, sha256))
    return found


def lacking(one: Recorded) -> frozenset[str]:
    """Columns that a recording has nothing for."""
    return frozenset({"noise_floor", *(["positive_ratio"] if one.cam_signed is None else [])})
