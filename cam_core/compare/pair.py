"""Some photos through both models: answers, scores, and how alike the maps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..backend import Array, Inputs
from ..errors import NothingFoundError
from ..explain import check_finite, seen_by
from ..explanation import Explanation
from ..looking import Looks
from ..recording import sha256_of
from ..targets import ScoredTarget
from ..targets import Seen as Shown
from ..targets.classes.one_class import ClassTarget
from ..targets.labels import label_of
from ..targets.scores import find_axis
from .agreement import agreement, gain, same_size
from .boxes import boxes_record
from .photos import Answer, Batch, Pair, Photo, Seen
from .sides import Sides, scores, signed_or_nan


def compare_batch(
    sides: Sides,
    photos: Sequence[Photo],
    missed: Callable[[str], None] = lambda line: None,
    *,
    of_flips: bool = True,
    hashed: bool = True,
) -> Batch | None:
    """One forward and one backward pass of each model; two more where an answer flips.

    None where there is nothing of what is asked in a photo, which is told.

    Args:
        of_flips: are the maps of B's answer made as well, where that is another?
        hashed: are the bytes hashed that both are fed? Else only where they may be others.
    """
    alike = all(photo.a is photo.b for photo in photos)
    x = stacked([photo.a for photo in photos])
    xs = x, x if alike else stacked([photo.b for photo in photos])
    for fed in xs[: 1 if alike else 2]:
        check_finite(fed)
    looks = sides.looks(xs[0]), sides.looks(xs[1], of_b=True)
    known = all_seen(sides, looks, xs, photos)
    boxes = boxes_record(sides, known) if len(photos) == 1 else None
    try:
        asked = settled(sides, looks, known)
    except NothingFoundError as error:
        missed(f"{photos[0].name}: {error}")
        return None
    n = len(photos)  # a fixed batch repeats its only photo
    found, signed, seen = both_maps(sides, looks, asked, n)
    both = scores(looks[0], sides.a)[:n], scores(looks[1], sides.b)[:n]
    found |= places_alike(sides, looks, n)
    answers, flips = answered(sides, both)
    again = flips & of_flips
    others, theirs = flipped(sides, looks, both, again)
    Y = asked[0].score(looks[0].first.score), asked[1].score(looks[1].first.score)
    pairs = [
        Pair(
            name=photo.name,
            index=photo.index,
            boxes=boxes,
            target=_said(sides, asked[0], looks[0], i),
            sha256=digests(photo) if hashed or photo.a is not photo.b else ("", ""),
            answers=answers[i] if answers else None,
            flips=bool(flips[i]),
            scores=(float(Y[0][i]), float(Y[1][i])),
            maps=(seen[0][i], seen[1][i]),
            measures={name: float(values[i]) for name, values in found.items()},
            of_answer={name: float(values[i]) for name, values in others.items()}
            if again[i]
            else {},
            answer_maps=(theirs[0][i], theirs[1][i]) if again[i] else None,
        )
        for i, photo in enumerate(photos)
    ]
    return Batch(pairs, looks, asked, signed, both)


def all_seen(
    sides: Sides, looks: tuple[Looks, Looks], xs: tuple[Inputs, Inputs], photos: Sequence[Photo]
) -> tuple[Shown, Shown]:
    """What both models show of these photos, to questions that wait for it."""
    placement = photos[0].placement if len(photos) == 1 else None
    a, b = (
        replace(
            seen_by(backend, x, look.first, labels, placement=placement),
            threshold=sides.threshold,
        )
        for backend, x, look, labels in zip(
            (sides.a, sides.b), xs, looks, sides.labels, strict=True
        )
    )
    return a, b


def settled(
    sides: Sides, looks: tuple[Looks, Looks], seen: tuple[Shown, Shown]
) -> tuple[ScoredTarget, ScoredTarget]:
    """The first question as it turns out to be in these photos, of A and of B."""
    found = sides.questions[0].found_in(seen[0])[0]
    target = found.held(looks[0].of(found.tensor).score)
    return target, sides.in_b(target, 0).found_in(seen[1])[0]


def both_maps(
    sides: Sides, looks: tuple[Looks, Looks], targets: tuple[ScoredTarget, ScoredTarget], n: int
) -> tuple[dict[str, Array], Array, tuple[list[Seen], list[Seen]]]:
    """How alike those of the first n rows are, A's signed maps, and both row by row."""
    rows = np.zeros((n, 1, 1))
    signed, ours, why = signed_or_nan(looks[0], targets[0], sides.how, rows)
    other, theirs, why_b = signed_or_nan(looks[1], targets[1], sides.how, signed)
    signed, other = signed[:n], other[:n]
    found = measured(signed, other)
    seen = _seen(signed, ours, why), _seen(other, theirs, why_b)
    return found, signed, seen


