"""The contact sheet of units: the patches of photos that excite each most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cam_core.image.figure import resized
from cam_core.image.panels import painted_sheet
from cam_core.units import peaks, square

if TYPE_CHECKING:
    from cam_core.backend import Array

    from .inputs.samples import Sample
    from .unit_looks import Units

PATCH = 160
"""Pixels of a patch in the sheet."""
PART = 0.3
"""Of the photo's shorter side, a patch."""


def sheet(found: Mapping[str, Any], seen: Units, patches: int) -> Array:
    """The patches that excite the units of the record most, a row each, uint8 [H, W, 3]."""
    shown = dict.fromkeys([*found["largest"], *found["smallest"]])
    by_unit = {one["unit"]: one for one in found["units"]}
    rows = [cell for unit in shown for cell in row_of(by_unit[unit], seen, patches)]
    title = f"{found['label']}: units by alpha"
    lines = [
        f"at {found['layer']}; largest, then smallest; the patches that excite each most",
        found["because"],
    ]
    across = min(patches, len(seen.samples))
    return painted_sheet(rows, title=title, lines=lines, limits=None, across=across)


def row_of(one: Mapping[str, Any], seen: Units, count: int) -> list[tuple[Array, str]]:
    """The patches of a unit, the first over its numbers."""
    cells = []
    for picture, value, at in peaks(seen.A, one["unit"], count):
        sample = seen.samples[picture]
        assert sample.picture is not None
        size = sample.picture.shape[0], sample.picture.shape[1]
        patch = sample.picture[square(middle(at, seen, sample), PART * min(size), size)]
        text = f"{short(sample.slot.path)} {value:.3g}"
        cells.append((resized(patch, (PATCH, PATCH)), text))
    concept = f" {one['concept']}" if one.get("concept") else ""
    cells[0] = cells[0][0], f"unit {one['unit']}{concept} {one['alpha']:+.2g}"
    return cells


def middle(at: tuple[float, ...], units: Units, sample: Sample) -> tuple[float, float]:
    """The middle of a cell in pixels of the photo (y, x)."""
    placement = sample.placement
    assert placement is not None
    windows = [(0.0, 1.0)] * 2 if units.region is None else units.region.windows
    y, x = (
        (low + part * (high - low)) * n * scale + placement.matrix[1 - axis][2]
        for axis, (part, (low, high), n, scale) in enumerate(
            zip(at, windows, placement.size, placement.scale, strict=True)
        )
    )
    return y, x


def short(path: Path) -> str:
    """A photo's name under a patch, no longer than the patch."""
    return path.stem if len(path.stem) <= 14 else f"{path.stem[:13]}…"
