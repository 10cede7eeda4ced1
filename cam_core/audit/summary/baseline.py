"""A report against one of before: the photos that both have, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import InputError
from ...metrics.intervals import Interval, paired_difference
from ...plural import counted
from .record import DRAWS, Summary

OF_PHOTOS = ("aspect", "brightness", "sharpness", "object_size", "other_size")
"""What is of the photos and of no model: it is the same then and now."""


@dataclass(frozen=True)
class Moved:
    """One number of both reports, over the photos that have it in both."""

    then: float
    now: float
    difference: Interval
    """Of the mean of now minus then."""

    @property
    def surely(self) -> bool:
        """Does the interval leave 0 out?"""
        return not self.difference.low <= 0 <= self.difference.high


@dataclass(frozen=True)
class Baseline:
    """What comes of it."""

    photos: int
    """In both."""
    gone: int
    """Photos of the old report that the new one has not."""
    new: int
    numbers: Mapping[str, Moved]

    @property
    def said(self) -> str:
        """Which photos it is about."""
        rest = [f"{self.gone} of before are gone"] if self.gone else []
        rest += [f"{self.new} are new"] if self.new else []
        return "; ".join([f"{counted(self.photos, 'photo')} of the same name in both", *rest])


def against(now: Summary, then: Summary) -> Baseline:
    """Photo by photo.

    Raises:
        InputError: they have no photo in common.
    """
    ours, theirs = (_places(one) for one in (now, then))
    both = [name for name in ours if name in theirs]
    if not both:
        raise InputError("the baseline has no photo of this report, by its name")
    rows = np.array([ours[name] for name in both]), np.array([theirs[name] for name in both])
    names = [n for n in now.metrics if n in then.metrics and n not in OF_PHOTOS]
    found = {name: _moved(now.values(name)[rows[0]], then.values(name)[rows[1]]) for name in names}
    numbers = {name: one for name, one in found.items() if one is not None}
    return Baseline(len(both), len(theirs) - len(both), len(ours) - len(both), numbers)


def _places(one: Summary) -> dict[str | None, int]:
    return {name: i for i, name in enumerate(one.table.words("photo"))}


def _moved(now: Array, then: Array) -> Moved | None:
    known = np.isfinite(now) & np.isfinite(then)
    if not known.any():
        return None
    a, b = now[known], then[known]
    return Moved(float(b.mean()), float(a.mean()), paired_difference(a, b, draws=DRAWS))
