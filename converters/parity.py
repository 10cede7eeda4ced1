"""Do two models compute the same, and where do they first not?

Free of any framework: each side is its outputs and its tensors, in the order they are made in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from cam_core.errors import ModelError

Array = np.ndarray[Any, np.dtype[Any]]
Feed = Mapping[str, Array]
"""One array by input name."""

ROUNDED = 0.05
"""What is further apart than that is not the same, even where so much is allowed."""
SAYS = 8
"""A tensor of fewer different numbers agrees with too many others."""


@dataclass(frozen=True)
class Seen:
    """One run of one model."""

    outputs: Mapping[str, Array]
    tensors: Callable[[], Mapping[str, Array]] = field(default=dict)
    """All it computes, in that order, fetched where the outputs differ."""


@dataclass(frozen=True)
class Parity:
    """What came out."""

    gap: float
    """The largest difference of an output, relative to its largest value."""
    output: str
    """Which one."""
    tolerance: float
    there: str = ""
    """Of the first model's tensors the first that the second has no equal of; '' where equal."""
    back: str = ""
    """The same the other way round."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """Of the output in both, where they are others."""

    @property
    def same(self) -> bool:
        """Within the tolerance?"""
        return bool(self.gap <= self.tolerance)

    @property
    def words(self) -> str:
        """In one line."""
        gap = f"output '{self.output}' differs by {self.gap:.2g} of its largest value"
        if self.shapes:
            one, other = ("x".join(map(str, shape)) for shape in self.shapes)
            gap = f"output '{self.output}' is {one}, in the other {other}"
        if self.same:
            known = "the same to" if self.tolerance <= ROUNDED else "within"
            return f"{known} {self.tolerance:g}: {gap}"
        there = f"first at '{self.there}'" if self.there else "behind the last tensors"
        return f"{gap}; {there}" + (f", in the other at '{self.back}'" if self.back else "")


def compare(
    one: Seen, other: Seen, tolerance: float | None = None, *, named: bool = True
) -> Parity:
    """The outputs in order, and where they differ the first tensors that do, in both directions.

    Args:
        one, other: a run of each.
        tolerance: relative to the largest value; what is usual for the type if None.
        named: look for these tensors.

    Raises:
        ModelError: another number of outputs.
    """
    if len(one.outputs) != len(other.outputs):
        raise ModelError(f"{len(one.outputs)} outputs and {len(other.outputs)}: no two of a kind")
    pairs = list(zip(one.outputs.items(), other.outputs.values(), strict=True))
    gaps = {name: apart(b, a) for (name, a), b in pairs}
    worst = max(gaps, key=lambda name: np.nan_to_num(gaps[name], nan=np.inf))
    allowed = max(map(usual, one.outputs.values())) if tolerance is None else tolerance
    if gaps[worst] <= allowed or not named:
        return Parity(gaps[worst], worst, allowed)
    ours, theirs = one.tensors(), other.tensors()
    there, back = (diverges(a, b, allowed) for a, b in ((ours, theirs), (theirs, ours)))
    both = next((a.shape, b.shape) for (name, a), b in pairs if name == worst)
    return Parity(gaps[worst], worst, allowed, there, back, both if both[0] != both[1] else ())


def worst(found: Iterable[Parity]) -> Parity | None:
    """The one that is furthest apart, NaN before all; None of none."""
    return max(found, key=lambda one: np.nan_to_num(one.gap, nan=np.inf), default=None)


def worst_run(runs: Iterable[tuple[Seen, Seen]], tolerance: float | None = None) -> Parity | None:
    """Of the run that is furthest apart, NaN before all; None of none.

    Its tensors alone are fetched and held against each other, which takes long.
    """
    kept = [(run, compare(*run, tolerance, named=False)) for run in runs]
    if not kept:
        return None
    run, found = max(kept, key=lambda one: np.nan_to_num(one[1].gap, nan=np.inf))
    return found if found.same else compare(*run, tolerance)


def usual(expected: Array) -> float:
    """How far float32 may be apart, and float16."""
    return 1e-2 if expected.dtype == np.float16 else 1e-4


def apart(y: Array, expected: Array) -> float:
    """The largest difference relative to the largest value; NaN where only one side is NaN."""
    if y.shape != expected.shape:
        return float("inf")
    if y.size == 0:
        return 0.0
    a, b = y.astype(np.float64), expected.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    largest = np.max(np.abs(b[np.isfinite(b)]), initial=0.0)
    gap = float(np.max(np.abs(a[~same] - b[~same])))
    return gap / float(largest) if largest > 0 else gap


def diverges(ours: Mapping[str, Array], theirs: Mapping[str, Array], tolerance: float) -> str:
    """The first of our tensors behind the last that has an equal among theirs.

    What a converter folds (a batch norm into its convolution) has no equal, and what comes after
    it has one again: so the last counts. '' where none is left.
    """
    names = [name for name, t in ours.items() if telling(t)]
    by_size: dict[int, list[tuple[float, Array]]] = {}
    for t in theirs.values():
        if telling(t):
            by_size.setdefault(t.size, []).append((largest(t), t))

    def has_equal(t: Array) -> bool:
        most = largest(t)
        near = [other for top, other in by_size.get(t.size, ()) if within(most, top, tolerance)]
        return any(alike(t, other, tolerance) for other in near)

    for i in range(len(names), 0, -1):
        if has_equal(ours[names[i - 1]]):
            return names[i] if i < len(names) else ""
    return names[0] if names else ""


def largest(t: Array) -> float:
    """The largest finite size of a number."""
    size = np.abs(t)
    return float(size.max(where=np.isfinite(size), initial=0.0))


def within(most: float, top: float, tolerance: float) -> bool:
    """May tensors of these largest sizes be alike, in whatever order?

    | max |a| - max |b| | <= max |a - b|, which may be `tolerance` of max |b|.
    """
    return abs(most - top) <= (tolerance * top if top > 0 else tolerance) * (1 + 1e-6)


def telling(t: Array) -> bool:
    """Floating, and of more than a few numbers."""
    return t.dtype.kind == "f" and len(np.unique(t.ravel()[:4096])) > SAYS


def alike(a: Array, b: Array, tolerance: float) -> bool:
    """Equal as they are, flat, or with the axes in another order, as NCHW and NHWC."""
    if a.size != b.size:
        return False
    if apart(a.reshape(-1), b.reshape(-1)) <= tolerance:
        return True
    a, b = a.squeeze(), b.squeeze()
    if a.ndim != b.ndim or a.ndim > 4 or sorted(a.shape) != sorted(b.shape):
        return False
    turned = (a.transpose(order) for order in permutations(range(a.ndim)))
    return any(t.shape == b.shape and apart(t, b) <= tolerance for t in turned)
