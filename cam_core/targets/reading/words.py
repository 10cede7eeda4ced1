"""The words of a caption: `words:"red circle"`, each at the step that predicts it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import InputError, NothingFoundError, TargetError
from ...sources.vocabulary import Vocabulary
from ..asking import Asking, Seen
from ..labels import find_class
from ..scores import find_axis, in_double, per_row
from ..target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from .ctc import from_steps, in_steps, log_softmax
from .told import likely, titled

Chosen = tuple[tuple[int, int], ...]
"""(step, word), several of them."""


@dataclass(frozen=True)
class StepsTarget(ScoredTarget):
    """Y = sum over chosen steps t of log softmax(y_t)^w: the log-probability of words.

    y is [N, T, V], or [N, V, T] with `class_axis=1`.
    """

    chosen: tuple[Chosen, ...]
    """Of each row, or of all."""
    class_axis: int = 2
    asked: str = "words"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    unit = "log-probability"
    single = False

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: at each chosen step 1 at the word, less the softmax."""
        there, axis = self._there(y), find_axis(y, self.class_axis)
        slope: Array = there - np.sum(there, axis=axis, keepdims=True) * np.exp(self._log_p(y))
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(self._log_p(y) * self._there(y))

    def classes(self, y: Array) -> None:
        """None: it is about several."""

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """The caption, or the line, of a single row."""
        return titled(self.detail)

    @property
    def probability(self) -> float | None:
        """p(line) of a single row of a reader."""
        return likely(self.detail)

    def _log_p(self, y: Array) -> Array:
        """Of each word of each step, of y's shape."""
        axis = find_axis(y, self.class_axis)
        return np.moveaxis(log_softmax(np.moveaxis(in_double(y), axis, -1)), -1, axis)

    def _there(self, y: Array) -> Array:
        """How often each word of each step is asked for, of y's shape."""
        steps = np.zeros_like(in_steps(y, self.class_axis))
        rows = self.chosen if len(self.chosen) == len(y) else self.chosen * len(y)
        for n, row in enumerate(rows):
            for step, word in row:
                steps[n, step, word] += 1
        return from_steps(steps, y, self.class_axis).astype(np.float64)


@dataclass(frozen=True)
class WordsTarget(AwaitingTarget):
    """The words that the model was fed, all of them or a phrase, where they are predicted."""

    text: str = ""
    """'' is the whole caption."""
    class_axis: int = 2

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"words:{self.text}" if self.text else "words"

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The steps that predict them: step t is about word t + 1 of what was fed."""
        vocabulary, fed = _vocabulary(seen, self.label), _fed(seen, self.label)
        try:
            wanted = vocabulary.encode(self.text)
        except InputError as error:
            raise TargetError(f"target '{self.label}': {error}") from error
        rows = [self._steps(row.tolist(), wanted, vocabulary) for row in fed]
        detail = [{"caption": vocabulary.decode(row.tolist())} for row in fed]
        return [StepsTarget(tuple(rows), self.class_axis, self.label, tuple(detail))]

    def _steps(self, fed: list[int], wanted: list[int], vocabulary: Vocabulary) -> Chosen:
        if not wanted:
            marks = {vocabulary.start, vocabulary.pad}
            return tuple((t, word) for t, word in enumerate(fed[1:]) if word not in marks)
        count = len(wanted)
        at = next((t for t in range(1, len(fed)) if fed[t : t + count] == wanted), None)
        if at is None:
            raise NothingFoundError(
                f"target '{self.label}': the caption is '{vocabulary.decode(fed)}', which has not "
                f"these words side by side; give another caption with --input, or ask for its words"
            )
        return tuple((at - 1 + i, word) for i, word in enumerate(wanted))


def _vocabulary(seen: Seen, label: str) -> Vocabulary:
    found = Vocabulary.of(seen.metadata)
    if found is None or seen.score.ndim != 3:
        raise TargetError(
            f"target '{label}' asks for words, and the model's metadata lists no vocabulary (a "
            f"JSON list under 'vocabulary') for a score [N, steps, words]"
        )
    return found


def _fed(seen: Seen, label: str) -> Array:
    """The numbers of the words that were fed [N, T]."""
    steps = seen.score.shape[3 - find_axis(seen.score, seen.asking.class_axis)]
    for array in seen.inputs.values():
        if array.dtype.kind in "iu" and array.ndim == 2 and array.shape[1] == steps:
            return array
    raise TargetError(f"target '{label}': no input holds the words of {steps} steps")


def read(word: str, asking: Asking) -> tuple[WordsTarget] | None:
    """`words` or `words:"red circle"`."""
    found = re.fullmatch(r"words(?::(.+))?", word)
    if found is None:
        _require_class(word, asking)
        return None
    text = (found[1] or "").strip().strip("\"'").strip()
    return (WordsTarget(text, asking.class_axis),)


def _require_class(word: str, asking: Asking) -> None:
    """Refuses plain words of a caption that are no label: each is asked for at its step."""
    plain = re.fullmatch(r"(?!top$)[^\W\d]+( [^\W\d]+)*:?", word)
    if asking.kind != "caption" or plain is None:
        return
    try:
        find_class(word, asking.labels)
    except TargetError:
        text = "red circle" if word.endswith(":") else word
        raise TargetError(
            f"target '{word}': a caption is asked for its words, as 'words' or words:\"{text}\""
        ) from None


WORDS = Kind(
    'words:"red circle"',
    "the words of a caption, each at the step that says it",
    read,
    of=("caption",),
    example=lambda written, facts: "words",
)
