"""A week's log against a baseline: a shift, another mix of answers, too few rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.stats import STATS
from cam_core.monitor import Rows, line, monitor, monitoring, rows_of, said
from tests.core.monitor.logged import columns, rows

OTHER = (0.15, 0.25, 0.6)
BASELINE = rows(600, 1, where="report")


def test_a_week_like_the_baseline_is_the_same() -> None:
    found = monitor(rows(200, 2), BASELINE)
    assert found.alarm is False
    assert (found.moved, found.remixed, found.alike) == ([], False, 1)
    assert line(found).startswith("the same: no shift of attention in 200 rows")


def test_what_moved_is_named() -> None:
    found = monitor(rows(200, 2, border_share=lambda x: x + 1.0), BASELINE)
    assert found.moved == ["border_share"]
    text = "not the same: border_share moved in 200 rows (p 0.001; by chance 1 log in 100 says so)"
    assert line(found) == text
    assert found.values("alarm").tolist() == [1]
    assert found.values("shift").max() == found.shift.distances.max()  # type: ignore[union-attr]


def test_another_mix_of_answers_is_no_shift() -> None:
    """The same logs are a shift where nobody knows the classes."""
    log = rows(300, 4, OTHER)
    found = monitor(log, BASELINE)
    assert found.alarm is False
    assert found.remixed
    assert "the answers are mixed otherwise (p 0.001)" in line(found)
    blind = monitor(log, BASELINE, by_class=False)
    assert blind.alarm
    assert "looks like a shift of attention" in said(blind)[0]


def test_a_shift_under_another_mix_is_one() -> None:
    found = monitor(rows(300, 4, OTHER, centre_y=lambda x: x + 1.0), BASELINE)
    assert found.moved == ["centre_y"]
    assert "the answers are mixed otherwise as well" in line(found)


def test_a_shift_of_one_class_alone_is_seen() -> None:
    given = columns(300, 5)
    given["max_share"] = np.where(given["class"] == 2, 0.0, given["max_share"])
    assert monitor(rows_of(given, "log"), BASELINE).moved == ["max_share"]


def test_few_rows_cannot_say_and_say_how_many_are_needed() -> None:
    found = monitor(rows(12, 6), BASELINE)
    assert found.alarm is None
    assert line(found) == "cannot say: 12 rows in the log are compared, 36 are needed"
    assert np.isnan(found.values("alarm")).all()
    small = monitor(rows(200, 6), rows(25, 1))
    assert line(small).startswith("cannot say: the baseline has 25 rows, and some 50 are needed")


def test_few_rows_that_are_far_off_are_an_alarm() -> None:
    far = {name: lambda x: x + 50.0 for name in STATS}
    assert monitor(rows(12, 6, **far), BASELINE).alarm


def test_no_class_in_common_cannot_say() -> None:
    log = replace(rows(50, 2), classes=("9",) * 50)
    found = monitor(log, BASELINE)
    assert found.alarm is None
    assert line(found).startswith("cannot say: 0 of 50 rows in the log are compared")
    assert "50 rows are of classes that the baseline has fewer than 5 of, left out: 9" in said(
        found
    )


@pytest.mark.parametrize("key", ["model", "layer", "method"])
def test_a_baseline_of_something_else_is_refused(key: str) -> None:
    ours, theirs = ({key: frozenset({name})} for name in ("ab" * 32, "cd" * 32))
    log, baseline = replace(rows(50, 2), said=ours), replace(BASELINE, said=theirs)
    with pytest.raises(InputError, match=f"'report' is of another {key}: .*abababababab\\.\\.\\."):
        monitor(log, baseline)
    either = {key: frozenset({"ab" * 32, "cd" * 32})}
    assert monitor(log, replace(BASELINE, said=either)).alarm is False


def test_every_takes_one_of_so_many() -> None:
    found = monitor(rows(400, 2), BASELINE, every=4)
    assert found.log.of("energy").tolist() == rows(400, 2).of("energy")[::4].tolist()


def test_of_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "MOST", 100)
    found = monitor(rows(400, 2), BASELINE, alpha=0.05)
    assert found.pool is not None
    assert (found.count, len(found.pool.values)) == (100, 200)
    drawn = {tuple(row) for row in found.pool.values[:100]}
    assert drawn <= {tuple(row) for row in found.log.values}


def test_numbers_that_one_lacks_are_not_compared() -> None:
    given = columns(200, 2)
    del given["positive_ratio"]
    found = monitor(rows_of(given, "log"), BASELINE)
    assert "positive_ratio" not in found.names
    assert "the log has no positive_ratio: not compared" in said(found)
    only = Rows("log", ("energy",), np.ones((9, 1)))
    with pytest.raises(InputError, match="have no number in common"):
        monitor(only, Rows("report", ("entropy",), np.ones((9, 1))))


@pytest.mark.parametrize("alpha", [0.0, 1e-5, 0.6, float("nan")])
def test_a_rate_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="a rate of false alarms from 0"):
        monitor(BASELINE, BASELINE, alpha=alpha)


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_side_cannot_say(empty: int) -> None:
    sides: list[Any] = [rows(50, 2), BASELINE]
    sides[empty] = sides[empty].taken(np.arange(0))
    assert monitor(*sides).alarm is None
