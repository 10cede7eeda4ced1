"""A character of the line that a reader reads: `char:3`, `char:all`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import NothingFoundError, TargetError
from ..asking import Asking, Seen
from ..places.cells import CellsTarget
from ..places.region import outline_of
from ..target import AwaitingTarget, Kind, ScoredTarget
from .alphabet import Alphabet
from .ctc import Run, log_softmax
from .look import looked, read_line


@dataclass(frozen=True)
class CharacterQuestion(AwaitingTarget):
    """Y = mean of y^c over the steps of a character of the line that is read."""

    class_axis: int = 1
    number: int | None = None
    """Counted from 1; None: each of them."""
    asked: str = "char:all"

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The steps of each character."""
        steps, alphabet = looked(seen, self.asked)
        rows = [read_line(row, alphabet) for row in steps]
        most = max(map(len, rows))
        if self.number is not None:
            short = next((row for row in rows if len(row) < (self.number or 0)), None)
            if short is not None:
                raise _no_character(self.asked, short, alphabet)
            return [_one(seen, steps, rows, self.number, alphabet, self.class_axis)]
        if not most:
            raise _no_character(self.asked, [], alphabet)
        if any(len(row) < most for row in rows):
            raise TargetError(
                f"{self.asked}: rows with lines of other lengths are asked one by one"
            )
        numbers = range(1, most + 1)
        return [_one(seen, steps, rows, i, alphabet, self.class_axis) for i in numbers]


def _one(
    seen: Seen,
    steps: Array,
    rows: Sequence[Sequence[Run]],
    number: int,
    alphabet: Alphabet,
    class_axis: int,
) -> CellsTarget:
    """Its number in the line, of each row its own."""
    own = [row[number - 1] for row in rows]
    marks = np.zeros(steps.shape[:2], bool)
    for row, run in zip(marks, own, strict=True):
        row[run.start : run.stop] = True
    places = np.take(seen.score, 0, class_axis).shape  # [N, *P]
    weights = marks / marks.sum(axis=1, keepdims=True)
    detail = [_facts(*each, number, alphabet) for each in zip(steps, rows, own, strict=True)]
    return CellsTarget(
        tuple(run.index for run in own),
        weights.reshape(places),
        class_axis,
        f"char:{number}",
        tuple({"char": facts} for facts in detail),
        outline_of(marks.reshape(places), seen, classes=True),
    )


def _facts(
    steps: Array, row: Sequence[Run], run: Run, number: int, alphabet: Alphabet
) -> dict[str, Any]:
    """What a record says of a character."""
    likely = np.exp(log_softmax(steps))[run.start : run.stop, run.index]
    return {
        "character": alphabet.shown(run.index),
        "class": run.index,
        "number": number,
        "line": alphabet.written([one.index for one in row]),
        "steps": [run.start, run.stop - 1],
        "probability": float(likely.mean()),
        **alphabet.facts,
    }


def _no_character(asked: str, row: Sequence[Run], alphabet: Alphabet) -> NothingFoundError:
    line = alphabet.written([run.index for run in row])
    if not row:
        why = "the line ends at once" if alphabet.by_step else "all steps are blank"
        return NothingFoundError(
            f"{asked}: the model reads nothing here, {why} ({alphabet.known}); "
            f"another line may be asked for all the same, as in text:12,7"
        )
    return NothingFoundError(
        f"{asked}: the model reads '{line}', characters 1 to {len(row)}; ask for one of them"
    )


def read(word: str, asking: Asking) -> tuple[ScoredTarget, ...] | None:
    """`char:3`, `char:all`."""
    found = re.fullmatch(r"char:(\d+|all)", word)
    if found is None:
        return None
    number = None if found[1] == "all" else int(found[1])
    if number == 0:
        raise TargetError(f"target '{word}': characters are counted from 1")
    return (CharacterQuestion(asking.class_axis, number, word),)


CHARACTER = Kind(
    "char:3",
    "a character of the line that is read; char:all each of them",
    read,
    of=("sequence",),
    example=lambda written, facts: "char:1",
)
