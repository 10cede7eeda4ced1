"""One photo of many: where it is, what it shows, and where that lies in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...backend import Array
from ...sources.boxes import Labelled
from .far import Place

Size = tuple[int, int]
"""Height and width of a photo, turned upright."""
Label = int | str
"""A class, by its number where nobody names it."""


@dataclass(frozen=True, eq=False)
class Thing:
    """An object that somebody marked."""

    box: Labelled
    mask: Callable[[], Array] | None = None
    """Makes its pixels, bool [H, W]; None: nobody drew them, and the box stands for them."""


def no_things(size: Size) -> Sequence[Thing]:
    """Of a photo in which nobody marked anything."""
    return ()


@dataclass(frozen=True, eq=False)
class Item:
    """A photo that is not opened yet."""

    id: str
    """What tables call it: its path within the data, or batch.npz[3]."""
    source: Place | Array
    """A file, or what a file of arrays holds: pixels uint8 [H, W, 3], or the model's own input."""
    label: Label | None = None
    """What it shows; None where nobody says so."""
    things: Callable[[Size], Sequence[Thing]] = field(default=no_things)
    """What is marked in it, once its size is known."""
