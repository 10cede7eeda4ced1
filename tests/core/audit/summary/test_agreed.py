"""The verdict out of rows is that of `compare` on the same photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table
from cam_core.audit.run import run
from cam_core.audit.summary import agreed as module
from cam_core.audit.summary.agreed import agreed
from cam_core.compare.record import ways
from cam_core.compare.run import run as compared
from tests.core.audit.tiny import model, photos, tiny_plan


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.5])
def test_it_is_that_of_compare(noise: float, tmp_path: Path, monkeypatch: Any) -> None:
    folder = photos(tmp_path / "photos", 12)
    plan = tiny_plan(folder)
    sides = plan.sides
    monkeypatch.setattr(sides.b, "W", model(noise).W)
    items = list(plan.data)
    direct = compared(sides, lambda i: plan.opener(items[i], i).photo, 12, sample=3, batch=1)
    run(plan, tmp_path / "out")
    found, way = agreed(open_table(tmp_path / "out"))
    expected = direct.verdict
    assert (found.word, found.reasons) == (expected.word, expected.reasons)
    assert found.line == expected.line
    # batches of two and of one round alike to six digits
    np.testing.assert_allclose(way, ways(direct, expected), rtol=1e-5, atol=1e-6)


def test_a_photo_that_failed_has_no_part_in_it(tmp_path: Path) -> None:
    run(tiny_plan(photos(tmp_path / "photos", 9, broken=[2, 5])), tmp_path / "out")
    found, way = agreed(open_table(tmp_path / "out"))
    assert found.agreement is not None
    assert (found.agreement.rows, found.agreement.left_out) == (7, 0)
    assert np.isnan(way).sum() == 2


def test_pairs_that_are_not_held_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_plan(photos(tmp_path / "photos", 9, broken=[2])), tmp_path / "out")
    table = open_table(tmp_path / "out")
    held = agreed(table)
    monkeypatch.setattr(module, "HELD", 0)
    assert not isinstance(module.pairs_of(table), list)
    assert [pair.name for pair in module.pairs_of(table)] == [
        name for i, name in enumerate(table.words("photo")) if i != 6
    ]
    found = agreed(table)
    assert found[0] == held[0]
    np.testing.assert_array_equal(found[1], held[1])
