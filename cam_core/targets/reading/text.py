"""The line that a reader reads, or another: `text`, `text:"HELLO"`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from .alphabet import Alphabet
from .ctc import from_steps, in_steps, line_score
from .look import looked, read_line
from .slots import spelt
from .told import likely, titled
from .words import StepsTarget


@dataclass(frozen=True)
class TextTarget(ScoredTarget):
    """Y = log p(line), over all alignments (CTC, Graves et al. 2006); y are logits."""

    lines: tuple[tuple[int, ...], ...]
    """The classes of the characters: one line for all rows, or one a row."""
    blank: int = 0
    class_axis: int = 1
    asked: str = "text"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    unit = "log-probability"
    single = False

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy by forward-backward."""
        slopes = [slope for _, slope in self._each(y)]
        return from_steps(np.stack(slopes), y, self.class_axis)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return np.array([value for value, _ in self._each(y)])

    def classes(self, y: Array) -> None:
        """None: it is about no single class."""

    @property
    def probability(self) -> float | None:
        """p(line) of a single row."""
        return likely(self.detail)

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """The line."""
        return titled(self.detail)

    def _each(self, y: Array) -> list[tuple[float, Array]]:
        if not isinstance(y, np.ndarray):
            raise in_a_file(self.asked)
        steps = in_steps(y, self.class_axis)
        lines = self.lines * len(steps) if len(self.lines) == 1 else self.lines
        if len(lines) != len(steps):
            raise TargetError(f"{self.asked}: {len(lines)} lines for a batch of {len(steps)}")
        for line in lines:
            self._fits(line, *steps.shape[1:])
        return [line_score(row, line, self.blank) for row, line in zip(steps, lines, strict=True)]

    def _fits(self, line: Sequence[int], T: int, C: int) -> None:
        wrong = [c for c in line if not 0 <= c < C or c == self.blank]
        if wrong:
            raise TargetError(
                f"{self.asked}: class {wrong[0]} is no character: there are 0 to {C - 1}, "
                f"{self.blank} is the blank"
            )
        needed = len(line) + sum(a == b for a, b in pairwise(line))
        if needed > T:
            raise TargetError(
                f"{self.asked}: {len(line)} characters need {needed} steps, the picture has {T}"
            )


@dataclass(frozen=True)
class TextQuestion(AwaitingTarget):
    """The line that is read, or another."""

    class_axis: int = 1
    text: str | None = None
    """None: what the model reads."""
    asked: str = "text"

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """With the alphabet, and which class is the blank."""
        steps, alphabet = looked(seen, self.asked)
        if self.text is None:
            lines = [tuple(run.index for run in read_line(row, alphabet)) for row in steps]
        else:
            lines = [alphabet.read(self.text, self.asked)] * len(steps)
        plain = self._plain(lines, steps, alphabet)
        values = plain.score(seen.score)
        each = zip(steps, lines, values, strict=True)
        detail = tuple({"text": _line_facts(*one, alphabet)} for one in each)
        return [replace(plain, detail=detail)]

    def _plain(
        self, lines: Sequence[tuple[int, ...]], steps: Array, alphabet: Alphabet
    ) -> TextTarget | StepsTarget:
        if not alphabet.by_step and alphabet.blank is not None:
            return TextTarget(tuple(lines), alphabet.blank, self.class_axis, self.asked)
        each = zip(lines, steps, strict=True)
        chosen = tuple(spelt(line, row, alphabet, self.asked) for line, row in each)
        return StepsTarget(chosen, self.class_axis, self.asked)

    def _waits(self) -> TargetError:
        return in_a_file(self.asked)


def _line_facts(
    steps: Array, line: Sequence[int], value: float, alphabet: Alphabet
) -> dict[str, Any]:
    """What a record says of a line."""
    return {
        "line": alphabet.written(line),
        "classes": list(line),
        "probability": exp(value),
        "reads": alphabet.written([run.index for run in read_line(steps, alphabet)]),
        **alphabet.facts,
    }


def in_a_file(asked: str) -> TargetError:
    """What makes the cotangent, where it cannot be written into the file."""
    return TargetError(
        f"target '{asked}' goes over all alignments, which a file cannot hold: instrument with "
        f"target='cotangent' and feed cam_core.targets.TextTarget(((12, 7),), blank=0, "
        f"class_axis=2)(y) of the classes of its characters as cam_cotangent"
    )


def read(word: str, asking: Asking) -> tuple[ScoredTarget, ...] | None:
    """`text`, `text:"HELLO"`; quotes keep spaces at the ends."""
    kind, colon, text = word.partition(":")
    if kind != "text" or (colon and not text):
        return None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return (TextQuestion(asking.class_axis, text if colon else None, word),)


TEXT = Kind(
    "text",
    'the log-probability of the line that is read; text:"HELLO" of another',
    read,
    of=("sequence",),
)
