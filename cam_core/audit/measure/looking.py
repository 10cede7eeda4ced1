"""Some photos through one model, or through both: what each says, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...asking import seen_by
from ...backend import Array
from ...compare.bounds import bounds_of, with_shuffled
from ...compare.channels import with_channels
from ...compare.flips import seen_of
from ...compare.pair import compare_batch, stacked, with_bounds
from ...compare.photos import Pair, Photo
from ...compare.sides import Sides, map_of
from ...compare.verdict import far_off
from ...compare.with_recording import compare_recorded
from ...errors import InputError, NothingFoundError
from ...explain import check_finite
from ...explanation import Explanation
from ...looking import Looks
from ...targets import ScoredTarget
from .recorded import look_at_recorded, recorded_ones
from .shot import One
from .telling import told


def question_of(sides: Sides, photos: Sequence[Photo]) -> tuple[Looks, ScoredTarget, Explanation]:
    """A's look at some photos, what is asked of them, and the maps of that.

    Raises:
        NothingFoundError: there is nothing of what is asked in a photo.
    """
    x = stacked([photo.a for photo in photos])
    check_finite(x)
    looks = sides.looks(x)
    placement = photos[0].placement if len(photos) == 1 else None
    seen = seen_by(sides.a, x, looks.first, sides.labels[0], placement=placement)
    found = sides.questions[0].found_in(replace(seen, threshold=sides.threshold))[0]
    target = found.held(looks.of(found.tensor).score)
    return looks, target, map_of(looks, target, sides.how)


def look_at_one(sides: Sides, photos: Sequence[Photo]) -> list[One] | str:
    """What A says of each, from one forward and one backward pass; or why there is nothing."""
    if sides.recordings[0] is not None:
        return look_at_recorded(sides, photos)
    try:
        looks, target, explained = question_of(sides, photos)
    except NothingFoundError as error:
        return f"{photos[0].name}: {error}"
    rows = np.arange(len(photos))  # a fixed batch repeats its only photo
    maps = seen_of(explained.signed, explained, "", rows)
    maps = with_channels(maps, explained, looks.of(target.tensor))
    classes = target.classes(looks.of(target.tensor).score)
    return told(sides, looks.first.score, target, classes, explained.score, maps)


def look_at_both(
    sides: Sides, photos: Sequence[Photo], *, bounded: bool = False
) -> tuple[list[One], list[Pair], tuple[Array, Array]] | str:
    """The same of A, and how alike the maps of B are; with the scores of both.

    Args:
        bounded: also what an agreement is measured against, `bounds_of`.
    """
    missed: list[str] = []
    if any(sides.recordings):
        batch = compare_recorded(sides, photos, missed.append)
        if len(photos) > 1 and (batch is None or len(batch.pairs) < len(photos)):
            raise InputError(missed[0])  # of one of them: each is looked at by itself
    else:
        batch = compare_batch(sides, photos, missed.append, of_flips=False, hashed=False)
    if batch is None:
        return missed[0]
    if bounded:
        batch = with_bounds(batch, bounds_of(sides, batch, photos))
        if far_off(batch.pairs) is None and (more := with_shuffled(sides, batch)) is not None:
            batch = with_bounds(batch, more)
    target, looks = batch.targets[0], batch.looks[0]
    if looks is None:
        return recorded_ones(sides, photos), batch.pairs, batch.scores
    first = [pair.scores[0] for pair in batch.pairs]
    maps = [pair.maps[0] for pair in batch.pairs]
    classes = target.classes(looks.of(target.tensor).score)
    ones = told(sides, looks.first.score, target, classes, first, maps)
    return ones, batch.pairs, batch.scores
