"""What is seen of a reader: its steps, its alphabet, the line that it reads."""

from __future__ import annotations

from ...backend import Array
from ...errors import TargetError
from ..asking import Seen
from .alphabet import Alphabet
from .ctc import Run, best_path, in_steps, runs


def looked(seen: Seen, asked: str) -> tuple[Array, Alphabet]:
    """Logits [N, T, C] and what is known of the classes."""
    head = seen.asking.head
    if head is not None and head.kind != "sequence":
        raise TargetError(f"target '{asked}' asks for a text, and the model gives {head.kind}")
    steps = in_steps(seen.score, seen.asking.class_axis)
    return steps, Alphabet.of(seen.asking.labels, steps)


def read_line(steps: Array, alphabet: Alphabet) -> list[Run]:
    """The greedy line: steps are [T, C]."""
    return runs(best_path(steps), alphabet.blank)
