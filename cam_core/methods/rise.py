"""RISE: the mean of random masks, weighted by the score of what they let through."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..maps.combine import interpolation_matrix
from .answered import Each
from .masks import laid, size_of
from .question import Question


@dataclass(frozen=True)
class Random:
    """Masks [*size]: grids of 0 and 1, enlarged by more than a cell and cut at a random place.

    Every mask is a product of one matrix an axis with its grid, so that sums of masks are made of
    sums of grids.
    """

    grids: Array
    """[n, *cells]."""
    shifts: Array
    """[n, axes]: where each is cut."""
    matrices: tuple[Array, ...]
    """Of each axis [shifts, extent, cells]."""

    def mask(self, i: int) -> Array:
        """The i-th [*size]."""
        found: Array = self.grids[i]
        for axis, shift in enumerate(self.shifts[i]):
            found = _applied(self.matrices[axis][shift], found, axis)
        return found

    def total(self, weights: Array) -> Array:
        """sum_i w_i M_i [N, *size] of weights [n, N]: masks that are cut alike are one."""
        return self._total(weights, np.arange(len(self.grids)), 0)

    def _total(self, weights: Array, chosen: Array, axis: int) -> Array:
        """Of the chosen, along this axis and the ones after it."""
        if axis == len(self.matrices):
            summed: Array = np.tensordot(weights[chosen].T, self.grids[chosen], 1)
            return summed
        shifts = self.shifts[chosen, axis]
        parts = [
            _applied(
                self.matrices[axis][shift],
                self._total(weights, chosen[shifts == shift], axis + 1),
                axis + 1,
            )
            for shift in np.unique(shifts)
        ]
        total: Array = np.sum(parts, axis=0)
        return total


def rise(
    question: Question,
    *,
    masks: int = 4000,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
    centred: bool = True,
) -> Array:
    """S = 1 / (n p) sum_i (Y(x * M_i) - mean Y) M_i [N, *size of the picture].

    Petsiuk et al. 2018, eq. 6; n masks of 7 x 7 cells, each kept with p = 0.5, enlarged linearly
    and shifted by up to a cell. The paper takes no mean away and explains probabilities. The mean
    only adds a constant to the expected map, but of a logit, which is far from 0, it is most of
    what the masks scatter: `centred=False` is the paper's sum. The same seed gives the same masks.

    Args:
        question: one target.
        masks: how many passes: the paper has 4000 for VGG-16 and 8000 for ResNet-50.
        cells: along each axis.
        keep: the part of the cells that is let through.
        seed: of the masks.
        centred: take the mean score away.
    """
    if masks < 1 or cells < 1 or not 0 < keep <= 1:
        raise InputError("rise needs at least one mask and cell, and keep between 0 and 1")
    size, known = size_of(question), (masks, cells, keep, seed)
    random = question.once(("rise", *known), lambda: draw(size, *known))
    pictures = Each(masks, lambda i: question.picture * laid(question, random.mask(i)))
    Y = question.passes(pictures, key=("rise", *known))
    return random.total(Y - np.mean(Y, axis=0) if centred else Y) / (masks * keep)


def draw(size: tuple[int, ...], masks: int, cells: int, keep: float, seed: int) -> Random:
    """Random masks of that size."""
    rng = np.random.default_rng(seed)
    grids = (rng.random((masks, *[cells] * len(size))) < keep).astype(np.float32)
    wide = [-(-extent // cells) for extent in size]
    shifts = rng.integers(0, wide, (masks, len(size)))
    return Random(grids, shifts, tuple(_cuts(e, w, cells) for e, w in zip(size, wide, strict=True)))


@functools.cache
def _cuts(extent: int, wide: int, cells: int) -> Array:
    """Linear interpolation to one cell more, cut at each place within a cell."""
    whole = interpolation_matrix(cells, (cells + 1) * wide)
    return np.stack([whole[shift : shift + extent] for shift in range(wide)])


def _applied(matrix: Array, values: Array, axis: int) -> Array:
    """The matrix along one axis."""
    return np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)
