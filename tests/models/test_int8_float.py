"""Grad-CAM of an int8 model against its float original, on photos."""

from __future__ import annotations

import pytest

from tests.paths import DATA, ROOT

FOUND = 0.974
"""The median as docs/quantised-models.md has it."""


@pytest.mark.skipif(not DATA.exists(), reason="needs the photos and models of shared/data")
def test_an_int8_model_says_as_its_original() -> None:
    """More alike than another class's map, less than one grey level of noise; all of it by A."""
    quantised = pytest.importorskip("benchmarks.quantised")
    rows = quantised.measure(DATA)
    int8, noise, second, unrelated, of_G, of_A = quantised.medians(rows)
    assert len(rows) >= 10
    assert int8 == pytest.approx(FOUND, abs=0.02)
    assert noise > int8 > second > unrelated
    assert int8 >= 0.9
    assert of_G > 0.999
    assert of_A == pytest.approx(int8, abs=1e-3)
    assert rows[0].found[0] > 0.85, rows[0].name
    page = (ROOT / "docs" / "quantised-models.md").read_text(encoding="utf-8")
    assert f"{FOUND}" in page
    assert all(row.name in page for row in rows)
