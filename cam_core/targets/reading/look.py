"""What is seen of a reader: its steps, its alphabet, the line that it reads."""

from __future__ import annotations

from ...backend import Array
from ...errors import TargetError
from ..asking import Seen
from .alphabet import Alphabet
from .ctc import Run, best_path, in_steps, runs
from .slots import read_slots

READER = "reader"
"""What the metadata may say of how a line is read: `ctc`, or `steps` up to an end."""


def looked(seen: Seen, asked: str) -> tuple[Array, Alphabet]:
    """Logits [N, T, C] and what is known of the classes."""
    head = seen.asking.head
    said = seen.metadata.get(READER, "").casefold()
    if head is not None and head.kind != "sequence" and said not in ("steps", "ctc"):
        raise TargetError(
            f"target '{asked}' asks for a text, and the model gives {head.kind}; a reader says so "
            f"in its metadata ('{READER}': 'steps', or 'ctc')"
        )
    steps = in_steps(seen.score, seen.asking.class_axis)
    by_step = said == "steps" or (said != "ctc" and head is not None and head.by_step)
    return steps, Alphabet.of(seen.asking.labels, steps, by_step=by_step)


def read_line(steps: Array, alphabet: Alphabet) -> list[Run]:
    """The greedy line: steps are [T, C]."""
    if alphabet.by_step or alphabet.blank is None:
        return read_slots(steps, alphabet)
    return runs(best_path(steps), alphabet.blank)
