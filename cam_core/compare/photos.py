"""What goes into a comparison, and what comes of it, photo by photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend import Array, Inputs
from ..looking import Looks
from ..plural import counted
from ..region import Region
from ..targets import Placed, ScoredTarget
from ..targets import Seen as Shown


@dataclass(frozen=True)
class Photo:
    """One photo as both models take it, a row each."""

    name: str
    a: Inputs
    b: Inputs
    noisy: Callable[[], Inputs] | None = None
    """Makes A's input of the same photo with one grey level of noise."""
    placement: Placed | None = None
    index: int = 0
    """Its place among all."""
    noisy_b: Callable[[], Inputs] | None = None
    """The same of B."""
    stem: str = ""
    """What its recording is called."""
    sha256: str = ""
    """Of the input, where two recordings are all there is of it, and neither a nor b."""


NO_INPUT = np.zeros((0,), np.float32)
"""Of a photo that only recordings know."""


def of_hash(name: str, sha256: str, index: int) -> Photo:
    """A photo of which there is no more than what was recorded."""
    return Photo(name, NO_INPUT, NO_INPUT, index=index, stem=name, sha256=sha256)


@dataclass(frozen=True)
class Answer:
    """What a model says of a photo."""

    index: int
    """In its own numbering."""
    label: str
    score: float


@dataclass(frozen=True, eq=False)
class Seen:
    """One map of one model."""

    signed: Array
    """[*S] at layer resolution."""
    raw_max: float
    floor: float
    """Below this it is rounding noise."""
    region: Region | None
    diagnosis: str
    channels: Array | None = None
    """`maps.channels.sketch` of what each channel adds to it, where audits ask for that."""

    @property
    def blank(self) -> bool:
        """Is there nothing to show?"""
        return not self.raw_max > self.floor


@dataclass(frozen=True, eq=False)
class Lone:
    """A box that one model alone has."""

    kind: str
    """`misses` of A's alone, `ghosts` of B's."""
    facts: Mapping[str, Any]
    """As `boxes_record` has it: the box, and why the other has none."""
    maps: tuple[Seen, Seen]
    """Of A and of B: of the box, and of the anchor that lies there best in the other."""
    spearman: float
    """How alike they are."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What comes of one photo."""

    name: str
    target: str
    """What both maps are about."""
    sha256: tuple[str, str]
    """Of the bytes that A and B were fed."""
    answers: tuple[Answer, Answer] | None
    """The top classes; None of a score that has none."""
    flips: bool
    scores: tuple[float, float]
    """Y of both."""
    maps: tuple[Seen, Seen]
    measures: Mapping[str, float]
    """By name, as in MEASURES, and `gain`."""
    of_answer: Mapping[str, float] = field(default_factory=dict)
    """The same for B's answer, where that is another."""
    answer_maps: tuple[Seen, Seen] | None = None
    """Both maps of that."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """Agreement of A's map with others, where this photo is one of the sample."""
    index: int = 0
    """Its place among all photos."""
    boxes: Mapping[str, Any] | None = None
    """Of detectors: `boxes.boxes_record`."""
    lone: Sequence[Lone] = ()
    """Those of one model alone that are explained."""

    alike: bool = False
    """Were both fed the same numbers, by other names or as rows of another batch?"""

    @property
    def fed_alike(self) -> bool:
        """Were both fed the same bytes?"""
        return self.alike or self.sha256[0] == self.sha256[1]

    @property
    def boxes_differ(self) -> bool:
        """Has one detector a box that the other has not?"""
        return self.boxes is not None and bool(self.boxes["misses"] or self.boxes["ghosts"])


def distinct(pairs: Sequence[Pair]) -> list[Pair]:
    """Without those of inputs that came before: a photo twice is no second witness."""
    met = set[tuple[str, str]]()
    found = []
    for pair in pairs:
        if pair.sha256 not in met or not any(pair.sha256):
            found.append(pair)
        met.add(pair.sha256)
    return found


def fed_said(pairs: Sequence[Pair]) -> list[str]:
    """A line where both models were fed other bytes, and where photos are copies of others."""
    of = counted(len(pairs), "photo")
    apart = sum(not pair.fed_alike for pair in pairs)
    copies = len(pairs) - len(distinct(pairs))
    lines = [
        (apart, f"A and B were fed other bytes ({apart} of {of})"),
        (copies, f"{copies} of {of} are copies of others, and count once in the verdict"),
    ]
    return [text for count, text in lines if count]


@dataclass(frozen=True, eq=False)
class Batch:
    """Photos that were explained together, with what a sample of them is asked besides."""

    pairs: list[Pair]
    looks: tuple[Looks | None, Looks | None]
    """None of a recording."""
    targets: tuple[ScoredTarget, ScoredTarget]
    """Settled, of A and of B."""
    signed: Array
    """A's maps [N, *S], as they are compared; B's where A is a recording."""
    scores: tuple[Array, Array]
    """[N, C] of both."""
    photos: Sequence[Photo] = ()
    """Those of the pairs."""
    seen: tuple[Shown, Shown] | None = None
    """What both models show of a single photo."""
