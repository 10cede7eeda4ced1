"""From whatever names a target to the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..backend import Target
from ..errors import TargetError
from .cotangent import CotangentTarget
from .labels import plain
from .one_class import ClassTarget
from .table import TARGETS
from .target import ScoredTarget


class Question(NamedTuple):
    """One text, read."""

    text: str
    """As it would be written without labels."""
    targets: tuple[ScoredTarget, ...]
    several: bool
    """Does it ask for several, be it only one now? See `Kind`."""


def read_target(text: str, labels: Sequence[str] | None = None, *, class_axis: int = 1) -> Question:
    """What a user wrote, by the row of TARGETS that takes it."""
    word = text.strip()
    for name, kind in reversed(TARGETS.items()):
        found = kind.read(word, labels, class_axis)
        if found is not None:
            said = f"{name}:{len(found)}" if kind.several else found[0].label
            return Question(said, found, kind.several)
    raise AssertionError("any text is a class")


def parse_target(
    text: str, labels: Sequence[str] | None = None, *, class_axis: int = 1
) -> tuple[ScoredTarget, ...]:
    """What a user wrote -> one target, or k for top:k.

    `243` a class (-1 the top one), `tiger cat` a label, `top:3` the three best, `prob:243` a
    probability, `243-282` or `tiger cat - beagle` the first against the second.
    """
    return read_target(text, labels, class_axis=class_axis).targets


def as_target(
    value: ScoredTarget | Target | int | str | Sequence[int] | None,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
) -> ScoredTarget:
    """One target from whatever names it: None (the top class), class, classes, text, target."""
    if isinstance(value, str):
        found = parse_target(value, labels, class_axis=class_axis)
        if len(found) > 1:
            raise TargetError(f"target '{value}' is {len(found)} targets: explain them one by one")
        return found[0]
    if callable(value):
        return value if isinstance(value, ScoredTarget) else CotangentTarget(value)
    return ClassTarget(-1 if value is None else plain(value), class_axis)
