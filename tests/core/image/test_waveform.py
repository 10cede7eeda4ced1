"""Signals as pictures: of one size, and an event of a single sample is seen."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.image.waveform import BANDS, GAP, HEIGHT, INK, WIDTH, waveform


def dark(photo: Array) -> Array:
    """Where the line is, bool [H, WIDTH]."""
    found: Array = (photo == INK).all(axis=2)
    return found


@pytest.mark.parametrize("extent", [5, 960, 44_100, 1_000_003])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_event_rises_where_it_is(extent: int, sign: int) -> None:
    event = 3 * extent // 4
    values = np.zeros((extent, 1), np.float32)
    values[event] = sign
    photo = waveform(values)
    assert photo.shape == (HEIGHT, WIDTH, 3)
    tip = dark(photo)[::sign][: HEIGHT // 20]
    at = np.flatnonzero(tip.any(axis=0))
    expected = (event + 0.5) * WIDTH / extent
    assert at.size
    assert np.abs(at + 0.5 - expected).max() <= WIDTH / extent + 1


def test_each_channel_has_a_band_of_its_own_range() -> None:
    values = np.zeros((9000, 2))
    values[3000, 0], values[6000, 1] = 1e-3, 1e3
    lines = dark(waveform(values))
    for channel, column in enumerate((320, 640)):
        band = lines[channel * HEIGHT // 2 : (channel + 1) * HEIGHT // 2]
        assert band.sum(axis=0).argmax() == column
        assert band[:, column].sum() > HEIGHT // 3
        assert (np.delete(band, column, axis=1).sum(axis=0) <= 3).all()
    assert (waveform(values)[HEIGHT // 2 - 1] == GAP).all()  # what parts them


def test_a_constant_runs_along_the_middle() -> None:
    rows = np.flatnonzero(dark(waveform(np.full((50, 1), 7))).all(axis=1))
    assert len(rows)
    assert np.abs(rows - HEIGHT / 2).max() < 5


def test_neighbouring_bars_touch(rng: np.random.Generator) -> None:
    """Where a signal jumps between two columns, too."""
    steps = np.repeat(rng.normal(size=(96, 1)), 200, axis=0)
    lines = dark(waveform(steps))
    for column in range(1, WIDTH):
        both = np.flatnonzero(lines[:, column - 1]), np.flatnonzero(lines[:, column])
        assert max(side.min() for side in both) <= min(side.max() for side in both) + 1


@pytest.mark.parametrize("extent", [40, 30_000])
@pytest.mark.parametrize("count", [BANDS + 1, 80, 700])
def test_many_channels_are_rows_of_grey(count: int, extent: int) -> None:
    values = np.zeros((extent, count), np.float32)
    length = max(1, extent // 100)
    values[extent // 2 : extent // 2 + length, count // 3] = 5
    photo = waveform(values)
    assert photo.shape[1:] == (WIDTH, 3)
    assert HEIGHT // 2 <= len(photo) <= 2 * HEIGHT
    y, x = np.unravel_index(photo[..., 0].argmax(), photo.shape[:2])
    assert abs(y + 0.5 - (count // 3 + 0.5) * len(photo) / count) <= max(1, len(photo) / count)
    assert abs(x + 0.5 - (extent // 2 + length / 2) * WIDTH / extent) <= WIDTH / 40


@pytest.mark.parametrize("shape", [(26_460_000, 1), (6_000_000, 2), (300_000, 80)])
@pytest.mark.parametrize("order", ["F", "C"])  # [C, T] or [T, C], as it lies in memory
@pytest.mark.parametrize("kind", ["float32", "float64", "int16"])
def test_a_long_signal_is_never_copied(kind: str, order: Any, shape: tuple[int, int]) -> None:
    """Ten minutes of sound are 106 MB: what is made of them has the figure's size."""
    values = np.zeros(shape, kind, order)
    tracemalloc.start()
    try:
        waveform(values)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 30 * WIDTH * HEIGHT
