"""Boxes that are told by the anchors of a cell, whose sizes are fixed but in no file (YOLOv3 to 7).

Of YOLOv5 and 7 the centre is (cell + 2 xy - 1/2) stride and the size (2 wh)^2 times that of the
anchor, of sigmoids xy, wh (Ultralytics' YOLOv5, `Detect.forward`). Of YOLOv3 it is (cell + xy)
stride and exp(wh), wh the numbers themselves (Redmon and Farhadi 2018, 2.1). Near 0 both agree to
the first order, so that no numbers tell them apart; the order of the maps does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError
from .grids import Grid
from .meaning import Size, from_centre

Priors = tuple[tuple[tuple[float, float], ...], ...]
"""Of each scale, fine ones first, width and height of the anchors of a cell in pixels."""
PUBLISHED: Mapping[tuple[int, ...], Priors] = {
    (8, 16, 32): (
        ((10, 13), (16, 30), (33, 23)),
        ((30, 61), (62, 45), (59, 119)),
        ((116, 90), (156, 198), (373, 326)),
    ),
    (8, 16, 32, 64): (
        ((19, 27), (44, 40), (38, 94)),
        ((96, 68), (86, 152), (180, 137)),
        ((140, 301), (303, 264), (238, 542)),
        ((436, 615), (739, 380), (925, 792)),
    ),
    (16, 32): (
        ((10, 14), (23, 27), (37, 58)),
        ((81, 82), (135, 169), (344, 319)),
    ),
}
"""By strides, what the authors' own files are trained with: YOLOv5 (models/yolov5s.yaml, as YOLOv3
before it, cfg/yolov3.cfg; models/hub/yolov5s6.yaml), and tiny YOLOv3 (cfg/yolov3-tiny.cfg)."""
WORDS = "offsets from the anchors of each cell"
ASSUMED = (
    "of YOLOv3's and 5's own sizes, as the file holds none: others' boxes are larger or smaller"
)
Read = Callable[[Array, Size, Grid | None], Array]


@dataclass(frozen=True)
class Prior:
    """One of PRIOR."""

    words: str
    centre: Callable[[Array], Array]
    """Of the numbers [A, 2], in cells from the corner of the anchor's."""
    size: Callable[[Array], Array]
    """Of the numbers [A, 2], by how much the anchor's is multiplied."""


def _sigmoid(a: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-a))
    return found


PRIOR: Mapping[str, Prior] = {
    "prior offsets": Prior("as YOLOv5 and 7", lambda s: 2 * s - 0.5, lambda s: (2 * s) ** 2),
    "prior logits": Prior(
        "as YOLOv5 and 7, whose maps come fine ones first (of YOLOv3 they would lie up to half a "
        "cell beside, and be larger)",
        lambda a: 2 * _sigmoid(a) - 0.5,
        lambda a: (2 * _sigmoid(a)) ** 2,
    ),
    "prior logarithms": Prior(
        "as YOLOv3, whose maps come coarse ones first (of YOLOv5 they would lie up to half a cell "
        "beside, and be smaller)",
        _sigmoid,
        lambda a: np.exp(np.where(a.real < MOST, a, MOST)),
    ),
}
"""By how they are written, as `BoxNumbers.written` says it."""
MOST = 50.0
"""Larger logarithms are no sizes."""


def sized(written: str, grid: Grid | None, priors: Priors) -> tuple[str, Read]:
    """In words how the boxes are read, and the function that does, as in `Meaning`.

    Args:
        written: a row of PRIOR.
        grid: of the anchors, scale after scale and map after map.
        priors: the sizes where the file holds them; (): those that are PUBLISHED.

    Raises:
        TargetError: there are no sizes for these scales.
    """
    assert grid is not None
    assert grid.number is not None
    strides = tuple(sorted({round(float(s)) for s in grid.stride}))
    known = priors or PUBLISHED.get(strides, ())
    each = int(grid.number.max()) + 1
    if [len(scale) for scale in known] != [each] * len(strides):
        raise _unknown(strides, each)
    prior = PRIOR[written]
    sizes = dict(zip(strides, known, strict=True))

    def read(a: Array, size: Size, grid: Grid | None) -> Array:
        assert grid is not None
        assert grid.number is not None
        own = zip(grid.stride, grid.number, strict=True)
        extent = np.array([sizes[round(float(s))][int(i)] for s, i in own], np.float64)
        centre = (grid.cell + prior.centre(a[:, :2])) * grid.stride[:, None]
        return from_centre(np.concatenate([centre, prior.size(a[:, 2:]) * extent], axis=1))

    held = "of the sizes in the metadata" if priors else ASSUMED
    return f"{WORDS}, {prior.words}, {held}", read


def _unknown(strides: tuple[int, ...], each: int) -> TargetError:
    return TargetError(
        f"the boxes are {WORDS}, {each} a cell at strides {', '.join(map(str, strides))}, and "
        f"their sizes are in no file: write them into its metadata ('anchors', "
        f"[[[10, 13], ...], ...], fine scales first), or ask for a class at one (0@anchor:120)"
    )
