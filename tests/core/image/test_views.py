"""What is shown of arrays: an event that was planted is seen where it is."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.image.views import MOST_FRAMES, Panel, view


def hot_cell(panel: Panel, *counts: int) -> tuple[int, ...]:
    """The one cell, of so many along each axis, that all that is hottest lies in."""
    at = np.nonzero(panel.heat == panel.heat.max())
    found = {
        tuple(
            int((i + 0.5) * n / e) for i, n, e in zip(index, counts, panel.heat.shape, strict=True)
        )
        for index in zip(*at, strict=True)
    }
    assert len(found) == 1
    return found.pop()


def bright(panel: Panel, channel: int = 0) -> tuple[float, float]:
    values = panel.photo[..., channel]
    return centre(values >= 0.99 * values.max())


def centre(where: Array) -> tuple[float, float]:
    y, x = (float(i.mean()) + 0.5 for i in np.nonzero(where))
    return y / where.shape[0], x / where.shape[1]


def planted(shape: tuple[int, ...], at: tuple[int, ...], value: float = 1.0) -> Array:
    values = np.zeros(shape, np.float32)
    values[at] = value
    return values


@pytest.mark.parametrize("at", [0, 7, 19])
@pytest.mark.parametrize("extent", [20, 200_000])
def test_a_signal_and_its_heat(extent: int, at: int) -> None:
    event = at * extent // 20 + extent // 40
    (panel,) = (seen := view(planted((extent, 2), (event, 1)), planted((20,), (at,)))).panels
    assert panel.heat.shape == panel.photo.shape[:2]
    assert (panel.heat == panel.heat[0]).all()  # the same in both bands
    assert hot_cell(panel, 1, 20) == (0, at)
    ink = panel.photo[165:175, :, 0].min(axis=0) < 100  # the top of the second band
    assert abs(np.flatnonzero(ink).mean() / 960 - (event + 0.5) / extent) < 0.002 + 0.5 / extent
    middle = int((at + 0.5) * extent / 20)
    assert seen.note == f"samples 0 to {extent - 1:,}, maximum around {middle:,}"


@pytest.mark.parametrize("count", [300, 5000, 103_359])
def test_a_single_hot_cell_of_a_long_signal_is_wide_enough_to_see(count: int) -> None:
    event = 2 * count // 3
    (panel,) = view(np.zeros((count * 10, 1)), planted((count,), (event,))).panels
    at = np.flatnonzero(panel.heat[0] == 1)
    assert 4 <= len(at) <= 8
    assert abs(at.mean() + 0.5 - (event + 0.5) * 960 / count) <= 4


VOLUMES = {  # extents of the volume, cells of the map, the hottest cell
    "cubes": ((64, 64, 64), (8, 8, 8), (6, 1, 3)),
    "flat": ((12, 200, 160), (3, 25, 20), (0, 24, 2)),
    "cells of one voxel": ((5, 6, 7), (5, 6, 7), (4, 0, 3)),
    "a lone cell deep": ((40, 64, 48), (1, 8, 6), (0, 2, 5)),
}


@pytest.mark.parametrize("kind", VOLUMES)
def test_slices_go_through_the_event(kind: str) -> None:
    extents, cells, cell = VOLUMES[kind]
    step = [n // k for n, k in zip(extents, cells, strict=True)]
    block = tuple(slice(i * s, (i + 1) * s) for i, s in zip(cell, step, strict=True))
    values = np.full((*extents, 1), -3.0, np.float32)
    values[block] = 5
    seen = view(values, planted(cells, cell))
    names = ("axial, D", "coronal, H", "sagittal, W")
    at = [int((i + 0.5) * s) for i, s in zip(cell, step, strict=True)]
    assert [panel.label for panel in seen.panels] == [
        f"{name} {place}" for name, place in zip(names, at, strict=True)
    ]
    for axis, panel in enumerate(seen.panels):
        rest = [a for a in range(3) if a != axis]
        expected = [(cell[a] + 0.5) / cells[a] for a in rest]
        np.testing.assert_allclose(bright(panel), expected, atol=0.02)
        assert hot_cell(panel, *(cells[a] for a in rest)) == tuple(cell[a] for a in rest)
        assert panel.heat.max() == 1
    size = " x ".join(map(str, extents))
    assert seen.note.endswith(f": D {at[0]}, H {at[1]}, W {at[2]} of {size}")
    assert "maximum" in seen.note


def test_an_axis_has_one_length_in_all_slices() -> None:
    first, second, third = view(np.zeros((30, 200, 100, 1)), planted((3, 4, 5), (1, 1, 1))).panels
    d, h, w = second.heat.shape[0], first.heat.shape[0], first.heat.shape[1]
    assert (second.heat.shape, third.heat.shape) == ((d, w), (d, h))
    assert h == 2 * w
    assert d >= h // 6  # though it has 30 places to 200


def test_of_a_blank_map_the_middle_is_shown() -> None:
    values = planted((9, 11, 13, 1), (4, 5, 6))
    seen = view(values, np.zeros((9, 11, 13)))
    assert [p.label for p in seen.panels] == ["axial, D 4", "coronal, H 5", "sagittal, W 6"]
    assert all(panel.photo.max() == 255 for panel in seen.panels)
    assert "middle" in seen.note


CLIPS = {(16, 8): 6, (30, 30): 17, (64, 32): 31, (5, 5): 0, (8, 1): 0}
"""Frames and times of the map: the time of the event."""


@pytest.mark.parametrize("clip", CLIPS)
def test_the_hottest_frame_of_a_clip_is_in_the_strip(clip: tuple[int, int]) -> None:
    extent, times = clip
    time = CLIPS[clip]
    values = np.zeros((extent, 60, 80, 3), np.float32)
    values[:, :, :40] = 0.5
    frame = int((time + 0.5) * extent / times)
    values[frame, 15:30, 60:80, 1] = 1
    cells = planted((times, 4, 4), (time, 1, 3))
    cells[:, 0, 0] = 0.1
    seen = view(values, cells)
    labels = [int(panel.label.removeprefix("frame ")) for panel in seen.panels]
    assert len(labels) == min(MOST_FRAMES, times)
    assert labels == sorted(set(labels))
    heat = [float(panel.heat.max()) for panel in seen.panels]
    hottest = seen.panels[int(np.argmax(heat))]
    assert hottest.label == f"frame {frame}"
    assert hot_cell(hottest, 4, 4) == (1, 3)
    np.testing.assert_allclose(bright(hottest, 1), (0.375, 0.875), atol=0.02)
    others = [panel.photo for panel in seen.panels if panel is not hottest]
    assert {int(photo[100, 60, 1]) for photo in others} <= {127, 128}  # one scale for all
    assert seen.note == f"frames 0 to {extent - 1}, maximum around {frame}"


@pytest.mark.parametrize("shape", [(22, 1000), (1000, 22), (128, 60_000), (3000, 4000)])
def test_a_picture_of_any_shape_can_be_looked_at(shape: tuple[int, int]) -> None:
    height, width = shape
    values = np.zeros((*shape, 1), np.float32)
    values[height // 2 : height // 2 + max(1, height // 20), width // 4 : width // 3] = 1
    seen = view(values, planted((2, 64), (1, 18)))
    (panel,) = seen.panels
    sides = sorted(panel.heat.shape)
    assert panel.photo.shape[:2] == panel.heat.shape
    assert sides[1] <= 1280
    assert sides[0] >= sides[1] // 6
    assert hot_cell(panel, 2, 64) == (1, 18)
    expected = (height // 2 + max(1, height // 20) / 2) / height, 7 / 24
    np.testing.assert_allclose(bright(panel), expected, atol=0.03)


@pytest.mark.parametrize("shape", [(12,), (7, 9), (4, 5, 6)])
def test_a_map_over_nothing_lies_on_black(shape: tuple[int, ...]) -> None:
    at = tuple(n // 4 for n in shape)
    seen = view(None, planted(shape, at))
    assert not any(panel.photo.any() for panel in seen.panels)
    plane = (1, *shape)[-2:]
    assert hot_cell(seen.panels[0], *plane) == (0, *at)[-2:]
    assert "samples" not in seen.note


LARGE = {  # the array and the map: what is made of them has the figure's size
    "volume": ((300, 512, 512, 1), (75, 64, 64)),
    "clip": ((900, 360, 640, 3), (112, 22, 40)),
    "spectrogram": ((128, 600_000, 1), (4, 9000)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_array_is_never_copied(kind: str) -> None:
    extents, cells = LARGE[kind]
    values, heat = np.zeros(extents, np.float32), planted(cells, tuple(n // 3 for n in cells))
    tracemalloc.start()
    try:
        view(values, heat)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 80e6 < values.nbytes
