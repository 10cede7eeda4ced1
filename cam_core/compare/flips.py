"""Photos where B answers otherwise: what both say, and the maps of B's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..answers import from_captures
from ..backend import Array
from ..errors import ModelError
from ..explanation import Explanation
from ..looking import Looks
from ..methods import AUTO, BEST, find_method
from ..targets import ScoredTarget
from ..targets.labels import label_of
from .agreement import agreement, gain, same_size
from .photos import Answer, Seen
from .sides import Sides, signed_or_nan

Flipped = tuple[Mapping[str, Array], tuple[list[Seen], list[Seen]]]
"""How alike the maps of B's answer are where that is another, and these maps, a row a flip."""
NONE_FLIPPED: Flipped = {}, ([], [])


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
) -> Flipped:
    """How alike the maps of B's answer are, and the maps; nothing is run where none is another."""
    if not flips.any():
        return NONE_FLIPPED
    rows = np.flatnonzero(flips)
    y = looks[1].first.score[: len(both[1])]
    whole, few = (sides.answer_b.held(score) for score in (y, y[rows]))
    known = np.array([sides.classes.back(int(both[1][i].argmax())) is not None for i in rows])
    found, seen = [], []
    for i in (0, 1):
        asked = [one if i else _in_a(sides, one) for one in (whole, few)]
        if asked[0] is None or asked[1] is None:  # an answer that is no class
            return NONE_FLIPPED
        signed, shown = _maps(looks[i], asked[0], asked[1], sides.how, rows)
        found.append(signed)
        seen.append(shown)
    numbers = measured(*found)
    return {n: np.where(known, v, np.nan) for n, v in numbers.items()}, (seen[0], seen[1])


def measured(a: Array, b: Array) -> dict[str, Array]:
    """MEASURES and the gain."""
    with np.errstate(invalid="ignore"):
        return agreement(a, b) | {"gain": gain(*same_size(a, b))}


def seen_of(signed: Array, found: Explanation | None, why: str, rows: Array) -> list[Seen]:
    """Some rows of an explanation; of none with the reason."""
    if found is None:
        return [Seen(signed[i], float("nan"), 0.0, None, why) for i in rows]
    return [
        Seen(
            np.array(signed[i], np.float32),
            float(found.raw_max[i]),
            float(found.noise_floor[i]),
            found.region,
            found.diagnosis[i],
        )
        for i in rows
    ]


def _in_a(sides: Sides, target: ScoredTarget) -> ScoredTarget | None:
    """B's answer as A is asked it; a class that A has not has no map there, and is left out."""
    return target.of_classes(lambda c: sides.classes.back(c) or 0, sides.a.class_axis)


def _maps(
    looks: Looks, whole: ScoredTarget, few: ScoredTarget, method: str, rows: Array
) -> tuple[Array, list[Seen]]:
    """Signed maps of some rows: one backward pass of all, and what follows of these alone.

    Args:
        whole: the question of all rows.
        few: the same of these.
    """
    row = None if method in (AUTO, BEST) else find_method(method)
    if row is None or not row.captured or "gradients" not in row.needs:
        return _of_all(looks, whole, method, rows)
    count = len(looks.first.score)
    captures = looks.pulled(whole)
    if any(len(one.activations) != count for one in captures):  # frames
        return _of_all(looks, whole, method, rows)
    parts = [
        replace(
            one,
            activations=one.activations[rows],
            gradients=one.gradients[rows],
            logits=one.logits[rows],
        )
        for one in captures
    ]
    try:
        found = from_captures(parts, few, method)
    except ModelError as error:
        none = np.full((len(rows), *parts[0].activations.shape[2:]), np.nan)
        return none, seen_of(none, None, str(error), np.arange(len(rows)))
    return found.signed, seen_of(found.signed, found, "", np.arange(len(rows)))


def _of_all(
    looks: Looks, target: ScoredTarget, method: str, rows: Array
) -> tuple[Array, list[Seen]]:
    like = np.zeros((len(looks.first.score), 1, 1))
    signed, found, why = signed_or_nan(looks, target, method, like)
    return signed[rows], seen_of(signed, found, why, rows)


def _answer(index: int, row: Array, labels: Sequence[str] | None) -> Answer:
    return Answer(index, label_of(index, labels), float(row[index]))
