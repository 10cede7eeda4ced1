"""The characters of a reader, and which of its classes is the blank."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError

BLANKS = ("", "blank", "<blank>", "[blank]", "<blk>", "<b>", "<ctc>", "[ctc]", "<pad>", "[pad]")
SPACES = ("<space>", "[space]", "<sp>", "▁", "|")
"""How files write a space."""
TOLD = 100
"""Characters that a refusal names."""


@dataclass(frozen=True)
class Alphabet:
    """One name a class; None: nobody knows them, and a text is written in numbers."""

    names: Sequence[str] | None
    blank: int
    known: str
    """In words, how the blank is known."""

    @classmethod
    def of(cls, names: Sequence[str] | None, steps: Array) -> Alphabet:
        """The blank is the first or the last class: by its name, else what wins at more steps.

        Args:
            steps: logits [N, T, C].
        """
        last = steps.shape[-1] - 1
        fitting = names if names is not None and len(names) == last + 1 else None
        for end in (0, last) if fitting is not None else ():
            if fitting[end].casefold() in BLANKS:  # type: ignore[index]
                return cls(fitting, end, f"class {end} has that name")
        best = np.argmax(steps, axis=-1)
        first_wins, last_wins = (int(np.sum(best == end)) for end in (0, last))
        blank = last if last_wins > first_wins else 0
        most = max(first_wins, last_wins)
        return cls(fitting, blank, f"class {blank} wins {most} of {best.size} steps")

    def shown(self, index: int) -> str:
        """A character, or its number."""
        if self.names is None:
            return str(index)
        name = self.names[index]
        return " " if name.casefold() in SPACES and " " not in self.names else name

    def written(self, line: Sequence[int]) -> str:
        """A text as people read it; names longer than a character, and numbers, apart."""
        return ("" if self._letters else " ").join(map(self.shown, line))

    def read(self, text: str, asked: str) -> tuple[int, ...]:
        """The classes of a text that somebody wrote.

        Raises:
            TargetError: it has what the alphabet lacks.
        """
        if self.names is None:
            return self._numbers(text, asked)
        known = {self.shown(c): c for c in reversed(range(len(self.names))) if c != self.blank}
        words = list(text) if self._letters else text.split()
        lacking = [word for word in dict.fromkeys(words) if word not in known]
        if lacking:
            have = "".join(known) if self._letters else " ".join(known)
            have = have if len(have) <= TOLD else f"{have[:TOLD]} and more"
            raise TargetError(
                f"{asked}: the alphabet has no {', '.join(map(repr, lacking))}; it has {have}"
            )
        return tuple(known[word] for word in words)

    def _numbers(self, text: str, asked: str) -> tuple[int, ...]:
        if not re.fullmatch(r"\d+(?:[ ,]+\d+)*", text):
            raise TargetError(
                f"{asked}: the alphabet is unknown: give it as labels, one character a line, or "
                f"write the text in class numbers ({asked.partition(':')[0]}:12,7,7)"
            )
        return tuple(int(number) for number in re.split("[ ,]+", text))

    @property
    def _letters(self) -> bool:
        names = [name for i, name in enumerate(self.names or ()) if i != self.blank]
        long = [name for name in names if len(name) != 1 and name.casefold() not in SPACES]
        return bool(names) and len(long) <= len(names) // 20
