"""Inputs that are words: a text for --input, or the caption that the model writes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError
from cam_core.head import head_of
from cam_core.sources.vocabulary import Vocabulary

LONGEST = 64
"""Words that are written where the model says no end."""


def reads_words(info: InputInfo) -> bool:
    """Whole numbers [N, steps]?"""
    return info.dtype.kind in "iu" and len(info.shape) == 2


def encoded(text: str, info: InputInfo, backend: Backend) -> Array:
    """A text as the model takes it [1, T].

    A captioner gets its start before it; a fixed length is filled with padding.

    Raises:
        InputError: the model lists no vocabulary, has not one of the words, or takes fewer.
    """
    vocabulary = Vocabulary.of(backend.metadata)
    if vocabulary is None:
        raise InputError(
            f"--input '{info.name}={text}': no such file, and the model's metadata lists no "
            "vocabulary to read it as a text: give its numbers as .npy"
        )
    numbers = vocabulary.encode(text)
    if writes(backend) and vocabulary.start is not None:
        numbers = [vocabulary.start, *numbers]
    return np.array([_filled(numbers, info, vocabulary)], info.dtype)


def writes(backend: Backend) -> bool:
    """Does the model give the next word at each step?"""
    head = head_of(backend)
    return head is not None and head.kind == "caption"


def _filled(numbers: Sequence[int], info: InputInfo, vocabulary: Vocabulary) -> list[int]:
    length = info.shape[1]
    if not isinstance(length, int):
        return list(numbers)
    if len(numbers) > length:
        raise InputError(f"input '{info.name}' takes {length} words, the text has {len(numbers)}")
    if len(numbers) < length and vocabulary.pad is None:
        raise InputError(
            f"input '{info.name}' takes {length} words, the text has {len(numbers)}, and the "
            "vocabulary has no <pad> to fill it: give the numbers as .npy"
        )
    return [*numbers, *([vocabulary.pad or 0] * (length - len(numbers)))]


@dataclass(frozen=True)
class Writer:
    """Writes the caption: at each step the likeliest next word (greedy search)."""

    backend: Backend
    info: InputInfo
    vocabulary: Vocabulary

    @classmethod
    def of(cls, backend: Backend, info: InputInfo) -> Writer | None:
        """That of a captioner that lists its words and any number of steps; else None."""
        vocabulary = Vocabulary.of(backend.metadata)
        known = vocabulary is not None and vocabulary.start is not None
        free = reads_words(info) and not isinstance(info.shape[1], int)
        if vocabulary is None or not known or not free or not writes(backend):
            return None
        return cls(backend, info, vocabulary)

    def __call__(self, feed: Mapping[str, Array]) -> Array:
        """The words [1, T] for the other inputs: what the model was fed when it said the last."""
        numbers = [self.vocabulary.start or 0]
        while len(numbers) < LONGEST:
            given = np.array([numbers], self.info.dtype)
            score = self.backend.look({**feed, self.info.name: given}, layers=()).score[0]
            steps = score if self.backend.class_axis % 3 == 2 else score.T
            word = int(steps[-1].argmax())
            if word == self.vocabulary.end:
                break
            numbers.append(word)
        return np.array([numbers], self.info.dtype)
