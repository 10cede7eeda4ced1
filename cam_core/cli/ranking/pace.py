"""How far a run of many photos is, and how long the rest of it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cam_core.plural import counted

from ..steps import Step

SET_UP = 10.0
"""Seconds beside which it is little that the first photo sets up what runs the model."""
WORTH = 60.0
"""Seconds from which on a run is worth a word before."""


@dataclass
class Pace:
    """Told of each part of a photo, and of each photo."""

    step: Step
    photos: int
    parts: int
    """Of a photo: its maps, and the numbers of each."""
    say: Callable[[float, int], None]
    """Told once how many seconds a photo takes, and how many are left, where that is long."""
    clock: Callable[[], float] = time.perf_counter
    _begun: float = field(init=False)
    _parts_done: int = 0
    _photos_done: int = 0
    _said: bool = False

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def part(self) -> None:
        """One more part of a photo; those of further questions about it are not counted."""
        self._parts_done = min(self._parts_done + 1, self.parts)
        self.step.within(self._parts_done / self.parts)

    def photo(self, *, measured: bool) -> None:
        """One more photo; measured: it had something to ask about."""
        seconds, left = self.clock() - self._begun, self.photos - self._photos_done - 1
        if measured and not self._said and (self._photos_done or seconds > SET_UP):
            self._said = True
            if seconds * left >= WORTH:
                self.say(seconds, left)
        self._photos_done, self._parts_done = self._photos_done + 1, 0

    def next(self) -> None:
        """What is between two photos is not counted: it is what is done once a method."""
        self.step()
        self._begun = self.clock()


def in_words(seconds: float) -> str:
    """'7 minutes', '2.5 hours'."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} hours"
    minutes = int(-(-seconds // 60))
    return counted(minutes, "minute")
