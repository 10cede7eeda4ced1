"""Which tensors to keep in float together: those whose errors add up to the drift, with signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cam_core.backend import Array

from .blame import Blame
from .curve import Case, differences
from .rating import Rating

ROUNDS = 3
"""How often the tensors are rated: those that are left err otherwise once others are in float."""


def pursue(c: Array, r: Array, count: int, taken: Sequence[int] = ()) -> list[int]:
    """Tensors in the order in which they take most of what is left of a drift.

    Matching pursuit (Mallat and Zhang 1993) with the errors as they are, for a tensor is in float
    or is not: the next is argmin_t |r - c_t|^2, and r becomes r - c_t.

    Args:
        c: <G, e> [P, T], of each photo and tensor.
        r: the drift that is left [P]: that of the file with `taken` in float.
        count: how many in all.
        taken: those that are in float already, in order.
    """
    order, left = list(taken), np.asarray(r, np.float64)
    while len(order) < count:
        after = np.sum(np.square(left[:, None] - c), axis=0)
        after[order] = np.inf
        order.append(int(np.argmin(after)))
        left = left - c[:, order[-1]]
    return order


def by_pursuit(
    blame: Blame,
    ratings: Sequence[Rating],
    cases: Sequence[Case],
    keep: int,
    step: Callable[[], object] = lambda: None,
) -> list[Rating]:
    """The ratings in the order of `pursue`, the rest of them behind as they come.

    After each third of `keep` the file with these in float is run and rated anew, pairs only.

    Args:
        blame: both models.
        ratings: of all tensors, the most blamed first.
        cases: the photos that rank.
        keep: how many tensors are looked for.
        step: called once a photo that is rated.
    """
    names = [rating.suspect.name for rating in ratings]
    rounds = 1 if any(rating.suspect.kind == "node" for rating in ratings) else min(ROUNDS, keep)
    order: list[int] = []
    now, rated = blame, list(ratings)
    for i in range(1, rounds + 1):
        known = {rating.suspect.name: rating.each for rating in rated}
        c = np.array([known.get(name, (0.0,) * len(cases)) for name in names]).T
        r = differences(now.quantised, cases)
        if not (np.isfinite(c).all() and np.isfinite(r).all()):
            break
        order = pursue(c, r, keep * i // rounds, order)
        if i < rounds:
            now = replace(blame, quantised=blame.restored([names[t] for t in order]))
            rated = now.rate(cases, step)
    rest = [t for t in range(len(names)) if t not in set(order)]
    return [ratings[t] for t in [*order, *rest]]
