"""Questions as one writes them to a certain model: of a class that it has, of a keypoint it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .asking import Asking, Placed


@dataclass(frozen=True)
class Facts:
    """What is known of a model, and perhaps of a picture."""

    asking: Asking
    count: int | None = None
    """How many classes the score has; None: that is open, or each box says its own."""
    shapes: Mapping[str, Sequence[int | str | None]] = field(default_factory=dict)
    """Of all inputs; a str or None is an open extent."""
    outputs: Sequence[str] = ()
    """Those with a derivative."""
    placement: Placed | None = None
    """Where a photo lies in the input; None: there is no photo."""


Example = Callable[[str, Facts], str | None]
"""(as documentation writes a question, the facts) -> as one writes it to that model.

None: it has no answer to such a question.
"""


def as_written(written: str, facts: Facts) -> str:
    """Whatever the model is."""
    return written


def as_classes(written: str, facts: Facts) -> str | None:
    """Its numbers are classes, all of them others where it lacks one: of six 243-282 is 5-4."""
    wanted = [int(number) for number in re.findall(r"\d+", written)]
    if facts.count is not None and facts.count < len(wanted):
        return None
    if facts.count is not None and facts.count > max(wanted, default=-1):
        return written
    found = iter([str(a_class(facts, max(wanted), i)) for i in range(len(wanted))])
    return re.sub(r"\d+", lambda _: next(found), written)


def among_others(written: str, facts: Facts) -> str | None:
    """The same of a class that is compared with others: there are two or more."""
    single = facts.count is not None and facts.count < 2
    return None if single else as_classes(written, facts)


def at_places(written: str, facts: Facts) -> str | None:
    """The same of a score of which it is known where it lies."""
    head = facts.asking.head
    return None if head is not None and head.places is None else as_classes(written, facts)


def a_class(facts: Facts, wanted: int, which: int = 0) -> int:
    """The one that is wanted, or the last but `which`; of an open number of classes the first."""
    if facts.count is None:
        return which
    return wanted if wanted < facts.count else facts.count - 1 - which
