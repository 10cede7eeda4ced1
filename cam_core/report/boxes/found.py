"""A box that was found on a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any


@dataclass(frozen=True)
class Found:
    """A box on a photo, ready to be written."""

    photo: str
    """The name of its file."""
    size: tuple[int, int]
    """Height and width of the photo."""
    number: int
    """Its class."""
    name: str
    corners: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels, at their edges."""
    area: float
    """Pixels of the segment that the box is round."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else there is to say of it."""


def by_photo(found: Sequence[Found]) -> list[list[Found]]:
    """The boxes of each photo; those of one photo stand together."""
    return [list(group) for _, group in groupby(found, key=lambda one: one.photo)]


def names_of(found: Sequence[Found]) -> dict[int, str]:
    """The classes that were found, by number."""
    return {one.number: one.name for one in sorted(found, key=lambda one: one.number)}
