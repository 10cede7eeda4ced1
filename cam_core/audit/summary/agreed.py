"""The verdict on two models out of rows: compare's own, on what it looks at of each photo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backend import Array
from ...compare.photos import Answer, Pair, Seen
from ...compare.verdict import Verdict, ratings, verdict
from .table import Table

NOTHING = np.zeros((0, 0), np.float32)
ANSWER = Answer(0, "", 0.0)
HELD = 100_000
"""Pairs that are held, and not made anew each time."""


def pairs_of(table: Table) -> Sequence[Pair]:
    """Each row that was looked at, with no more than `verdict` asks for."""
    found = Pairs(table, looked_at(table))
    return list(found) if len(found) <= HELD else found


class Pairs(Sequence[Pair]):
    """Made when one is asked for: of ten million they would take as many kilobytes."""

    def __init__(self, table: Table, rows: Array) -> None:
        names = ("blank", "blank_b", "spearman", "gain", "flips")
        self._rows, self._numbers = rows, {name: table.numbers(name) for name in names}
        words = ("photo", "diagnosis", "diagnosis_b", "bounds")
        self._words = {name: table.words(name) for name in words}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        i = int(self._rows[place])
        numbers = {name: float(of[i]) for name, of in self._numbers.items()}
        words = {name: of[i] for name, of in self._words.items()}
        return Pair(
            name=str(words["photo"]),
            target="",
            sha256=("", ""),
            answers=None if np.isnan(numbers["flips"]) else (ANSWER, ANSWER),
            flips=numbers["flips"] == 1,
            scores=(0.0, 0.0),
            maps=(
                _seen(numbers["blank"], words["diagnosis"]),
                _seen(numbers["blank_b"], words["diagnosis_b"]),
            ),
            measures={name: numbers[name] for name in ("spearman", "gain")},
            bounds=_bounds(words["bounds"]),
            index=i,
        )


def looked_at(table: Table) -> Array:
    """The rows whose photos were."""
    return np.flatnonzero(table.numbers("failed") == 0)


def agreed(table: Table) -> tuple[Verdict, Any]:
    """The verdict, and the way of each row [N]: 0 as the model under noise, 1 as another class."""
    pairs = pairs_of(table)
    found = verdict(pairs)
    ways = np.full(len(table), np.nan)
    if found.way is not None:
        top = 1.0 if np.isnan(found.floor) else found.floor
        ways[looked_at(table)] = (top - ratings(pairs)) / (top - found.ceiling)
    return found, ways


def _seen(blank: float, diagnosis: str | None) -> Seen:
    return Seen(NOTHING, 0.0 if blank else 1.0, 0.0, None, diagnosis or "")


def _bounds(text: str | None) -> dict[str, float]:
    known = {} if text is None else json.loads(text)
    return {name: float("nan") if v is None else float(v) for name, v in known.items()}
