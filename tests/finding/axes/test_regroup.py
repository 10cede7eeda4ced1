"""Regrouping: exact, or lost where a boundary cuts through a piece."""

from __future__ import annotations

from backends.onnx.finding.axes.factors import FRESH, Factor, Given, Lost, loss, size
from backends.onnx.finding.axes.regroup import regrouped
from tests.finding.axes.test_factors import cells

ROWS = Factor(Given("x", 2, 24), 24)
COLUMNS = Factor(Given("x", 3, 8), 8)
WHY = Lost("node", "by Reshape")


def test_regrouping_is_exact_or_lost() -> None:
    assert regrouped([(ROWS,), (COLUMNS,)], (192,), WHY) == ((ROWS, COLUMNS),)
    assert regrouped([(ROWS, COLUMNS)], (24, 8), WHY) == ((ROWS,), (COLUMNS,))
    windows = regrouped([(ROWS,), (COLUMNS,)], (6, 4, 2, 4), WHY)
    assert [size(axis) for axis in windows] == [6, 4, 2, 4]
    assert cells((*windows[0], *windows[1])) == list(range(24))
    crossed = regrouped([(ROWS,), (COLUMNS,)], (16, 12), WHY)
    assert [loss(axis) for axis in crossed] == [WHY, WHY]
    assert [size(axis) for axis in crossed] == [16, 12]


def test_only_what_a_boundary_cuts_is_lost() -> None:
    channels = (Factor(FRESH, 5),)
    kept, *crossed = regrouped([channels, (ROWS,), (COLUMNS,)], (5, 16, 12), WHY)
    assert kept == channels
    assert all(loss(axis) == WHY for axis in crossed)
