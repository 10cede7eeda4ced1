"""Questions that have nothing to do with the one that is asked: A's maps of these are another's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backend import Array
from ..targets import AnchorTarget, CellsTarget, ClassTarget, ScoredTarget
from ..targets.scores import find_axis
from .photos import Batch

SECOND, UNRELATED, PLACE = "second class", "another class", "another place"


def others(batch: Batch, class_axis: int) -> dict[str, ScoredTarget]:
    """By what they are called; nothing where there is no other question of the kind.

    Of a class: A's second class, and the one half the list away. Of a box: the anchor half of all
    away, of the same class. Of a region: the class half the list away, over the same cells.
    """
    target, y = batch.targets[0], batch.looks[0].first.score
    if isinstance(target, ClassTarget):
        return _classes(target, batch.scores[0], np.asarray(target.classes(y)), class_axis)
    if isinstance(target, AnchorTarget) and not target.tensor:
        count = y[0].size // y.shape[find_axis(y, class_axis)] if y.ndim > 1 else len(y)
        anchor = np.atleast_1d(target.anchor)[0]
        index = int(np.atleast_1d(target.index)[0])
        far = int((anchor + count // 2) % count)
        return (
            {PLACE: AnchorTarget(index, far, class_axis, target.background)}
            if far != anchor
            else {}
        )
    if isinstance(target, CellsTarget) and target.index is not None and not target.tensor:
        count = y.shape[find_axis(y, class_axis)]
        own = int(np.atleast_1d(target.index)[0])
        return {UNRELATED: replace(target, index=(own + count // 2) % count)} if count > 1 else {}
    return {}


def _classes(target: ClassTarget, y: Array, own: Array, class_axis: int) -> dict[str, ScoredTarget]:
    """y: the score of each class [N, C]."""
    if y.shape[1] < 2:
        return {}
    own = own[: len(y)]
    order = np.argsort(-y, axis=1, kind="stable")
    second = np.where(order[:, 0] == own, order[:, 1], order[:, 0])
    far = (own + y.shape[1] // 2) % y.shape[1]
    named = {SECOND: second} if y.shape[1] > 2 else {}
    return {
        name: ClassTarget(tuple(int(c) for c in of), class_axis)
        for name, of in (named | {UNRELATED: far}).items()
    }
