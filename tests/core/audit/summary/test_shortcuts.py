"""Planted shortcuts are flagged, clean models are not; and the parts by loops."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from cam_core import open_backend
from cam_core.audit import audit
from cam_core.audit.summary.clustering import parts
from cam_core.audit.summary.shortcuts import biases_of, by_channels, clusters_of, maps_of, place
from cam_core.image import Preprocess
from tests.core.audit import planted

CLEAN = 10 if os.environ.get("SWEEP") == "all" else 3
SPEC = Preprocess(scale=1 / 255, mean=(planted.MEAN,), std=(planted.STD,), fit="stretch")


def audited(kind: str, folder: Path, seed: int = 0) -> Any:
    """The rows of a model that was taught that."""
    example = np.zeros((1, 3, planted.SIDE, planted.SIDE), np.float32)
    model = open_backend(planted.taught(kind, seed), example=example)
    file = planted.data(folder, kind)
    out = folder / f"{kind}{seed}"
    return audit(model, file, out, preprocess=SPEC, labels=planted.NAMES).table


def flags(table: Any) -> list[tuple[str, str]]:
    return [(one.answer, one.flag) for one in clusters_of(table) if one.flag]


def test_a_mark_in_a_corner_is_flagged(tmp_path: Path) -> None:
    table = audited(planted.CORNER, tmp_path)
    assert np.nanmean(table.numbers("correct")) > 0.9
    assert flags(table) == [("red", "in the upper left corner")]
    first = clusters_of(table)[0]
    assert first.part >= 0.5
    assert np.unravel_index(first.centre.argmax(), first.centre.shape) <= (1, 1)


def test_a_background_is_flagged(tmp_path: Path) -> None:
    table = audited(planted.BACKGROUND, tmp_path)
    assert np.nanmean(table.numbers("correct")) > 0.9
    (found,) = biases_of(table)
    assert found.answer == "red"
    assert found.on_object < found.even / 2
    assert found.difference.high < 0


def test_clean_models_are_not_flagged(tmp_path: Path) -> None:
    """Of ten at most one; of three none."""
    found = []
    for seed in range(CLEAN):
        table = audited(planted.CLEAN, tmp_path, seed)
        assert np.nanmean(table.numbers("correct")) > 0.9
        found.append(bool(flags(table) or biases_of(table)))
        assert not any(one.by_channels for one in clusters_of(table))
    assert sum(found) <= CLEAN // 10


@pytest.mark.parametrize("seed", [0, 2])
def test_another_feature_in_the_same_place_is_a_cluster_of_its_own(
    seed: int, tmp_path: Path
) -> None:
    """Red is told by a colour in even photos and by a chequered grey in odd ones."""
    table = audited(planted.FEATURES, tmp_path, seed)
    assert np.nanmean(table.numbers("correct")) > 0.9
    maps, places, _ = maps_of(table)
    red = np.flatnonzero(np.array(table.words("answer")) == "red")
    assert len(parts(maps[places[red]])) == 1  # by where they lie they are one
    found = [one for one in clusters_of(table) if one.by_channels]
    assert [one.answer for one in found] == ["red", "red"]  # no other answer has two
    assert sum(len(one.rows) for one in found) == len(red)
    assert [{row % 2 for row in one.rows} for one in found] == [{1}, {0}]
    assert not flags(table)


def test_channels_that_nobody_knows_part_nothing() -> None:
    mask = np.array([True] * 14 + [False] * 2)
    channels = np.zeros((16, 4), np.float32)
    channels[:7, 0] = 1
    assert sorted(one.sum() for one in by_channels(mask, channels)) == [7, 7]
    assert all(not one[14:].any() for one in by_channels(mask, channels))
    few = np.where(np.arange(16)[:, None] < 2, channels, 0)
    assert len(by_channels(mask, few)) == 1
    channels[3] = np.nan
    assert len(by_channels(mask, channels)) == 1


def test_maps_are_those_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cam_core.audit import open_table
    from cam_core.audit.run import run
    from cam_core.audit.summary import shortcuts
    from tests.core.audit.tiny import photos, tiny_plan

    folder = photos(tmp_path / "photos", 11, broken=[3])
    run(tiny_plan(folder, referenced=False), tmp_path / "out")
    table = open_table(tmp_path / "out")
    rows = list(table.parts.rows(["map", "map_height"]))
    maps, places, height = shortcuts.maps_of(table)
    assert (len(maps), height) == (10, 8)
    for row, at in zip(rows, places, strict=True):
        assert (at < 0) == (row["map"] is None)
        if at >= 0:
            np.testing.assert_array_equal(maps[at], np.array(row["map"], np.float32))
    monkeypatch.setattr(shortcuts, "ROWS", 4)
    some, chosen, _ = shortcuts.maps_of(table)
    assert np.flatnonzero(chosen >= 0).tolist() == [0, 3, 6, 10]
    np.testing.assert_array_equal(some, maps[places[chosen >= 0]])


PLACES = {
    "in the upper left corner": [(0, 0), (1, 1)],
    "in the lower right corner": [(6, 5), (5, 6)],
    "on the border": [(0, 3), (6, 3), (3, 0), (3, 6)],
    "": [(3, 3), (2, 4)],
}


@pytest.mark.parametrize("said", PLACES)
def test_a_place_is_a_corner_or_the_border(said: str) -> None:
    maps = np.zeros((20, 7, 7))
    for i, one in enumerate(maps):
        one[PLACES[said][i % len(PLACES[said])]] = 1
    assert place(maps) == said


def test_maps_in_all_corners_are_in_none() -> None:
    maps = np.zeros((20, 7, 7))
    for i, one in enumerate(maps):
        one[(0, 6)[i % 2], (0, 6)[i // 2 % 2]] = 1
    assert place(maps) == "on the border"  # which is another thing
