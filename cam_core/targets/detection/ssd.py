"""Offsets from prior boxes, as detectors with a background class have them (SSD, RetinaFace).

Centre p + 0.1 l s and size s exp(0.2 l), of a prior of centre p and size s (Liu et al. 2016, with
the variances of its code). Which sizes the priors have is in no file.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...backend import Array
from ...errors import TargetError
from .grids import Grid
from .meaning import Meaning, Read, Size, from_centre, pixels

VARIANCES = (0.1, 0.2)
FACES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
"""By stride, the squares at each cell of RetinaFace (Deng et al. 2020; data/config.py of its
PyTorch version): no other detector in use has two at just these strides."""
WORDS = (
    "offsets from prior boxes, of RetinaFace's own sizes, as the file holds none: others' boxes "
    "are larger or smaller"
)


def from_priors(read: Read) -> Read:
    """How such numbers are read; `read` is how they would be without a background class.

    Raises:
        TargetError: no sizes are known for the anchors that there are.
    """
    grid = read.grid
    assert grid is not None  # they were taken for offsets in its cells
    one = grid.at(range(read.anchors))
    each = read.anchors / len(np.unique(_spots(one), axis=0))
    if set(one.stride) != set(FACES) or each != len(FACES[8]):
        raise TargetError(
            "the boxes are offsets from prior boxes whose sizes are in no file: export the model "
            "with its decoding inside, or ask for a class at one of them (1@anchor:120)"
        )
    numbered = replace(grid, number=np.arange(len(grid.cell)) % len(FACES[8]))
    return replace(read, meaning=Meaning(WORDS, lambda a, size, grid: True, _boxes), grid=numbered)


def _spots(grid: Grid) -> Array:
    found: Array = np.concatenate([grid.cell, grid.stride[:, None]], axis=1)
    return found


def sizes(grid: Grid) -> Array:
    """The side [A] of each prior."""
    assert grid.number is not None
    own = zip(grid.stride, grid.number, strict=True)
    return np.array([FACES[round(float(s))][int(i)] for s, i in own], np.float64)


def _boxes(a: Array, size: Size, grid: Grid | None) -> Array:
    assert grid is not None
    side = sizes(grid)[:, None]
    centre = (grid.cell + 0.5) * grid.stride[:, None] + VARIANCES[0] * a[:, :2] * side
    return from_centre(np.concatenate([centre, side * np.exp(VARIANCES[1] * a[:, 2:])], axis=1))


def landmark_steps(read: Read) -> tuple[Array, Array]:
    """Where a landmark [A, 2] is counted from, and in what: p + 0.1 s l, as RetinaFace has them.

    Where the boxes are decoded so are the landmarks, to parts of the picture or to pixels.
    """
    if read.meaning.words != WORDS:
        unit = pixels(read.size)[:2] if "in parts" in read.meaning.words else np.ones(2)
        return np.zeros(2), unit
    grid = read.grid
    assert grid is not None
    return (grid.cell + 0.5) * grid.stride[:, None], VARIANCES[0] * sizes(grid)[:, None]
