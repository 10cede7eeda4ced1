"""The verdict on two models out of rows: compare's own, on what it looks at of each photo."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...compare.photos import Answer, Pair, Seen
from ...compare.verdict import Verdict, ratings, verdict
from .table import Table

NOTHING = np.zeros((0, 0), np.float32)
ANSWER = Answer(0, "", 0.0)


def pairs_of(table: Table) -> list[Pair]:
    """Each row that was looked at, with no more than `verdict` asks for."""
    numbers = {n: table.numbers(n) for n in ("blank", "blank_b", "spearman", "gain", "flips")}
    names, said = table.words("photo"), [table.words(n) for n in ("diagnosis", "diagnosis_b")]
    bounds = table.words("bounds")
    return [
        Pair(
            name=str(names[i]),
            target="",
            sha256=("", ""),
            answers=None if np.isnan(numbers["flips"][i]) else (ANSWER, ANSWER),
            flips=bool(numbers["flips"][i] == 1),
            scores=(0.0, 0.0),
            maps=(
                _seen(numbers["blank"][i], said[0][i]),
                _seen(numbers["blank_b"][i], said[1][i]),
            ),
            measures={name: float(numbers[name][i]) for name in ("spearman", "gain")},
            bounds=_bounds(bounds[i]),
            index=i,
        )
        for i in looked_at(table)
    ]


def looked_at(table: Table) -> list[int]:
    """The rows whose photos were."""
    return np.flatnonzero(table.numbers("failed") == 0).tolist()


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
