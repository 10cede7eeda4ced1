"""Captions of two things: "the red circle above the blue square", as numbers of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from examples.coloured import COLOURS, OUTLINES
from examples.demo.scenes import Thing

VOCABULARY = (
    *("<pad>", "<start>", "<end>", "the"),
    *COLOURS,
    *OUTLINES,
    *("above", "below", "left", "right", "of"),
)
LENGTH = 10
"""Words of the longest caption, <start> and <end> among them, less the last."""


def relation(first: Thing, second: Thing) -> str:
    """Where the first is, seen from the second: by the longer of the two distances."""
    dx, dy = np.subtract(centre(first), centre(second))
    if abs(dx) > abs(dy):
        return "left of" if dx < 0 else "right of"
    return "above" if dy < 0 else "below"


def centre(thing: Thing) -> tuple[float, float]:
    """x and y of a thing, in pixels."""
    left, top, right, bottom = thing.box
    return (left + right) / 2, (top + bottom) / 2


def caption(first: Thing, second: Thing) -> str:
    """As a person would begin with the first."""
    return f"the {first.label} {relation(first, second)} the {second.label}"


def numbers(text: str) -> NDArray[np.int64]:
    """<start>, the words, <end>, and <pad> up to LENGTH + 1 [11]."""
    words = ["<start>", *text.split(), "<end>"]
    words += ["<pad>"] * (LENGTH + 1 - len(words))
    return np.array([VOCABULARY.index(word) for word in words])


def steps(text: str, phrase: str) -> Sequence[int]:
    """Where the words of the phrase are predicted: step t of the logits is about word t + 1."""
    words, wanted = text.split(), phrase.split()
    begins = next(i for i in range(len(words)) if words[i : i + len(wanted)] == wanted)
    return range(begins, begins + len(wanted))
