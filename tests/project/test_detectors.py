"""The benchmark of detectors: its shares, pixel by pixel, and its page."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paths import ROOT

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)

BOX = (2.0, 1.0, 6.0, 5.0)
MINE, OTHER, FAR = (2, 2, 7, 5), (5, 0, 9, 4), (0, 7, 2, 9)


@pytest.fixture
def energy() -> Any:
    return importlib.import_module("benchmarks.detectors.energy")


def by_loops(heat: Any, box: Any, without: Any = (0, 0, 0, 0)) -> float:
    found = 0.0
    for row in range(heat.shape[0]):
        for column in range(heat.shape[1]):
            held = [x0 <= column < x1 and y0 <= row < y1 for x0, y0, x1, y1 in (box, without)]
            found += heat[row, column] if held[0] and not held[1] else 0.0
    return found / float(heat.sum())


def test_shares_are_sums_of_pixels(energy: Any, rng: np.random.Generator) -> None:
    heat = rng.random((9, 10))
    heat[3, 3] = 5
    found = energy.figures(heat, BOX, [OTHER, MINE])
    assert found.own == pytest.approx(by_loops(heat, BOX))
    assert found.times == pytest.approx(by_loops(heat, BOX) * 90 / 16)
    assert found.inside
    assert found.labelled == pytest.approx(by_loops(heat, MINE))
    assert found.others == pytest.approx(by_loops(heat, OTHER, MINE))
    assert found.others_area == pytest.approx(by_loops(np.ones((9, 10)), OTHER, MINE))


def test_what_is_not_labelled_has_no_share(energy: Any) -> None:
    heat = np.ones((9, 10))
    for labelled in ([], [FAR]):
        found = energy.figures(heat, BOX, labelled)
        assert (found.labelled, found.others) == (None, None)
    assert energy.figures(heat, BOX, [MINE]).others is None
    assert energy.figures(0 * heat, BOX, [MINE]).own == 0


def test_overlap_is_the_shared_part_of_both(energy: Any) -> None:
    assert energy.overlap((0, 0, 4, 4), (2, 2, 6, 6)) == pytest.approx(4 / 28)
    assert energy.overlap((0, 0, 1, 1), (2, 2, 3, 3)) == 0


def test_labels_are_read_in_pixels(tmp_path: Path) -> None:
    main = importlib.import_module("benchmarks.detectors.__main__")
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "labels" / "a.txt").write_text("7 0.5 0.5 0.5 0.2\n3 0.1 0.1 0.1 0.1\n")
    found = main.objects(tmp_path / "images" / "a.jpg", 7, (100, 200))
    np.testing.assert_allclose(found, [[50, 40, 150, 60]])


def test_the_page_has_every_method() -> None:
    from cam_core import METHODS

    page = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
    assert page.startswith(importlib.import_module("benchmarks.detectors.__main__").HEAD)
    for method in (name for name, row in METHODS.items() if row.captured):
        assert page.count(f"\n| {method} | ") == 2
