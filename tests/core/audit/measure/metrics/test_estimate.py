"""What metrics cost: passes are counted, seconds are those of a clock that is handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.measure.metrics import Estimate, estimated
from cam_core.audit.run import looked, opened, run
from tests.core.audit.tiny import photos, tiny_plan

CELLS = 96


def test_passes_are_counted_and_the_second_photo_is_timed(tmp_path: Path) -> None:
    """Deletion takes a cell of 96 a step; each check of sanity has its own pass or two."""
    plan = tiny_plan(photos(tmp_path, 5, broken=[0]), referenced=False)
    shots = [
        looked(plan.sides, plan, [opened(plan, i, item)])[0] for i, item in enumerate(plan.items())
    ]
    ticks = iter([0.0, 8.0, 10.0, 12.5])
    names = ["deletion", "randomisation", "random_class", "adcc"]
    found = estimated(plan.sides, shots, names, 40, clock=lambda: next(ticks))
    assert found is not None
    assert (found.seconds, found.photos, found.metrics) == (2.5, 40, tuple(names))
    # the photo's own map, that of what it keeps (of adcc, which then wants a probability), that of
    # shuffled weights; the other class is pulled from the first of them; the score is settled once
    own, kept, shuffled, other, settled = 1, 1, 1, 1, 1
    assert found.forwards == own + kept + shuffled + settled + (1 + CELLS)
    assert found.backwards == own + kept + shuffled + other
    assert list(found.missing) == ["adcc"]


def test_nothing_to_measure_is_no_estimate(tmp_path: Path) -> None:
    plan = tiny_plan(photos(tmp_path, 2, broken=[0]), referenced=False)
    shot = next(s for i, item in enumerate(plan.items()) if (s := opened(plan, i, item)).error)
    assert estimated(plan.sides, [shot], ["deletion"], 1) is None


def test_a_run_says_it_once_before_any_row_and_never_of_nothing(tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "photos", 8), tmp_path / "out"
    told: list[tuple[Estimate, int]] = []

    def dear(known: Estimate) -> None:
        told.append((known, len(list(out.rglob("*.parquet")))))

    plan = tiny_plan(folder, referenced=False, metrics=["deletion"])
    run(plan, out, dear=dear)
    ((known, rows),) = told
    assert (known.photos, rows) == (8, 0)
    run(plan, out, dear=dear)  # all is there
    run(tiny_plan(folder, referenced=False), tmp_path / "plain", dear=dear)
    assert len(told) == 1
