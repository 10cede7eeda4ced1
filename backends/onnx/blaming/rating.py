"""Blame of every tensor: |<G, e>|, the mean over photos; and SQNR beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cam_core.backend import Array
from cam_core.metrics.agreement.noise import power, sqnr

from .suspects import Error, Suspect


@dataclass(frozen=True)
class Rating:
    """What is known of one tensor after some photos."""

    suspect: Suspect
    blame: float
    """The mean of |<G, e>| in units of the score; inf where a finite number became none."""
    sqnr: float
    """Power by power of the error, in dB; inf where there is no error."""
    reaches: bool = True
    """Does a derivative lead from it to the score?"""
    each: tuple[float, ...] = ()
    """<G, e> of each photo."""


@dataclass
class Tally:
    """Adds up the photos of one tensor."""

    suspect: Suspect
    each: list[float] = field(default_factory=list)
    signal: float = 0.0
    noise: float = 0.0
    reaches: bool = False

    def add(self, values: Mapping[str, Array], G: Sequence[Mapping[str, Array]]) -> None:
        """One photo.

        Args:
            values: the tensors `actual` and `expected` of its errors.
            G: of each model the cotangents by tensor: `actual` of the file, `twin` of the other.
        """
        b = 0.0
        for error in self.suspect.errors:
            expected = _wide(values[error.expected])
            e = error_of(_wide(values[error.actual[0]]), expected)
            gradients = gradients_of(error, G, e.shape)
            self.reaches |= bool(gradients)
            b += dot(gradients, e)
            self.noise += power(e)
            self.signal += power(np.where(np.isfinite(expected), expected, 0))
        self.each.append(b)

    def rating(self) -> Rating:
        """After all of them."""
        ratio = sqnr(self.signal, self.noise)
        if self.suspect.weight_sqnr is not None:
            ratio = self.suspect.weight_sqnr
        blame = float(np.mean(np.abs(self.each))) if self.each else 0.0
        return Rating(self.suspect, blame, ratio, self.reaches, tuple(self.each))


def error_of(actual: Array, expected: Array) -> Array:
    """e = actual - expected; inf where a finite number became none, 0 where it was none before."""
    found = np.isfinite(actual) & np.isfinite(expected)
    e = np.subtract(actual, expected, out=np.zeros_like(expected), where=found)
    e[np.isfinite(expected) & ~np.isfinite(actual)] = np.inf
    return e


def gradients_of(
    error: Error, G: Sequence[Mapping[str, Array]], shape: tuple[int, ...]
) -> list[Array]:
    """dY/dt of each model that has the tensor: the sum over its copies; none that is not finite."""
    found = []
    for of in G:
        names = [name for name in error.actual if name in of]
        if not names and error.twin in of and error.twin is not None:
            names = [error.twin]
        total = sum((_wide(of[name]) for name in names[1:]), _wide(of[names[0]])) if names else None
        if total is not None and total.shape == shape and np.isfinite(total).all():
            found.append(total)
    return found


def dot(gradients: Sequence[Array], e: Array) -> float:
    """<mean of G, e>; inf of an error that is, for no derivative says more."""
    if not np.isfinite(e).all():
        return float("inf")
    if not gradients:
        return 0.0
    return sum(float(np.vdot(g, e)) for g in gradients) / len(gradients)


def by_blame(ratings: Sequence[Rating]) -> list[Rating]:
    """The most blamed first; of those that overflow the first in the file."""
    return sorted(ratings, key=lambda r: -r.blame)


def by_sqnr(ratings: Sequence[Rating]) -> list[Rating]:
    """The noisiest first."""
    return sorted(ratings, key=lambda r: r.sqnr)


def shuffled(ratings: Sequence[Rating], seed: int) -> list[Rating]:
    """In a random order."""
    order = np.random.default_rng(seed).permutation(len(ratings))
    return [ratings[i] for i in order]


def _wide(x: Array) -> Array:
    """In float64: tensors have millions of numbers, and errors are small beside them."""
    return np.asarray(x, np.float64)
