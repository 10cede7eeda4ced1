"""The numbers of a run as they come in: photo by photo, and of a photo its targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..backend import Array
from ..errors import CamError
from .case import Case, measure

NOTHING = float("nan")


class Tally:
    """By metric and method one number a photo; holds numbers alone, no maps and no photos."""

    def __init__(self, methods: Sequence[str], metrics: Sequence[str]) -> None:
        self.methods, self.metrics = list(methods), list(metrics)
        self.photos: list[str] = []
        self.targets = 0
        """How many were asked, of all photos."""
        self.refused: dict[str, str] = {}
        """Methods that this model cannot do, and why, in one line."""
        self.notes: dict[tuple[str, str], str] = {}
        """(metric, method): why a photo has no number of it, the first time."""
        self._numbers: dict[tuple[str, str], list[float]] = {
            (metric, method): [] for metric in metrics for method in methods
        }
        self._explained: set[str] = set()

    def add(
        self, photo: str, cases: Sequence[Case], told: Callable[[], None] = lambda: None
    ) -> None:
        """What comes of a photo: the mean over its targets, as photos are what is drawn again.

        `told` is called for each number of a method by a metric.
        """
        self.photos.append(photo)
        self.targets += len(cases)
        for (metric, method), numbers in self._numbers.items():
            found = [self._measured(case, metric, method) for case in cases]
            known = [value for value in found if not np.isnan(value)]
            numbers.append(float(np.mean(known)) if known else NOTHING)
            told()

    def explained(self, method: str) -> None:
        """The method works on this model."""
        self._explained.add(method)

    def failed(self, method: str, photo: str, error: CamError) -> None:
        """It does not: on this photo, or, where it never did, at all."""
        if method not in self._explained:
            self.refused.setdefault(method, str(error))
        for metric in self.metrics:
            self.notes.setdefault((metric, method), f"{photo}: {error}")

    @property
    def at_work(self) -> list[str]:
        """The methods that were not refused."""
        return [method for method in self.methods if method not in self.refused]

    def values(self, metric: str) -> dict[str, Array]:
        """[N] of each method that was not refused."""
        return {method: np.array(self._numbers[metric, method]) for method in self.at_work}

    def none_of(self, metric: str) -> str:
        """Why no method has a number by this metric; '' where one has."""
        if any(not np.isnan(numbers).all() for numbers in self.values(metric).values()):
            return ""
        said = [self.notes.get((metric, method), "") for method in self.at_work]
        return next(filter(None, said), "every map is blank")

    def _measured(self, case: Case, metric: str, method: str) -> float:
        if method not in case.maps:
            return NOTHING
        try:
            return measure(case, metric, method)
        except CamError as error:
            self.notes.setdefault((metric, method), str(error))
            return NOTHING


def agreed(best: Mapping[str, Sequence[str]]) -> list[str]:
    """The methods that are best, or tie with the best, by every metric."""
    sets = [set(methods) for methods in best.values()]
    common = set.intersection(*sets) if sets else set()
    return [method for methods in best.values() for method in methods if method in common][
        : len(common)
    ]
