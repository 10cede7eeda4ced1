"""The threshold of a run, how it came about, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.image import Placement
from cam_core.image.segment import box_on_photo, largest_segment, showing
from cam_core.maps.boxes import CAM, GRADCAM, Threshold, otsu
from cam_core.metrics.localisation import choose_threshold
from cam_core.metrics.localisation.boxes import THRESHOLDS
from cam_core.metrics.localisation.choosing import LEAST
from cam_core.sources.boxes import Labelled, is_of, read_boxes
from cam_core.targets.detection.suppression import overlap

from ..passes import Looked

NAMED: Mapping[str, Threshold] = {"gradcam": GRADCAM, "cam": CAM, "otsu": "otsu"}
PARTS = "a part of the map's maximum, the map scaled to 0..1"


@dataclass(frozen=True)
class Limit:
    """What the segments lie above."""

    kind: str
    """`gradcam`, `cam`, `otsu`, `given`, `calibrated`."""
    threshold: Threshold
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """How it was calibrated, ready for JSON."""

    def value(self, heat: Array, placement: Placement) -> float:
        """As a part of the maximum of one map."""
        if not isinstance(self.threshold, str):
            return self.threshold
        seen = heat[showing(placement)]
        return otsu(seen) / float(seen.max())

    def facts(self) -> dict[str, Any]:
        """Ready for JSON; Otsu's value is that of a map, and no run has one."""
        value = None if isinstance(self.threshold, str) else self.threshold
        return {"kind": self.kind, "value": value, "of": PARTS, **self.chosen}

    @property
    def words(self) -> str:
        """In one line."""
        if isinstance(self.threshold, str):
            return "above Otsu's threshold of each map (otsu)"
        return self.at(self.threshold)

    def at(self, value: float) -> str:
        """The same of one map."""
        return f"above {value:.4g} of the map's maximum ({self.kind})"


def limit_of(text: str | None) -> Limit:
    """That of `--above`.

    Raises:
        InputError: it is neither a name nor a number from 0 to below 1.
    """
    text = "gradcam" if text is None else text
    if text in NAMED:
        return Limit(text, NAMED[text])
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        names = ", ".join(NAMED)
        raise InputError(f"--above '{text}': give {names}, or a number from 0 to below 1 (0.3).")
    return Limit("given", number)


Heat = Callable[[Looked, int], tuple[Array, Placement]]
"""The heatmap [h, w] of one target of a sample, and where the photo lies beneath it."""


def calibrated(labels: Path, looked: Sequence[Looked], heat_of: Heat, any_class: bool) -> Limit:
    """The threshold at which most maps box their object, on the photos with labels.

    A map without heat is one that boxes nothing. The photos are known by their names.

    Raises:
        InputError: the labels cannot be read, or none is of a map's own class.
    """
    places = {one.sample.slot.path.stem: heat_of(one, 0)[1].photo for one in looked}
    boxes = read_boxes(labels, places)
    rows = []
    for one in looked:
        for index, explained in enumerate(one.explained):
            classes = explained.explanation.classes
            number = None if classes is None else int(classes[0])
            own = [
                box
                for box in boxes.get(one.sample.slot.path.stem, ())
                if any_class or is_of(box, number, explained.row.label)
            ]
            if own:
                rows.append(overlaps(*heat_of(one, index), own))
    if not rows:
        raise InputError(_unlabelled(labels, boxes, any_class))
    chosen = choose_threshold(np.array(rows))
    shares = dict(zip(THRESHOLDS, chosen.shares, strict=True))
    facts = {
        "labels": str(labels),
        "maps": len(rows),
        "boxes": "of any class" if any_class else "of the map's class",
        "iou_from": LEAST,
        "found": chosen.found,
        "mean_iou": chosen.overlap,
        "found_at": {"gradcam": shares[GRADCAM], "cam": shares[CAM]},
    }
    return Limit("calibrated", chosen.threshold, facts)


def overlaps(heat: Array, placement: Placement, boxes: Sequence[Labelled]) -> Array:
    """Of one map at each of THRESHOLDS: the IoU of its box with the one that fits best, [T]."""
    held = np.array([box[1:] for box in boxes], np.float64)
    found = np.zeros(len(THRESHOLDS))
    for index, threshold in enumerate(THRESHOLDS):
        cells = largest_segment(heat, placement, threshold)
        if cells is not None:
            found[index] = overlap(np.array(box_on_photo(cells, placement)), held).max()
    return found


def calibration_said(chosen: Mapping[str, Any]) -> str:
    """In one line: the choice of the threshold alone moves this number."""
    at = chosen["found_at"]
    return (
        f"{chosen['found']:.0%} of {chosen['maps']} maps box their object there (IoU >= "
        f"{chosen['iou_from']}, boxes {chosen['boxes']}), {at['gradcam']:.0%} above {GRADCAM}, "
        f"{at['cam']:.0%} above {CAM}; chosen on these photos"
    )


def _unlabelled(labels: Path, boxes: Mapping[str, Sequence[Labelled]], any_class: bool) -> str:
    known = sorted({str(box.label) for of in boxes.values() for box in of})
    if not known:
        return f"--calibrate '{labels}': no box of any of these photos. The names must be alike."
    few = ", ".join(known[:5]) + (", ..." if known[5:] else "")
    cure = "" if any_class else " Name one by --target, or add --any-class."
    return f"--calibrate '{labels}': no box of a map's class; the labels have {few}.{cure}"
