"""The numbers of a map in a row: those of the loops, and nothing of no heat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core.audit.data import Item
from cam_core.audit.measure import One, Shot, columns_of, row_of
from cam_core.audit.measure.stats import LOGGED, stats_of
from cam_core.compare.photos import Seen
from cam_core.maps.stats import STATS
from tests.core.maps.test_stats import by_loops

MAP = np.array([[0.0, 4.0, -1.0], [0.5, 0.0, -2.0]], np.float32)


def seen(signed: Any) -> Seen:
    return Seen(signed, float(max(signed.max(), 0)), 0.0, None, "")


def test_they_are_the_loops_of_the_map() -> None:
    found = stats_of(seen(MAP))
    assert list(found) == list(STATS)
    np.testing.assert_allclose([*found.values()], by_loops(MAP), rtol=1e-6)


def test_a_row_has_them_under_their_names() -> None:
    one = One(None, float("nan"), "cat", 1, "cat", 2.0, seen(MAP))
    row = row_of(Shot(Item("a", Path("a")), 0, one=one), columns_of(reference=False))
    expected = dict(zip(STATS, by_loops(MAP), strict=True))
    assert {name: row[name] for name in STATS} == pytest.approx(expected, rel=1e-6)
    assert row_of(Shot(Item("a", Path("a")), 0), columns_of(reference=False))["entropy"] is None


def test_of_no_heat_only_its_strength_is_known() -> None:
    assert stats_of(seen(-np.ones((2, 2)))) == {"energy": 0, "positive_ratio": 0, "raw_max": 0}


@pytest.mark.parametrize("signed", [np.ones(4), np.ones((2, 2, 2)), np.full((2, 2), np.nan)])
def test_what_is_no_picture_has_none(signed: Any) -> None:
    assert stats_of(seen(signed)) == {}
    assert set(LOGGED) | {"raw_max"} == set(STATS)


def test_a_row_has_what_the_file_logs(tmp_path: Path) -> None:
    """Photos one by one through the instrumented file, and through an audit in batches."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pyarrow")
    from backends.onnx import instrument
    from cam_core.audit import audit
    from cam_core.demo import MODEL
    from tests.sessions import run

    x = np.random.default_rng(2).random((6, 3, 128, 128), np.float32)
    np.savez(tmp_path / "photos.npz", x=x)
    table = audit(MODEL, tmp_path / "photos.npz", tmp_path / "report").table
    model = instrument(MODEL, stats=True)
    logged = [run(model, image=one[None], cam_class=np.array([-1]))["cam_stats"][0] for one in x]
    for i, name in enumerate(STATS):
        expected = [float(row[i]) for row in logged]
        np.testing.assert_allclose(table.numbers(name), expected, rtol=1e-4, atol=1e-6)
