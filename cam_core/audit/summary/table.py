"""The rows of a report as columns of numbers and words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..measure import Column, columns_of
from ..measure.metrics import find_extras
from ..rows import Parts, read_manifest

FAILED, WAY = "failed", "way"
"""Numbers that no row has by itself: 1 of a photo that was not looked at, and the way to another
class, which the verdict sets."""


@dataclass(frozen=True, eq=False)
class Table:
    """All rows; read a column at a time, and held once it is read."""

    folder: Path
    parts: Parts
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        """How many rows there are."""
        return self.parts.count

    @cached_property
    def _held(self) -> dict[str, Any]:
        return {}

    def numbers(self, name: str) -> Array:
        """A column float64 [N]: NaN where there is none, 1 and 0 of yes and no."""
        if name == FAILED:
            return np.array([error is not None for error in self.words("error")], np.float64)
        found: Array = self._read(name, _as_numbers)
        return found

    def words(self, name: str) -> list[str | None]:
        """A column of text."""
        found: list[str | None] = self._read(name, _as_words)
        return found

    def _read(self, name: str, convert: Any) -> Any:
        if name not in self._held:
            self._held[name] = convert(table.column(name) for table in self.parts.tables([name]))
        return self._held[name]

    @property
    def measured(self) -> dict[str, str]:
        """Each column of numbers -> what it is."""
        return measured(self.columns)

    @property
    def metrics(self) -> list[str]:
        """Those that were asked for besides."""
        return [name for name, column in self.columns.items() if column.of == "metrics"]

    @property
    def referenced(self) -> bool:
        """Is it a report of two models?"""
        return any(column.of == "reference" for column in self.columns.values())


def measured(columns: Mapping[str, Column]) -> dict[str, str]:
    """What is summed up, and what limits are put on: each name -> what it is."""
    found = {
        name: column.summary
        for name, column in columns.items()
        if column.kind in ("number", "yes") and name != "fed_alike"
    }
    way = {WAY: "part of the way to another class"} if "spearman" in columns else {}
    return found | {FAILED: "1 of a photo that was not looked at"} | way


def open_table(folder: str | Path) -> Table:
    """The rows of a report.

    Raises:
        InputError: there is none, or it has no row.
    """
    folder = Path(folder)
    settings = read_manifest(folder)["settings"]
    metrics = find_extras(settings.get("metrics", ()))
    columns = columns_of(reference=settings.get("bounds") is not None, metrics=metrics)
    parts = Parts(folder, {name: column.kind for name, column in columns.items()})
    if not parts.count:
        raise InputError(f"'{folder}': the report has no row yet")
    return Table(folder, parts, columns)


def _as_numbers(columns: Iterable[Any]) -> Array:
    found = [[np.nan if v is None else float(v) for v in one.to_pylist()] for one in columns]
    return np.concatenate([np.array(values, np.float64) for values in found])


def _as_words(columns: Iterable[Any]) -> list[str | None]:
    return [value for one in columns for value in one.to_pylist()]
