"""Lines of readers that give one character a step and then an end: by attention, or by slots.

PARSeq (Bautista and Atienza 2022), ViTSTR (Atienza 2021) and ABINet (Fang et al. 2021) end so. The
steps are independent given the picture, so that p(line) is the product of its characters' and of
the end's behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...backend import Array
from ...errors import TargetError
from .alphabet import Alphabet
from .ctc import Run, best_path


def read_slots(steps: Array, alphabet: Alphabet) -> list[Run]:
    """The likeliest character of each step [T, C], up to the end."""
    found = []
    for t, index in enumerate(best_path(steps)):
        if index == alphabet.blank:
            break
        if index not in alphabet.silent:
            found.append(Run(index, t, t + 1))
    return found


def spelt(
    line: Sequence[int], steps: Array, alphabet: Alphabet, asked: str
) -> tuple[tuple[int, int], ...]:
    """(step, class) of each character of a line, and of the end where a step is left for it.

    It begins where the model's own line does: some say first that a line starts.

    Raises:
        TargetError: a class is no character, or there are more characters than steps.
    """
    T, C = steps.shape
    wrong = [c for c in line if not 0 <= c < C or c == alphabet.blank]
    if wrong:
        end = "none" if alphabet.blank is None else alphabet.blank
        raise TargetError(
            f"{asked}: class {wrong[0]} is no character: there are 0 to {C - 1}, {end} is the end"
        )
    starts = best_path(steps)
    first = next((t for t, c in enumerate(starts) if c not in alphabet.silent), 0)
    if first + len(line) > T:
        raise TargetError(f"{asked}: {len(line)} characters, and the model has {T - first} steps")
    chosen = [(first + i, c) for i, c in enumerate(line)]
    if alphabet.blank is not None and first + len(line) < T:
        chosen.append((first + len(line), alphabet.blank))
    return tuple(chosen)
