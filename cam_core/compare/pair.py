"""Some photos through both models: answers, scores, and how alike the maps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..asking import seen_by
from ..backend import Array, Inputs
from ..errors import InputError, NothingFoundError
from ..explain import check_finite
from ..looking import Looks
from ..recording import sha256_of
from ..targets import ScoredTarget
from ..targets import Seen as Shown
from ..targets.scores import find_axis
from .boxes import boxes_record
from .channels import with_channels
from .classes import class_said
from .flips import NONE_FLIPPED, Flipped, answered, flipped, measured, seen_of
from .inputs import same_numbers
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
    for photo in photos:
        for fed in (photo.a,) if alike else (photo.a, photo.b):
            require_numbers(photo.name, fed)
    looks = sides.looks(xs[0]), sides.looks(xs[1], of_b=True)
    known = all_seen(sides, looks, xs, photos)
    boxes = boxes_record(sides, known) if len(photos) == 1 else None
    try:
        asked = settled(sides, looks, known, len(photos))
    except NothingFoundError as error:
        if len(photos) == 1:
            missed(f"{photos[0].name}: {error}")
            return None
        rest = of_known_classes(sides, looks[0], photos, missed)
        if not 0 < len(rest) < len(photos):
            return None
        return compare_batch(sides, rest, missed, of_flips=of_flips, hashed=hashed)
    n = len(photos)  # a fixed batch repeats its only photo
    found, signed, seen = both_maps(sides, looks, asked, np.arange(n))
    both = scores(looks[0], sides.a)[:n], scores(looks[1], sides.b)[:n]
    found |= places_alike(sides, looks, n)
    answers, flips = answered(sides, both)
    pairs = paired(
        photos,
        [said_of(sides, asked[0], looks[0].of(asked[0].tensor).score, i) for i in range(n)],
        (asked[0].score(looks[0].first.score), asked[1].score(looks[1].first.score)),
        seen,
        found,
        (answers, flips),
        flipped(sides, looks, both, flips) if of_flips else NONE_FLIPPED,
        boxes,
        hashed=hashed,
    )
    return Batch(pairs, looks, asked, signed, both, photos, known if boxes else None)


def require_numbers(name: str, x: Inputs) -> None:
    """Refuses a photo with NaN or inf.

    Raises:
        InputError: it has such, by its name.
    """
    try:
        check_finite(x)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def of_known_classes(
    sides: Sides, looks: Looks, photos: Sequence[Photo], missed: Callable[[str], None]
) -> list[Photo]:
    """The photos whose answer is a class that B has as well; of the others there is a line."""
    tops = [int(c) for c in scores(looks, sides.a)[: len(photos)].argmax(axis=1)]
    for photo, c in zip(photos, tops, strict=True):
        if sides.classes.of(c) is None:
            missed(f"{photo.name}: B has no {class_said(c, sides.labels[0])} of A")
    return [photo for photo, c in zip(photos, tops, strict=True) if sides.classes.of(c) is not None]


def paired(
    photos: Sequence[Photo],
    said: Sequence[str],
    Y: tuple[Array, Array],
    seen: tuple[list[Seen], list[Seen]],
    found: Mapping[str, Array],
    answers: tuple[Sequence[tuple[Answer, Answer]], Array],
    other: Flipped = NONE_FLIPPED,
    boxes: Mapping[str, Any] | None = None,
    *,
    hashed: bool = True,
) -> list[Pair]:
    """All of it photo by photo."""
    numbers, (ours, theirs) = other
    places = {int(i): row for row, i in enumerate(np.flatnonzero(answers[1]))} if ours else {}
    return [
        Pair(
            name=photo.name,
            index=photo.index,
            boxes=boxes,
            target=said[i],
            sha256=digests(photo) if hashed or photo.a is not photo.b else ("", ""),
            answers=answers[0][i] if answers[0] else None,
            flips=bool(answers[1][i]),
            scores=(float(Y[0][i]), float(Y[1][i])),
            maps=(seen[0][i], seen[1][i]),
            measures={name: float(values[i]) for name, values in found.items()},
            of_answer={name: float(values[row]) for name, values in numbers.items()}
            if (row := places.get(i)) is not None
            else {},
            answer_maps=None if row is None else (ours[row], theirs[row]),
            alike=same_numbers(photo.a, photo.b),
        )
        for i, photo in enumerate(photos)
    ]


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
    sides: Sides, looks: tuple[Looks, Looks], seen: tuple[Shown, Shown], n: int
) -> tuple[ScoredTarget, ScoredTarget]:
    """The first question as it turns out to be in these n photos, of A and of B.

    Of a photo that a fixed batch repeats it is asked once: the other model may repeat it otherwise.
    """
    seen = tuple(replace(one, score=one.score[:n]) for one in seen)  # type: ignore[assignment]
    found = sides.questions[0].found_in(seen[0])[0]
    target = found.held(looks[0].of(found.tensor).score[:n])
    return target, sides.in_b(target, 0).found_in(seen[1])[0]


def both_maps(
    sides: Sides,
    looks: tuple[Looks, Looks],
    targets: tuple[ScoredTarget, ScoredTarget],
    rows: Array,
) -> tuple[dict[str, Array], Array, tuple[list[Seen], list[Seen]]]:
    """How alike those of some rows are, A's signed maps of these, and both row by row."""
    none = np.zeros((len(looks[0].first.score), 1, 1))
    signed, ours, why = signed_or_nan(looks[0], targets[0], sides.how, none, "A")
    other, theirs, why_b = signed_or_nan(looks[1], targets[1], sides.how, signed, "B")
    a, b = seen_of(signed, ours, why, rows), seen_of(other, theirs, why_b, rows)
    if sides.channelled:
        a = with_channels(a, ours, looks[0].of(targets[0].tensor))
    return measured(signed[rows], other[rows]), signed[rows], (a, b)


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
    if photo.sha256:
        return photo.sha256, photo.sha256
    own = sha256_of(photo.a)
    return own, own if photo.a is photo.b else sha256_of(photo.b)


def said_of(sides: Sides, target: ScoredTarget, y: Array, row: int) -> str:
    """What the maps of a row are about."""
    classes = target.classes(y)
    index = None if classes is None else int(classes[row])
    return target.title(index, sides.labels[0]) or target.name(index)
