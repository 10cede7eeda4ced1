"""G against central differences of the plain model's own tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Array, Backend, Inputs
from ..targets import ScoredTarget

DIRECTIONS = 8
LIMIT = 1e-2
STEPS = tuple(10.0 ** (-k / 2) for k in range(0, 10))
"""Tried for each direction, in units of the activations' own size."""


@dataclass(frozen=True)
class Numeric:
    """How far G is from the differences."""

    errors: tuple[float, ...]
    """Of <G, d> relative to |G|, a direction each."""
    steps: tuple[float, ...]
    rounding: float
    """What rounding of the score alone may do to an error."""
    held: bool
    """Were zeros of A held at zero? There the score has kinks, as at the ties of a MaxPool."""

    @property
    def median(self) -> float:
        """The middle one of the errors."""
        return float(np.median(self.errors))

    @property
    def passed(self) -> bool | None:
        """Is the median within the limit? None: the score is rounded too coarsely to tell."""
        if self.median <= LIMIT:
            return True
        return None if self.rounding > LIMIT else False


def compare_slopes(
    backend: Backend,
    x: Inputs,
    target: ScoredTarget,
    *,
    layer: str | None = None,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> Numeric:
    """(Y(A + h d) - Y(A - h d)) / 2h against <G, d>, along random directions d.

    d has the size of A; <G, d> then is |G| times that size, give or take, and errors are relative
    to it. The step h is chosen by the differences alone: where neighbouring steps agree best,
    among those at which the rounding of Y stays below the limit.
    """
    look = backend.look(x, layers=None if layer is None else [layer])
    (name,) = look.layers
    A, G = look.activations[name], look.pull(target).layers[name]
    curve = Curve(look.tail(name), target.held(look.score), A, G, look.score.dtype)
    rng = np.random.default_rng(seed)
    size = float(np.sqrt(np.mean(np.square(A, dtype=np.float64)))) or 1.0
    directions = [np.asarray(rng.standard_normal(A.shape)) * size for _ in range(DIRECTIONS)]
    held = bool(np.any(A == 0)) and curve.kinked(directions[0])
    found = []
    for d in directions:
        found.append(curve.error(np.where(A == 0, 0.0, d) if held else d, size))
        step()
    errors, steps, rounding = zip(*found, strict=True)
    return Numeric(errors, steps, float(np.median(rounding)), held)


@dataclass(frozen=True)
class Curve:
    """Y along straight lines through A."""

    tail: Callable[[Array], Array]
    target: ScoredTarget
    A: Array
    G: Array
    kind: np.dtype[Any]
    """Of the score."""

    def score(self, offset: Array) -> float:
        """Y(A + offset), summed over the batch."""
        y = self.tail((self.A.astype(np.float64) + offset).astype(self.A.dtype))
        return float(np.sum(self.target.score(y.astype(np.float64))))

    def kinked(self, d: Array, h: float = 1e-3) -> bool:
        """Do the slopes on both sides of A differ?"""
        middle = self.score(np.zeros_like(d))
        ahead, behind = self.score(h * d) - middle, middle - self.score(-h * d)
        scale = h * float(np.sqrt(np.sum(self.G.astype(np.float64) ** 2) * np.mean(d * d)))
        return abs(ahead - behind) > LIMIT * max(scale, abs(ahead), abs(behind))

    def error(self, d: Array, size: float) -> tuple[float, float, float]:
        """The error along d, the step it was taken at, and what rounding may do to it."""
        G = self.G.astype(np.float64)
        length = float(np.sqrt(np.sum(G[d != 0] ** 2))) * size
        pairs = [(self.score(h * d), self.score(-h * d)) for h in STEPS]
        eps = float(np.finfo(self.kind).eps)
        ulp = eps * max(abs(value) for pair in pairs for value in pair)
        slopes = [(a - b) / (2 * h) for h, (a, b) in zip(STEPS, pairs, strict=True)]
        scale = length or max(map(abs, slopes)) or 1.0
        noise = [ulp / (2 * h) / scale for h in STEPS]
        usable = max(3, sum(n <= LIMIT / 2 for n in noise))  # steps fall, so noise rises
        best = calmest(slopes[:usable])
        exact = float(np.sum(G * d))
        return abs(slopes[best] - exact) / scale, STEPS[best], noise[best]


def calmest(values: list[float]) -> int:
    """The position whose two neighbours agree with it best."""
    near = [values[i - 1 : i + 2] for i in range(1, len(values) - 1)]
    spans = [max(three) - min(three) for three in near]
    return 1 + int(np.argmin(spans))
