"""Some photos through one model, or through both: what each says, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...asking import seen_by
from ...backend import Array, Backend
from ...compare.bounds import bounds_of, with_shuffled
from ...compare.channels import with_channels
from ...compare.flips import seen_of
from ...compare.pair import compare_batch, stacked, with_bounds
from ...compare.photos import Answer, Pair, Photo, Seen
from ...compare.sides import Sides, map_of, scores
from ...compare.verdict import far_off
from ...errors import NothingFoundError
from ...explain import check_finite
from ...explanation import Explanation
from ...head import head_of, probability_of
from ...looking import Looks
from ...targets import ScoredTarget
from ...targets.labels import label_of
from ...targets.scores import sigmoid, softmax
from .shot import NAN, One


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
    try:
        looks, target, explained = question_of(sides, photos)
    except NothingFoundError as error:
        return f"{photos[0].name}: {error}"
    rows = np.arange(len(photos))  # a fixed batch repeats its only photo
    maps = seen_of(explained.signed, explained, "", rows)
    maps = with_channels(maps, explained, looks.of(target.tensor))
    return told(sides, looks, target, explained.score, maps)


def look_at_both(
    sides: Sides, photos: Sequence[Photo], *, bounded: bool = False
) -> tuple[list[One], list[Pair], tuple[Array, Array]] | str:
    """The same of A, and how alike the maps of B are; with the scores of both.

    Args:
        bounded: also what an agreement is measured against, `bounds_of`.
    """
    missed: list[str] = []
    batch = compare_batch(sides, photos, missed.append, of_flips=False, hashed=False)
    if batch is None:
        return missed[0]
    if bounded:
        batch = with_bounds(batch, bounds_of(sides, batch, photos))
        if far_off(batch.pairs) is None and (more := with_shuffled(sides, batch)) is not None:
            batch = with_bounds(batch, more)
    target, looks = batch.targets[0], batch.looks[0]
    assert looks is not None  # A is no recording
    first = [pair.scores[0] for pair in batch.pairs]
    maps = [pair.maps[0] for pair in batch.pairs]
    return told(sides, looks, target, first, maps), batch.pairs, batch.scores


def told(
    sides: Sides,
    looks: Looks,
    target: ScoredTarget,
    Y: Sequence[float] | Array,
    maps: Sequence[Seen],
) -> list[One]:
    """What A says of each row."""
    names, n = sides.labels[0], len(maps)
    y, classes = looks.first.score, target.classes(looks.of(target.tensor).score)
    answers = answers_of(sides, looks, n)
    likely = confidences(sides.a, y[:n], [None if one is None else one.index for one in answers])
    found = []
    for i, seen in enumerate(maps):
        about = None if classes is None else int(classes[i])
        label = "" if about is None else label_of(about, names)
        said = target.title(about, names) or target.name(about)
        found.append(One(answers[i], likely[i], said, about, label, float(Y[i]), seen))
    return found


def answers_of(sides: Sides, looks: Looks, n: int) -> list[Answer | None]:
    """The top class of each row; None where classes are no answer."""
    y = scores(looks, sides.a)[:n]
    if not sides.ranked or y.shape[1] < 2:
        return [None] * n
    tops = np.nan_to_num(y, nan=-np.inf).argmax(axis=1)
    pairs = zip(tops, y, strict=True)
    return [
        Answer(int(c), label_of(int(c), sides.labels[0]), float(row[int(c)])) for c, row in pairs
    ]


def confidences(backend: Backend, y: Array, classes: Sequence[int | None]) -> list[float]:
    """The probability of each row's class, where the model itself makes one of its score [N, C].

    NaN of a model that ends in its logits: a softmax that it has not is no word of its own.
    """
    how, head = probability_of(backend), head_of(backend)
    plain = head is not None and head.boxes is None and y.ndim == 2
    if how not in ("softmax", "sigmoid") or not plain:
        return [NAN] * len(classes)
    own: Any = y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        p = softmax(own, backend.class_axis) if how == "softmax" else sigmoid(own)
    return [NAN if c is None else float(row[c]) for row, c in zip(p, classes, strict=True)]
