"""From whatever names a target to the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Target
from ..errors import TargetError
from ..head import Head
from .asking import Asking
from .classes.one_class import ClassTarget
from .cotangent import CotangentTarget
from .labels import find_class, plain
from .table import TARGETS, taken
from .target import ScoredTarget

ANYTHING = Asking()
USUAL: dict[str, tuple[str, str]] = {
    "boxes": ("-1", "top:3"),
    "caption": ("words", "words"),
    "regression": ("value", "value"),
    "binary": ("value", "value"),
    "embedding": ("norm", "norm"),
    "dense classes": ("region", "region"),
    "picture": ("mean", "mean"),
    "sequence": ("text", "char:all"),
}
"""By kind of head, what is asked where nobody says: (of one target, of several)."""


class Question(NamedTuple):
    """One text, read."""

    text: str
    """As it would be written without labels."""
    targets: tuple[ScoredTarget, ...]
    several: bool
    """Does it ask for several, be it only one now? See `Kind`."""


def read_target(text: str, asking: Asking = ANYTHING) -> Question:
    """What a user wrote, by the row of TARGETS that takes it."""
    word = text.strip()
    kind, found = taken(word, asking)
    name = next(name for name, row in TARGETS.items() if row is kind)
    said = f"{name}:{len(found)}" if kind.several else found[0].label
    return Question(said, found, kind.several)


def parse_target(
    text: str,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
    head: Head | None = None,
) -> tuple[ScoredTarget, ...]:
    """What a user wrote -> one target, or k for top:k; docs/targets.md has the whole grammar.

    `243` a class (-1 the top one), `tiger cat` a label, `top:3` the three best, `prob:243` a
    probability, `243-282` or `tiger cat - beagle` the first against the second, `-243` what speaks
    against it, `3,5,1` one class a row, `value` a regression's, `out:NAME[3]` any output's number.

    Args:
        labels: the names of the classes.
        class_axis: where they are in the score.
        head: what the score is: of a detector a class is its best box.
    """
    return read_target(text, Asking(labels, class_axis, head)).targets


def as_target(
    value: ScoredTarget | Target | int | str | Sequence[int] | None,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
    head: Head | None = None,
) -> ScoredTarget:
    """One target from whatever names it: text, a class, classes, a target; None: the usual one."""
    asking = Asking(labels, class_axis, head)
    if value is None or isinstance(value, str):
        text = usual(asking)[0] if value is None else value
        found = read_target(text, asking).targets
        if len(found) > 1:
            raise TargetError(f"target '{text}' is {len(found)} targets: explain them one by one")
        return found[0]
    if callable(value):
        return value if isinstance(value, ScoredTarget) else CotangentTarget(value)
    index = plain([find_class(c, labels) if isinstance(c, str) else c for c in _listed(value)])
    if isinstance(value, Sequence | np.ndarray):
        return _one_a_row(index, asking)
    (only,) = (index,) if isinstance(index, int) else index
    if only < -1:  # written so, it would speak against a class
        return ClassTarget(only, class_axis)
    return read_target(str(only), asking).targets[0]


def _one_a_row(index: int | tuple[int, ...], asking: Asking) -> ClassTarget:
    """One class a row, where a class is a class."""
    first = index[0] if isinstance(index, tuple) and index else -1
    one = read_target(str(first), asking).targets[0] if first >= 0 else None
    if one is not None and not isinstance(one, ClassTarget):
        listed = [index] if isinstance(index, int) else list(index)
        raise TargetError(
            f"classes {listed}: one class a row is asked of class scores; here explain the rows "
            f"one by one, each with '{first}'"
        )
    return ClassTarget(index, asking.class_axis)


def _listed(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, Sequence | np.ndarray) else [value]


def usual(asking: Asking) -> tuple[str, str]:
    """What is asked of such a score where nobody says: (of one target, of several)."""
    return USUAL.get(asking.kind, ("-1", "-1"))
