"""The characters of a reader, and which of its classes is the blank, or ends a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError

BLANKS = ("", "blank", "<blank>", "[blank]", "<blk>", "<b>", "<ctc>", "[ctc]", "<pad>", "[pad]")
ENDS = ("[e]", "[s]", "</s>", "<eos>", "[eos]", "eos", "<end>", "[end]", "[sep]", "<stop>")
"""How files write what ends a line."""
SILENT = (
    *("[go]", "<go>", "[b]", "<s>", "<bos>", "[bos]", "<sos>", "<start>", "[cls]", "[p]"),
    *("<pad>", "[pad]"),
)
"""How they write what starts one, and what fills one up."""
SPACES = ("<space>", "[space]", "<sp>", "▁", "|")
"""How files write a space."""
TOLD = 100
"""Characters that a refusal names."""


@dataclass(frozen=True)
class Alphabet:
    """One name a class; None: nobody knows them, and a text is written in numbers."""

    names: Sequence[str] | None
    blank: int | None
    """The class that is no character: the blank, or what ends a line; None: no class does."""
    known: str
    """In words, how it is known."""
    by_step: bool = False
    """Is each step a character, up to the end? Else the line is CTC's."""

    @classmethod
    def of(cls, names: Sequence[str] | None, steps: Array, *, by_step: bool = False) -> Alphabet:
        """By names, or by the steps; `by_step` where the names do not tell it.

        An alphabet with an end and no blank is read by step, as one that is said to be.

        Args:
            steps: logits [N, T, C].
        """
        fitting = names if names is not None and len(names) == steps.shape[-1] else None
        end = _end(fitting or ())
        if end is not None and not any(_is_blank(fitting or (), i) for i in (0, -1)):
            return cls(fitting, end, f"class {end} has that name", by_step=True)
        return cls._ended(fitting, end, steps) if by_step else cls._aligned(fitting, steps)

    @classmethod
    def _ended(cls, names: Sequence[str] | None, end: int | None, steps: Array) -> Alphabet:
        """Unnamed it is the first or the last class, where every row's last step says it."""
        last = steps.shape[-1] - 1
        blanks = [i for i in (0, last) if names is not None and _is_blank(names, i)]
        named = [i for i in (end, *blanks) if i is not None]
        if named:
            return cls(names, named[0], f"class {named[0]} has that name", by_step=True)
        said = {int(c) for c in np.argmax(steps[:, -1], axis=-1)}
        if len(said) == 1 and said <= {0, last}:
            (only,) = said
            return cls(names, only, f"the last step is of class {only}", by_step=True)
        return cls(names, None, "no class ends the line", by_step=True)

    @classmethod
    def _aligned(cls, fitting: Sequence[str] | None, steps: Array) -> Alphabet:
        """The blank is the first or the last class: by its name, else what wins at more steps."""
        last = steps.shape[-1] - 1
        for end in (0, last):
            if fitting is not None and _is_blank(fitting, end):
                return cls(fitting, end, f"class {end} has that name")
        best = np.argmax(steps, axis=-1)
        first_wins, last_wins = (int(np.sum(best == end)) for end in (0, last))
        blank = last if last_wins > first_wins else 0
        most = max(first_wins, last_wins)
        return cls(fitting, blank, f"class {blank} wins {most} of {best.size} steps")

    @property
    def silent(self) -> frozenset[int]:
        """Classes that are no character, nor end a line: what starts one, and what fills one up."""
        names = enumerate(self.names or ())
        return frozenset(i for i, name in names if name.casefold() in SILENT and i != self.blank)

    @property
    def facts(self) -> dict[str, int | str | None]:
        """What a record says of it."""
        if self.by_step:
            return {"end": self.blank, "end_known": self.known}
        return {"blank": self.blank, "blank_known": self.known}

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
        apart = {self.blank, *(self.silent if self.by_step else ())}
        names = [name for i, name in enumerate(self.names or ()) if i not in apart]
        long = [name for name in names if len(name) != 1 and name.casefold() not in SPACES]
        return bool(names) and len(long) <= len(names) // 20


def _is_blank(names: Sequence[str], i: int) -> bool:
    return names[i].casefold() in BLANKS if names else False


def _end(names: Sequence[str]) -> int | None:
    """The class with the name of an end."""
    return next((i for i, name in enumerate(names) if name.casefold() in ENDS), None)
