"""The words that a model reads or writes as numbers, as its own metadata lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..foreign import MOST_CLASSES, UNREADABLE, from_json

KEY = "vocabulary"
"""In the metadata: a JSON list, the word of each number."""
STARTS = ("<start>", "<s>", "<bos>", "<sos>", "[CLS]")
ENDS = ("<end>", "</s>", "<eos>", "[SEP]")
PADS = ("<pad>", "[PAD]")


@dataclass(frozen=True)
class Vocabulary:
    """Words by number."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Vocabulary | None:
        """That of a model; None where it states none."""
        try:
            found = from_json(metadata.get(KEY, "null"))
        except UNREADABLE:  # somebody else's `vocabulary`
            return None
        listed = isinstance(found, list) and all(isinstance(word, str) for word in found)
        return cls(tuple(found)) if listed and 0 < len(found) < MOST_CLASSES else None

    @property
    def start(self) -> int | None:
        """What stands before the first word of a text."""
        return self._first(STARTS)

    @property
    def end(self) -> int | None:
        """What stands behind the last."""
        return self._first(ENDS)

    @property
    def pad(self) -> int | None:
        """What fills a shorter text."""
        return self._first(PADS)

    @property
    def shown(self) -> str:
        """Some of its words, for a message."""
        words = ", ".join(word for word in self.words if not self._mark(word))
        return words[:120] + (" ..." if len(words) > 120 else "")

    def encode(self, text: str) -> list[int]:
        """The numbers of words with spaces between them.

        Raises:
            InputError: a word that is not in it.
        """
        numbers = {word.casefold(): i for i, word in reversed([*enumerate(self.words)])}
        found = [numbers.get(word.casefold()) for word in text.split()]
        for word, number in zip(text.split(), found, strict=True):
            if number is None:
                raise InputError(f"the model has no word '{word}'; it has {self.shown}")
        return [number for number in found if number is not None]

    def decode(self, numbers: Sequence[int]) -> str:
        """The words of numbers, marks left out."""
        known = (self.words[n] for n in numbers if 0 <= n < len(self.words))
        return " ".join(word for word in known if not self._mark(word))

    def _first(self, spellings: Sequence[str]) -> int | None:
        return next((self.words.index(s) for s in spellings if s in self.words), None)

    def _mark(self, word: str) -> bool:
        return word in (*STARTS, *ENDS, *PADS)
