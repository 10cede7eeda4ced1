"""From whatever names a target to the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..backend import Target
from ..errors import TargetError
from ..head import Head
from .asking import Asking
from .cotangent import CotangentTarget
from .labels import plain
from .one_class import ClassTarget
from .table import TARGETS
from .target import ScoredTarget

ANYTHING = Asking()
USUAL: dict[str, tuple[str, str]] = {
    "boxes": ("-1", "top:3"),
    "caption": ("words", "words"),
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
    for name, kind in reversed(TARGETS.items()):
        found = kind.read(word, asking)
        if found is not None:
            said = f"{name}:{len(found)}" if kind.several else found[0].label
            return Question(said, found, kind.several)
    raise AssertionError("any text is a class")


def parse_target(
    text: str,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
    head: Head | None = None,
) -> tuple[ScoredTarget, ...]:
    """What a user wrote -> one target, or k for top:k; docs/targets.md has the whole grammar.

    `243` a class (-1 the top one), `tiger cat` a label, `top:3` the three best, `prob:243` a
    probability, `243-282` or `tiger cat - beagle` the first against the second.

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
    index = plain(value)
    if isinstance(index, int):
        return read_target(str(index), asking).targets[0]
    one = read_target(str(index[0]), asking).targets[0] if index else None
    if one is not None and not isinstance(one, ClassTarget):
        raise TargetError(
            f"classes {list(index)}: one class a row is asked of class scores; "
            f"here explain the rows one by one, each with '{index[0]}'"
        )
    return ClassTarget(index, class_axis)


def usual(asking: Asking) -> tuple[str, str]:
    """What is asked of such a score where nobody says: (of one target, of several)."""
    return USUAL.get(asking.kind, ("-1", "-1"))
