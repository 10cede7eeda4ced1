"""The box that a map draws round its heat, against the boxes of the object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import InputError
from ...maps.boxes import GRADCAM, Threshold, largest_box, segment_boxes
from ...targets.detection.suppression import overlap
from ..given import Boxes, as_maps, as_positive, boxes_of_rows

THRESHOLDS = tuple(i / 100 for i in range(100))
"""Parts of the maximum that `max_box_accuracy` tries."""
OVERLAPS = (0.3, 0.5, 0.7)
"""The intersections over union of Choe et al. 2020."""


def box_overlap(maps: Array, boxes: Boxes, *, threshold: Threshold = GRADCAM) -> Array:
    """Intersection over union of the box round the largest segment and the box that fits it best.

    The segment is the largest of L > threshold * max(L). (Selvaraju et al. 2017, section 4.1, with
    15 %; Zhou et al. 2016, section 3.2, with 20 %.)

    Args:
        maps: [N, H, W], not negative, at the size at which the boxes were labelled.
        boxes: of each map, in its pixels.
        threshold: a part of the maximum, or "otsu".

    Returns:
        Float64 [N] in [0, 1]; 0 of a map without heat, which draws no box.
    """
    maps = as_positive(maps, rank=2)
    rows = zip(maps, boxes_of_rows(boxes, maps), strict=True)
    return np.array([_best(largest_box(one, threshold), held) for one, held in rows])


def localisation_error(
    maps: Array,
    boxes: Boxes,
    *,
    threshold: Threshold = GRADCAM,
    least: float = 0.5,
    correct: Sequence[bool] | None = None,
) -> Array:
    """1 where `box_overlap` is below `least`, else 0; ILSVRC's error (Russakovsky et al. 2015).

    Args:
        maps: [N, H, W], not negative, at the size at which the boxes were labelled.
        boxes: of each map, in its pixels.
        threshold: a part of the maximum, or "otsu".
        least: the intersection over union from which on an object is found.
        correct: whose class is right: another row is an error wherever its box lies (top-1, or
            top-5 where that is what it says). None: the class is given (GT-known).

    Returns:
        Float64 [N].
    """
    wrong = box_overlap(maps, boxes, threshold=threshold) < least
    if correct is not None:
        if len(correct) != len(wrong):
            raise InputError(f"{len(correct)} of `correct` for {len(wrong)} maps: each has one")
        wrong = wrong | ~np.asarray(correct, bool)
    return wrong.astype(np.float64)


@dataclass(frozen=True)
class BoxAccuracy:
    """What `max_box_accuracy` finds."""

    value: float
    """The mean over the overlaps asked for."""
    by_overlap: dict[float, float]
    """The accuracy at each, with the threshold that suits it best."""
    thresholds: dict[float, float]
    """Those thresholds; of several the lowest."""
    hits: dict[float, Array]
    """Which maps hit there, bool [N]."""


def max_box_accuracy(
    maps: Array,
    boxes: Boxes,
    *,
    overlaps: Sequence[float] = OVERLAPS,
    thresholds: Sequence[float] = THRESHOLDS,
) -> BoxAccuracy:
    """MaxBoxAccV2: mean over d of max over t of the share of maps that have a box with IoU >= d.

    A map has a box round each segment above t, and the best pair counts (Choe et al. 2020, in the
    extended version). Each map is scaled to [0, 1] by itself before. One threshold serves all maps,
    and is chosen on them: compare numbers of the same photos alone.

    Args:
        maps: [N, H, W], at the size at which the boxes were labelled.
        boxes: of each map, in its pixels.
        overlaps: the d.
        thresholds: the t, parts of the maximum.
    """
    if not len(overlaps) or not len(thresholds):
        raise InputError("max_box_accuracy needs at least one overlap and one threshold")
    maps = as_maps(maps, rank=2)
    maps = maps - maps.min(axis=(1, 2), keepdims=True)
    rows = zip(maps, boxes_of_rows(boxes, maps), strict=True)
    best = np.array(
        [[_best(segment_boxes(one, t), held) for t in thresholds] for one, held in rows]
    )  # [N, T]
    chosen = {d: int(np.argmax((best >= d).mean(axis=0))) for d in overlaps}
    hits = {d: best[:, t] >= d for d, t in chosen.items()}
    accuracy = {d: float(hit.mean()) for d, hit in hits.items()}
    value = float(np.mean(list(accuracy.values())))
    return BoxAccuracy(value, accuracy, {d: thresholds[t] for d, t in chosen.items()}, hits)


def _best(found: Array, boxes: Array) -> float:
    """The largest overlap of any box found with any of the object; 0 where none was found."""
    return max((float(overlap(one, boxes).max()) for one in found), default=0.0)
