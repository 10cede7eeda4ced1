"""All methods on one kind of head: where their maps lie, what hiding their cells costs, which
threshold draws the best box. Each picture is asked about its own classes, each with its own boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np

from benchmarks.ranking.heads import Head, Model, Pictured
from cam_core.answers import explained
from cam_core.backend import Array
from cam_core.errors import CamError
from cam_core.looking import Looks
from cam_core.maps.boxes import Threshold
from cam_core.methods import BEST, METHODS
from cam_core.metrics import METRICS, Interval, mean_interval, paired_difference
from cam_core.ranking import Case, Ranked, Tally, ranked
from cam_core.targets import ScoredTarget

PLACED = ("energy in box", "pointing game")
FAITHFUL = ("insertion", "deletion")
FEWER = 2
"""One picture in so many is measured by the metrics that ask the model, 101 passes a map."""
THRESHOLDS: tuple[Threshold, ...] = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, "otsu")
DRAWS = 2_000
"""How often pictures are drawn."""


QUICK = frozenset({"gradients", "attention", "head"})
"""What one look at a picture gives, and one pass back."""


def quick(name: str) -> bool:
    """Is it about the class that is asked for, at a layer or a patch, and of one look?"""
    method = METHODS[name]
    about_class = bool(method.needs & {"gradients", "head"}) and name != "counterfactual"
    return method.needs <= QUICK and about_class and method.at != "input"


@dataclass
class Evidence:
    """What was measured on a head."""

    methods: Sequence[str]
    best: str = ""
    """What `--method best` takes."""
    right: list[float] = field(default_factory=list)
    overlaps: dict[str, list[Array]] = field(default_factory=dict)
    """By method, of each picture the IoU at each of THRESHOLDS, the mean over its questions."""

    def __post_init__(self) -> None:
        """Nothing yet."""
        self.placed = Tally(self.methods, PLACED)
        self.faithful = Tally([*filter(quick, self.methods)], FAITHFUL)

    def by(self, metric: str, *, quickly: bool = False) -> list[Ranked]:
        """The methods in order, all or those of one look."""
        tally = self.placed if metric in PLACED else self.faithful
        way = cast("Literal['higher', 'lower']", METRICS[metric].better)
        values = {
            method: numbers
            for method, numbers in tally.values(metric).items()
            if not np.isnan(numbers).all() and (quick(method) or not quickly)
        }
        return ranked(values, way, draws=DRAWS)

    def add(self, model: Model, picture: Pictured, *, faithful: bool) -> None:
        """One picture."""
        looks = Looks(model.backend, picture.x, methods=self.methods)
        cases = [self._case(model, looks, picture.x, *asked) for asked in picture.asked]
        name = str(len(self.placed.photos))
        self.placed.add(name, cases)
        if faithful:
            self.faithful.add(name, cases[:1])
        for method in self.faithful.methods:
            found = [overlaps(case, method) for case in cases if method in case.maps]
            if found:
                self.overlaps.setdefault(method, []).append(np.mean(found, axis=0))

    def _case(
        self, model: Model, looks: Looks, x: Array, target: ScoredTarget, boxes: Array
    ) -> Case:
        held = target.held(looks.of(target.tensor).score)
        questions, maps = looks.questions(held), {}
        for method in self.methods:
            try:
                maps[method] = explained(questions, method)[0]
            except CamError as error:
                for tally in (self.placed, self.faithful):
                    tally.failed(method, "", error)
            else:
                for tally in (self.placed, self.faithful):
                    tally.explained(method)
        self.best = explained(questions, BEST).method
        return Case(model.backend, x, held, maps, model.backend.inputs()[0], boxes=boxes)


def gathered(head: Head, folder: Path, count: int, methods: Sequence[str]) -> Evidence:
    """All of it on so many pictures."""
    found = Evidence(methods)
    for model in head.models(folder, count):
        found.right += [] if model.right is None else [model.right]
        for i, picture in enumerate(model.pictures):
            found.add(model, picture, faithful=i % FEWER == 0)
    return found


def overlaps(case: Case, method: str) -> Array:
    """IoU of the box that a map draws at each of THRESHOLDS with the object's."""
    heat, boxes = case.heat(method), [case.boxes]
    return np.array([METRICS["box overlap"](heat, boxes, threshold=t)[0] for t in THRESHOLDS])


@dataclass(frozen=True)
class Drawn:
    """The threshold whose boxes fit best."""

    threshold: Threshold
    overlap: Interval
    """The mean IoU there."""
    ties: tuple[Threshold, ...]
    """Those that are no worse, as far as these pictures tell."""
    at: dict[Threshold, float]
    """The mean IoU of each."""


def best_threshold(rows: Sequence[Array]) -> Drawn:
    """Of one method."""
    each = np.stack(rows)  # [N, T]
    first = int(each.mean(axis=0).argmax())

    def tie(other: int) -> bool:
        behind = paired_difference(each[:, first], each[:, other], draws=DRAWS)
        return behind.low <= 0

    ties = [t for i, t in enumerate(THRESHOLDS) if i != first and tie(i)]
    at = dict(zip(THRESHOLDS, each.mean(axis=0).tolist(), strict=True))
    return Drawn(THRESHOLDS[first], mean_interval(each[:, first], draws=DRAWS), tuple(ties), at)
