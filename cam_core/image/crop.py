"""A part of a photo as a picture of its own that knows where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor, isfinite
from typing import Any

import numpy as np

from cam_core.backend import Array, InputInfo
from cam_core.errors import InputError

from .place import Placement
from .preprocess import Prepared, preprocess
from .presets import Preprocess


@dataclass(frozen=True)
class Cut:
    """What is cut out of a photo, in whole pixels."""

    corners: tuple[int, int, int, int]
    """x0, y0, x1, y1; x1 and y1 are the first that are left out."""
    photo: tuple[int, int]
    """Height and width of the photo."""
    box: Mapping[str, Any] = field(default_factory=dict)
    """What a detector says of it, as `cam_core.find_boxes` gives it; {} where nobody found it."""

    def of(self, photo: Array) -> Array:
        """The pixels uint8 [h, w, 3] of the photo [H, W, 3]."""
        x0, y0, x1, y1 = self.corners
        return np.ascontiguousarray(photo[y0:y1, x0:x1])

    def on_photo(self, placement: Placement) -> Placement:
        """Where the whole photo lies in an input that shows the cut alone."""
        x0, y0 = self.corners[:2]
        top, left, bottom, right = placement.box
        box = (top + y0, left + x0, bottom + y0, right + x0)
        return replace(placement, photo=self.photo, box=box)

    def prepare(self, photo: Array, spec: Preprocess, info: InputInfo) -> Prepared:
        """The input of the cut pixels alone, as if they were a photo; placed on the whole photo.

        A heatmap goes back to the whole photo by `Prepared.to_photo`: 0 outside the cut.
        """
        made = preprocess(self.of(photo), spec, info)
        return replace(made, placement=self.on_photo(made.placement))


def cut(
    photo: tuple[int, int],
    corners: Sequence[float],
    margin: float = 0.0,
    box: Mapping[str, Any] | None = None,
) -> Cut:
    """The whole pixels that a box covers, be it in part, as far as the photo goes.

    Args:
        photo: its height and width.
        corners: x0, y0, x1, y1 in pixels of the photo.
        margin: what is cut out beyond each side, as a part of the box's width and height.
        box: what else is known of it.

    Raises:
        InputError: no extent, nothing of it on the photo, or a margin that is below 0.
    """
    x0, y0, x1, y1 = corners
    said = f"box {', '.join(f'{v:g}' for v in corners)}"
    if not 0 <= margin < float("inf"):
        raise InputError(f"crop margin {margin:g}: give a part of the box's sides, such as 0.1.")
    if not all(map(isfinite, corners)) or x1 <= x0 or y1 <= y0:
        raise InputError(f"{said}: it has no size, there is nothing to cut out.")
    height, width = photo
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        raise InputError(f"{said}: it lies outside the photo of {width}x{height} pixels.")
    across, down = margin * (x1 - x0), margin * (y1 - y0)
    whole = (
        max(floor(x0 - across), 0),
        max(floor(y0 - down), 0),
        min(ceil(x1 + across), width),
        min(ceil(y1 + down), height),
    )
    return Cut(whole, photo, {} if box is None else dict(box))


def crops(photo: Array, boxes: Sequence[Any], margin: float = 0.0) -> list[Cut]:
    """The cuts of a photo [H, W, 3] that show each of the boxes, one after the other.

    photo, spec, info = read("photo.jpg"), PRESETS["imagenet"], classifier.inputs()[0]
    for crop in crops(photo, find_boxes(detector, prepared.x, placement=prepared.placement)):
        made = crop.prepare(photo, spec, info)
        found = explain(classifier, made.x, placement=made.placement)
        heat = made.to_photo(found.heatmap(made.placement.size)[0])  # [H, W] of the whole photo

    Args:
        boxes: as `find_boxes` gives them, or corners x0, y0, x1, y1 in pixels of the photo.
        margin: what is cut out beyond each side, as a part of the box's width and height.

    Raises:
        InputError: a box without size, or outside the photo.
    """
    size = (photo.shape[0], photo.shape[1])
    known = [box if isinstance(box, Mapping) else {"corners": list(box)} for box in boxes]
    return [cut(size, box["corners"], margin, box) for box in known]
