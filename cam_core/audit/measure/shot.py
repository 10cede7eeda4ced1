"""One photo with all that is known of it before it becomes a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...backend import Array
from ...compare.photos import Answer, Pair, Photo, Seen
from ...sources.boxes import is_of
from ..data import Item, Size, Thing
from .energy import Energies, energies
from .picture import Look, look_of
from .stats import stats_of

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo as the models take it, and what it is like; its pixels are not kept."""

    item: Item
    photo: Photo
    size: Size | None = None
    """Height and width; None of what is no photo."""
    look: Look = field(default_factory=Look)
    """How bright, sharp and wide it is."""
    things: Sequence[Thing] = ()
    """What is marked in it."""


def opened_from(item: Item, photo: Photo, pixels: Array | None) -> Opened:
    """What is to be known of its pixels uint8 [H, W, 3]; None: it is no photo.

    Raises:
        InputError: what is marked in it cannot be read.
    """
    if pixels is None:
        return Opened(item, photo)
    size = int(pixels.shape[0]), int(pixels.shape[1])
    return Opened(item, photo, size, look_of(pixels), item.things(size))


Opener = Callable[[Item, int], Opened]
"""Opens a photo; the number is its place among all.

It raises `CamError` of a photo that cannot be read.
"""


@dataclass(frozen=True, eq=False)
class One:
    """What one model says of a photo, and where it looks."""

    answer: Answer | None
    """The top class; None of a score that has none."""
    confidence: float
    """The probability of the answer, where the model has probabilities; else NaN."""
    target: str
    """What the map is about."""
    about: int | None
    """The class of that; None of no class."""
    about_label: str
    score: float
    seen: Seen
    """The map."""
    lacks: frozenset[str] = frozenset()
    """Columns that nobody knows of it: what is recorded has no noise floor."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A photo that was looked at, or the reason why it was not."""

    item: Item
    index: int
    opened: Opened | None = None
    one: One | None = None
    pair: Pair | None = None
    """Both models' maps, where there is a reference."""
    error: str = ""
    extras: Mapping[str, float] = field(default_factory=dict)
    """Metrics that were asked for besides; one without a number is left out."""
    labels: Sequence[str] | None = field(default=None, repr=False)
    """The names of the model's classes."""

    @cached_property
    def label(self) -> int | str | None:
        """As the data says it; else the class that all marked objects share."""
        if self.item.label is not None or self.opened is None:
            return self.item.label
        found = {thing.box.label for thing in self.opened.things}
        return found.pop() if len(found) == 1 and found != {""} else None

    @cached_property
    def energies(self) -> Energies:
        """How much of the map lies on what."""
        if self.opened is None or self.one is None:
            return Energies()
        others = [thing for thing in self.opened.things if not self._is_object(thing)]
        return energies(self.one.seen, self.opened.photo.placement, self.objects, others)

    @property
    def objects(self) -> list[Thing]:
        """Of what is marked that what the map is about."""
        things = () if self.opened is None else self.opened.things
        return [thing for thing in things if self._is_object(thing)]

    @cached_property
    def stats(self) -> dict[str, float]:
        """What a device logs of such a map."""
        return {} if self.one is None else stats_of(self.one.seen)

    def _is_object(self, thing: Thing) -> bool:
        """Is it what the map is about? What nobody names is the photo's one object."""
        assert self.one is not None
        if self.one.about is None or thing.box.label == "":
            return True
        return is_of(thing.box, self.one.about, self.one.about_label)
