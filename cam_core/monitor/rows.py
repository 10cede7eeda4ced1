"""What was logged of maps: rows of the numbers of `cam_stats`, with the answer's class if known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..maps.stats import STATS

VECTOR = "cam_stats"
"""A column that holds all numbers of a row, in order."""
CLASS = ("class", "answer_class", "cam_class_used")
"""How the column of the answer's class may be called."""
SAID = {"model_sha256": "model", "layer": "layer", "method": "method"}
"""Columns that say what was run -> what they are of."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A log, or the rows of a report."""

    where: str
    """Its file or folder."""
    names: tuple[str, ...]
    """The numbers that there are, in the order of STATS."""
    values: Array
    """float64 [N, numbers]; of a blank map 0, as `cam_stats` has it."""
    classes: tuple[str, ...] | None = None
    """The number of each answer's class, as text; None where nobody knows."""
    labels: tuple[str, ...] | None = None
    """The name of that."""
    said: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which model, layer and method it is of, each by all names it goes by."""
    left_out: int = 0
    """Rows without a number, or with NaN."""

    def __len__(self) -> int:
        """N."""
        return len(self.values)

    def of(self, name: str) -> Array:
        """One number [N]."""
        found: Array = self.values[:, self.names.index(name)]
        return found

    def taken(self, rows: Array) -> Rows:
        """Some of them, by number or mask."""
        places = np.arange(len(self))[rows].tolist()
        classes, labels = (
            None if of is None else tuple(of[i] for i in places)
            for of in (self.classes, self.labels)
        )
        return replace(self, values=self.values[rows], classes=classes, labels=labels)


def rows_of(columns: Mapping[str, Sequence[Any]], where: str) -> Rows:
    """Columns as they were logged, whatever else there is among them.

    Raises:
        InputError: no number of a map is there, or rows of several models are.
    """
    given = _numbers(columns, where)
    _require_aligned(
        [*given.values(), *(columns[name] for name in CLASS if name in columns)], where
    )
    known = {name: found for name, found in given.items() if np.isfinite(found).any()}
    if not known:
        raise InputError(
            f"'{where}': no column of a map's numbers; there are {', '.join(columns) or 'none'}, "
            f"and wanted are {', '.join(STATS)}, or {VECTOR} with all of them"
        )
    names = tuple(name for name in STATS if name in known)
    values = np.stack([known[name] for name in names], axis=1)
    whole = np.isfinite(values).all(axis=1)
    said = {key: _said(columns[name], name, where) for name, key in SAID.items() if name in columns}
    classes, labels = _classes(columns)
    found = Rows(where, names, values, classes, labels, {k: v for k, v in said.items() if v})
    return replace(found.taken(whole), left_out=int((~whole).sum()))


def _require_aligned(columns: Sequence[Sequence[Any] | Array], where: str) -> None:
    """Refuses columns of several lengths."""
    lengths = sorted({len(column) for column in columns})
    if len(lengths) > 1:
        raise InputError(f"'{where}': its columns have {lengths[0]} and {lengths[-1]} rows")


def _numbers(columns: Mapping[str, Sequence[Any]], where: str) -> dict[str, Array]:
    """Each number [N], NaN where there is none."""
    if VECTOR in columns:
        rows = [[] if row is None else list(row) for row in columns[VECTOR]]
        wrong = next((row for row in rows if row and len(row) != len(STATS)), None)
        if wrong is not None:
            raise InputError(f"'{where}': {VECTOR} has {len(wrong)} numbers, not {len(STATS)}")
        return {n: _floats([r[i] if r else None for r in rows]) for i, n in enumerate(STATS)}
    return {name: _floats(columns[name]) for name in STATS if name in columns}


def _floats(values: Sequence[Any]) -> Array:
    return np.array([_float(value) for value in values], np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # empty, null, a word
        return float("nan")


def _said(values: Sequence[Any], name: str, where: str) -> frozenset[str]:
    """The one thing that a column says.

    Raises:
        InputError: it says several.
    """
    found = {str(value) for value in values if value not in (None, "")}
    if len(found) > 1:
        some = ", ".join(sorted(found)[:2])
        raise InputError(f"'{where}': its rows are of several kinds by {name} ({some}): part them")
    return frozenset(found)


def _classes(
    columns: Mapping[str, Sequence[Any]],
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """(numbers, names) of the classes, whichever was logged."""
    name = next((name for name in CLASS if name in columns), None)
    if name is None:
        return None, None
    texts = [_number_or_name(value) for value in columns[name]]
    if all(text.removeprefix("-").isdecimal() or not text for text in texts):
        return tuple(texts), None
    return None, tuple(texts)


def _number_or_name(value: Any) -> str:
    """3, 3.0 and "3" are one class."""
    if value is None:
        return ""
    number = _float(value)
    return str(int(number)) if number.is_integer() else str(value).strip()
