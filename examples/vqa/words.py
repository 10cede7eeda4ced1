"""Questions about one thing of a scene, and their answers, as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from examples.coloured import COLOURS, OUTLINES
from examples.demo.scenes import Thing

VOCABULARY = ("<pad>", "what", "colour", "shape", "is", "the", "thing", "?", *COLOURS, *OUTLINES)
ANSWERS = (*COLOURS, *OUTLINES)
LENGTH = 7
"""Words of the longest question."""


def questions(thing: Thing) -> dict[str, str]:
    """Question -> answer: its colour by its shape, its shape by its colour."""
    colour, shape = thing.label.split()
    return {
        f"what colour is the {shape} ?": colour,
        f"what shape is the {colour} thing ?": shape,
    }


def numbers(text: str) -> NDArray[np.int64]:
    """The words, and <pad> up to LENGTH [7]."""
    words = text.split()
    words += ["<pad>"] * (LENGTH - len(words))
    return np.array([VOCABULARY.index(word) for word in words])
