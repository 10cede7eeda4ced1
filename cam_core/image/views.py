"""What is shown of an array and of the map over it: a signal, a picture, a volume, a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array

from .bins import hottest, means, starts
from .figure import LONGEST, enlarge, resized
from .panels import Panel
from .pixels import COLOURS, as_pixels
from .waveform import WIDTH, waveform

SLICE, FRAME = 384, 288
"""Pixels of the longest axis of a volume, and of a frame's longer side."""
NARROWEST = 6
"""No side is shown shorter than this part of the longest."""
BARE = 96
"""Pixels of the height of a line of heat that lies over nothing."""
LEAST = 4
"""Pixels of the width of a single hot cell of a long signal: fewer are not seen."""
MOST_FRAMES = 8
SLICES = (("axial", "D"), ("coronal", "H"), ("sagittal", "W"))
"""What is seen where one axis of a volume [D, H, W] is held, and how that axis is called."""


@dataclass(frozen=True)
class View:
    """The panels, and what is to be said of them."""

    panels: list[Panel]
    note: str = ""


def view(values: Array | None, cells: Array) -> View:
    """The view of a map [*s] in [0, 1], of one to three axes, over an array [*S, C].

    Where there is no array (None), the heat lies on black.
    """
    kinds: dict[int, Callable[[Array | None, Array], View]] = {1: signal, 2: picture, 3: volume}
    return kinds[cells.ndim](values, cells)


def signal(values: Array | None, cells: Array) -> View:
    """A waveform [T, C], the same heat in all its bands."""
    photo = np.zeros((BARE, WIDTH, 3), np.uint8) if values is None else waveform(values)
    wide = LEAST if len(cells) > WIDTH // LEAST else 1
    line = np.repeat(hottest(cells, (WIDTH // wide,)), wide)
    heat = np.broadcast_to(line, photo.shape[:2])
    what, extent = ("places", len(cells)) if values is None else ("samples", len(values))
    (peak,) = at_peak(cells, (extent,))
    note = f"{what} 0 to {extent - 1:,}, maximum around {peak:,}" if uneven(cells) else ""
    return View([Panel(photo, heat)], note)


def picture(values: Array | None, cells: Array) -> View:
    """An image [H, W, C]."""
    shown = black(cells) if values is None else values
    for axis in (0, 1):
        shown = means(shown, LONGEST, axis)
    photo = enlarge(as_pixels([shown])[0])
    height, width = photo.shape[:2]
    size = max(height, width // NARROWEST), max(width, height // NARROWEST)
    return View([Panel(resized(photo, size), hottest(cells, size))])


def volume(values: Array | None, cells: Array) -> View:
    """Slices of an array [D, H, W, C], or frames where it has three colours."""
    shown = black(cells) if values is None else values
    return (frames if shown.shape[-1] == COLOURS else slices)(shown, cells)


def slices(values: Array, cells: Array) -> View:
    """Three slices of a volume [D, H, W, C] through the maximum; its middle where there is none."""
    extents = values.shape[:3]
    cell = peak_of(cells) if uneven(cells) else tuple(n // 2 for n in cells.shape)
    at = inside(cell, cells.shape, extents)
    sides = [max(round(n * SLICE / max(extents)), SLICE // NARROWEST) for n in extents]
    photos = as_pixels([values.take(at[axis], axis) for axis in range(3)])
    panels = []
    for axis, (name, letter) in enumerate(SLICES):
        size = tuple(sides[a] for a in range(3) if a != axis)
        heat = hottest(cells.take(cell[axis], axis), size)
        panels.append(Panel(resized(photos[axis], size), heat, f"{name}, {letter} {at[axis]:,}"))
    places = ", ".join(f"{letter} {n:,}" for (_, letter), n in zip(SLICES, at, strict=True))
    extent = " x ".join(f"{n:,}" for n in extents)
    what = "slices through the maximum" if uneven(cells) else "slices through the middle"
    return View(panels, f"{what}: {places} of {extent}")


def frames(values: Array, cells: Array) -> View:
    """At most eight frames of a clip [T, H, W, 3]: of each part of it the one that is hottest."""
    extent, (height, width) = len(values), values.shape[1:3]
    heat = cells.max(axis=(1, 2))  # [t]
    first = starts(len(heat), min(MOST_FRAMES, len(heat)))
    chosen = [
        part[0] + int(heat[part].argmax()) for part in np.split(np.arange(len(heat)), first[1:])
    ]
    at = [inside((cell,), heat.shape, (extent,))[0] for cell in chosen]
    scale = FRAME / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    photos = as_pixels([values[t] for t in at])
    panels = [
        Panel(resized(photo, size), hottest(cells[cell], size), f"frame {t:,}")
        for photo, cell, t in zip(photos, chosen, at, strict=True)
    ]
    (peak,) = at_peak(heat, (extent,))
    note = f"frames 0 to {extent - 1:,}, maximum around {peak:,}" if uneven(cells) else ""
    return View(panels, note)


def black(cells: Array) -> Array:
    """Nothing [*S, 1], of the map's own extents."""
    return np.broadcast_to(np.zeros(1, np.float32), (*cells.shape, 1))


def uneven(cells: Array) -> bool:
    """Does any place stand out?"""
    return bool(cells.max() > cells.min())


def peak_of(cells: Array) -> tuple[int, ...]:
    """The index of the largest cell."""
    return tuple(int(i) for i in np.unravel_index(cells.argmax(), cells.shape))


def inside(
    cell: tuple[int, ...], counts: tuple[int, ...], extents: tuple[int, ...]
) -> tuple[int, ...]:
    """Where the centre of a cell is in an array that the cells tile."""
    return tuple(
        int((i + 0.5) * extent / count)
        for i, count, extent in zip(cell, counts, extents, strict=True)
    )


def at_peak(cells: Array, extents: tuple[int, ...]) -> tuple[int, ...]:
    """Where the centre of the largest cell is in the array."""
    return inside(peak_of(cells), cells.shape, extents)