def measured(a: Array, b: Array) -> dict[str, Array]:
    """MEASURES and the gain."""
    with np.errstate(invalid="ignore"):
        return agreement(a, b) | {"gain": gain(*same_size(a, b))}


def places_alike(sides: Sides, looks: tuple[Looks, Looks], n: int) -> dict[str, Array]:
    """Of scores with places (a segmentation): the part of them that both give one class.

    {} of other scores, and of grids of two sizes.
    """
    a, b = (look.first.score for look in looks)
    boxes = sides.head is not None and sides.head.boxes is not None
    if boxes or a.ndim < 3 or a.shape[1:] != b.shape[1:] or sides.classes.to_b is not None:
        return {}
    axis = find_axis(a, sides.a.class_axis)
    same = a[:n].argmax(axis=axis) == b[:n].argmax(axis=axis)
    return {"places": same.reshape(n, -1).mean(axis=1)}


def answered(sides: Sides, both: tuple[Array, Array]) -> tuple[list[tuple[Answer, Answer]], Array]:
    """The top classes of both, and where B's is another one; [] where classes are no answer."""
    if not sides.ranked or both[0].shape[1] < 2:
        return [], np.zeros(len(both[0]), bool)
    tops = [np.nan_to_num(y, nan=-np.inf).argmax(axis=1) for y in both]
    found = [
        (_answer(int(i), row, sides.labels[0]), _answer(int(j), other, sides.labels[1]))
        for i, j, row, other in zip(*tops, *both, strict=True)
    ]
    flips = [sides.classes.of(int(i)) != int(j) for i, j in zip(*tops, strict=True)]
    return found, np.array(flips)


def flipped(
    sides: Sides, looks: tuple[Looks, Looks], both: tuple[Array, Array], flips: Array
) -> tuple[dict[str, Array], tuple[list[Seen], list[Seen]]]:
    """How alike the maps of B's answer are, and the maps; nothing is run where none is another."""
    if not flips.any():
        return {}, ([], [])
    tops = [int(c) for c in both[1].argmax(axis=1)]
    ours = [sides.classes.back(c) for c in tops]
    kept = [0 if c is None else c for c in ours]  # a class that A has not has no map there
    pair = (
        ClassTarget(tuple(kept), sides.a.class_axis),
        ClassTarget(tuple(tops), sides.b.class_axis),
    )
    found, _, seen = both_maps(sides, looks, pair, len(flips))
    known = np.array([c is not None for c in ours])
    return {name: np.where(known, values, np.nan) for name, values in found.items()}, seen


def with_bounds(batch: Batch, bounds: Sequence[Mapping[str, float]]) -> Batch:
    """The same with what a sample is asked besides."""
    pairs = zip(batch.pairs, bounds, strict=True)
    return replace(batch, pairs=[replace(pair, bounds=of) for pair, of in pairs])


def stacked(rows: Sequence[Inputs]) -> Inputs:
    """Rows as one batch; of several inputs each by its name."""
    first = rows[0]
    if len(rows) == 1:
        return first
    if isinstance(first, Mapping):
        return {name: np.concatenate([row[name] for row in rows]) for name in first}
    return np.concatenate([np.asarray(row) for row in rows])


def digests(photo: Photo) -> tuple[str, str]:
    """Of what A and B are fed; the same bytes are read once."""
    own = sha256_of(photo.a)
    return own, own if photo.a is photo.b else sha256_of(photo.b)


def _answer(index: int, row: Array, labels: Sequence[str] | None) -> Answer:
    return Answer(index, label_of(index, labels), float(row[index]))


def _seen(signed: Array, found: Explanation | None, why: str) -> list[Seen]:
    if found is None:
        return [Seen(row, float("nan"), 0.0, None, why) for row in signed]
    return [
        Seen(
            np.array(signed[i], np.float32),
            float(found.raw_max[i]),
            float(found.noise_floor[i]),
            found.region,
            found.diagnosis[i],
        )
        for i in range(len(signed))
    ]


def _said(sides: Sides, target: ScoredTarget, looks: Looks, row: int) -> str:
    """What the maps of a row are about."""
    classes = target.classes(looks.of(target.tensor).score)
    index = None if classes is None else int(classes[row])
    return target.title(index, sides.labels[0]) or target.name(index)
