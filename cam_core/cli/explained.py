"""What was explained of one sample: the line of the table, the map, and what shares a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from cam_core.explanation import Explanation
from cam_core.head import ENTRY
from cam_core.targets import ScoredTarget

from .inputs.samples import Sample
from .naming import Top, file_name

NOTHING = np.empty(0)
"""What is left of the input of a picture that was explained."""


@dataclass(frozen=True)
class Row:
    """What the table says of one sample and target."""

    image: str
    target: str
    """The class index, or the target in words where it is about no single class."""
    label: str
    score: float
    probability: float | None
    """None where the model makes none of its score."""
    raw_max: float
    diagnosis: str
    stem: str
    """The name of the files, without what says their kind."""
    top: Top
    """The best classes of the sample; none of a dense score."""
    layer: str
    preprocessing: str
    entry: str = ENTRY
    """What one number of the score is called."""
    reads: str = ""
    """The line that a reader reads; '' of anything else."""
    picture: str = ""
    """The name of the one picture of all characters of a line; '' where each target has its own."""
    joint: tuple[str, ...] = ()
    """The names of the files that all of its question share, as `stem`."""
    sheet: str = ""
    """The name of the picture with the maps of all methods; '' of one method, and of no photo."""
    layered: bool = True
    """Is its map of a layer? That of the input, or of the attention, is not."""
    chosen: str = ""
    """What `auto` or `best` turned out to be; '' of a method that was named."""


@dataclass(frozen=True)
class Beside:
    """A second picture that a target is about as well, with a map of its own."""

    sample: Sample
    explanation: Explanation


Key = tuple[str, str, int | None]
"""A target, a method, and which of several layers."""
Unit = tuple[str, str]
"""That of the target, and the method."""


class Share(NamedTuple):
    """A part in a picture that all targets of one question share."""

    kind: str
    """What `ScoredTarget.together` says."""
    label: str
    """The question."""
    place: int
    """Which of its targets."""


ALL_IN_ONE = {"versus"}
"""Kinds whose targets have no files of their own."""


@dataclass(frozen=True)
class Explained:
    """One target of one sample."""

    row: Row
    explanation: Explanation
    unit: Unit
    """What the map is measured in: maps of one unit may share their colours."""
    beside: Beside | None = None
    shares: tuple[Share, ...] = ()
    alone: bool = True
    """Has it files of its own?"""

    @property
    def method(self) -> str:
        """As it was asked for: `auto` may be another in the explanation."""
        return self.unit[1]


def of_layer(explanation: Explanation) -> str:
    """What tells the files of one of several layers."""
    return f".{file_name(explanation.layer)}"


def line_of(detail: Sequence[Mapping[str, Any]]) -> str:
    """The line that a reader reads, where a target is about one."""
    facts = detail[0] if detail else {}
    text, character = facts.get("text"), facts.get("char")
    return str(text["reads"] if text else character["line"] if character else "")


def shared(
    question: ScoredTarget, place: int, one: Explained, known: Explained | None
) -> Explained:
    """An explanation with its part in what a question shares; known: as another found it."""
    before = () if known is None else known.shares
    own = (Share(question.together, question.label, place),) if question.together else ()
    alone = question.together not in ALL_IN_ONE or (known is not None and known.alone)
    return replace(one if known is None else known, shares=(*before, *own), alone=alone)
