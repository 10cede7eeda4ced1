"""A report as numbers: those of its rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table, record, summarise
from cam_core.audit.run import run
from cam_core.report import to_json
from tests.core.audit.tiny import photos, tiny_plan


def test_statistics_are_those_of_the_rows(tmp_path: Path) -> None:
    run(tiny_plan(photos(tmp_path / "photos", 12, broken=[3])), tmp_path / "out")
    found = json.loads(to_json(record(summarise(open_table(tmp_path / "out")))))
    table = open_table(tmp_path / "out")
    rows = list(table.parts.rows(list(table.columns)))
    assert (found["photos"], found["failed"], len(found["errors"])) == (12, 1, 1)
    for name in ("spearman", "brightness", "energy_border", "score"):
        values = [row[name] for row in rows if row[name] is not None]
        got = found["statistics"][name]
        assert got["photos"] == len(values) == 11
        assert got["mean"] == pytest.approx(np.mean(values))
        assert got["p05"] == pytest.approx(np.quantile(values, 0.05))
        low, high = got["mean_interval"]
        assert low <= got["mean"] <= high
    assert found["statistics"]["failed"]["mean"] == pytest.approx(1 / 12)
    assert found["verdict"]["line"].startswith("the same: agreement")
    assert found["settings"]["method"] == "gradcam"


def test_one_model_is_told_by_what_it_has_right(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", 12, broken=[3])
    run(tiny_plan(folder, referenced=False), tmp_path / "out")
    found = summarise(open_table(tmp_path / "out"))
    right = sum(row["correct"] for row in found.table.parts.rows(["correct"]) if row["correct"])
    assert found.verdict is None
    first, second, third = found.line.split("; ")
    assert first == "11 photos, 1 more could not be read"
    assert second.startswith(f"{right / 11:.1%} right [")
    assert second.endswith("of 11")
    assert third.endswith("]")
    assert "at the border" in third
    assert "way" not in found.metrics
    assert "failed" in found.metrics
