"""The largest segment of one map, as it lies on the photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.image import Mark, Outline, Placement, card
from cam_core.image.rle import run_lengths
from cam_core.image.segment import box_on_photo, largest_segment, pixels_on_photo

from ..explained import Explained
from ..inputs.opened import Setup
from ..inputs.samples import Sample
from ..naming import subject
from ..passes import Looked
from ..pictures import caption, cut_mark
from .limits import Limit


@dataclass(frozen=True, eq=False)
class Segment:
    """One map's."""

    sample: Sample
    explained: Explained
    heat: Array
    """[h, w] over the model's input, in [0, 1]."""
    placement: Placement
    cells: Array
    """bool [h, w] of the input."""
    limit: Limit

    @cached_property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the photo."""
        return box_on_photo(self.cells, self.placement)

    @cached_property
    def mask(self) -> Array:
        """The pixels of the photo, bool [H, W]."""
        return pixels_on_photo(self.cells, self.placement)

    @property
    def value(self) -> float:
        """The threshold, as a part of the map's maximum."""
        return self.limit.value(self.heat, self.placement)

    def facts(self, masks: bool) -> dict[str, Any]:
        """What there is to say of it, ready for JSON."""
        height, width = self.placement.photo
        area = int(self.mask.sum())
        return {
            "threshold": {**self.limit.facts(), "value": self.value},
            "segment": {
                "photo": [height, width],
                "corners": list(self.corners),
                "area": area,
                "share": area / (height * width),
                **({"rle": run_lengths(self.mask)} if masks else {}),
            },
        }

    def draw(self, masks: bool) -> Array:
        """The photo with the map, and the box or the edge of the mask on it."""
        row, explanation = self.explained.row, self.explained.explanation
        assert self.sample.picture is not None
        own: Mark | Outline = Outline(self.mask) if masks else Mark(self.corners, row.label)
        return card(
            self.sample.picture,
            self.heat,
            self.placement,
            title=row.label or subject(row.target, row.entry),
            lines=[*caption(row, explanation.method), self.limit.at(self.value)],
            limits=(float(explanation.map[0].min()), row.raw_max),
            reason=row.diagnosis,
            marks=[*cut_mark(self.sample), own],
        )


def heat_of(setup: Setup, looked: Looked, index: int) -> tuple[Sample, Array, Placement]:
    """What a map lies over, its heatmap, and where the photo lies beneath it.

    Raises:
        InputError: it lies over no photo.
    """
    explanation = looked.explained[index].explanation
    region = explanation.region
    sample = setup.reader.over(looked.sample, "" if region is None else region.input, looked.index)
    if sample.placement is None or not explanation.lies_over(sample.placement.size):
        raise InputError(
            f"'{sample.slot.name}': its map lies over no photo, and boxes and masks are of photos. "
            "Give pictures, or bytes [H, W, 3]."
        )
    return sample, explanation.heatmap(sample.placement.size)[0], sample.placement


def segment_of(setup: Setup, looked: Looked, index: int, limit: Limit) -> Segment | str:
    """The segment; in words why there is none."""
    sample, heat, placement = heat_of(setup, looked, index)
    cells = largest_segment(heat, placement, limit.threshold)
    explained = looked.explained[index]
    if cells is None:
        row = explained.row
        why = row.diagnosis or "all of the map lies beside the photo"
        return f"{row.image}: {row.label or subject(row.target, row.entry)}: no heat ({why})"
    return Segment(sample, explained, heat, placement, cells, limit)
