"""One question of one picture, with the maps that methods give: all that a metric may be given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend import Array, Backend, InputInfo, Inputs
from ..errors import CamError, InputError
from ..explain import explain
from ..explanation import Explanation
from ..head import head_of
from ..metrics import METRICS, Counted, Metric, backend_score
from ..metrics.faithfulness import masked_input, masked_scores, relative_drop, road
from ..metrics.faithfulness.combined import PERCENTILES
from ..metrics.metric import Need
from ..targets import ProbabilityTarget, ScoredTarget
from .seen import Seen

MAKES_NONE = (
    "it is a share of a probability, and this target has none: ask for one class of a classifier"
)


@dataclass(frozen=True, eq=False)
class Case:
    """A target of one row.

    Metrics of boxes see of the maps what lies over the photo, in the pixels of the input; the
    others see all of the input.
    """

    backend: Backend
    x: Inputs
    target: ScoredTarget
    """As it was found in the picture, and held: of a changed picture the same is asked."""
    maps: Mapping[str, Explanation]
    """One row each, by method."""
    info: InputInfo
    """The input that is the picture."""
    seen: Seen | None = None
    """Where the photo lies in it; None: it is no photo."""
    boxes: Array | None = None
    """[B, 4] of the object, in pixels of the photo; None: nobody labelled it."""
    layers: Sequence[str] | None = None
    """Where to look, as it was asked for."""
    _made: dict[Any, Any] = field(default_factory=dict)

    @property
    def picture(self) -> Array:
        """What metrics change, [1, ...]."""
        return np.asarray(self.x[self.info.name] if isinstance(self.x, Mapping) else self.x)

    @property
    def channel_axis(self) -> int:
        """Of the picture."""
        return 1 if self.info.channel_axis is None else self.info.channel_axis

    @property
    def size(self) -> tuple[int, ...]:
        """Of the picture [*S]."""
        return tuple(np.delete(self.picture.shape, [0, self.channel_axis % self.picture.ndim]))

    def heat(self, method: str) -> Array:
        """L [1, *S] in [0, 1] over the input; 0 of a blank map."""
        found: Array = self.once(("heat", method), lambda: self.maps[method].heatmap(self.size))
        return found

    def shown(self, method: str) -> Array:
        """What of it lies over the photo, [1, h, w]."""
        heat = self.heat(method)
        return heat if self.seen is None else heat[:, *self.seen.part]

    @functools.cached_property
    def likely(self) -> ScoredTarget | None:
        """The probability of the target's class; None where it is about no class of a classifier.

        That of the model itself; where its file has none, and its score is one of classes, softmax.
        """
        head = head_of(self.backend)
        index = next(iter(self.maps.values())).classes if self.maps else None
        if head is None or head.asked not in ("classes", "multi-label") or index is None:
            return None
        if not self.target.single or self.target.tensor:
            return None
        how = head.probability or ("softmax" if head.asked == "classes" else "")
        axis = self.backend.class_axis
        return ProbabilityTarget(int(index[0]), axis, how) if how else None

    @functools.cached_property
    def score(self) -> Counted:
        """Y of changed pictures: the probability where there is one, else the target's number."""
        asked = self.target if self.likely is None else self.likely
        vary = self.info.name if isinstance(self.x, Mapping) else None
        return backend_score(self.backend, self.x, asked, vary=vary)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What several metrics are given, made for the first of them; what failed fails again."""
        if key not in self._made:
            try:
                self._made[key] = make()
            except CamError as error:
                self._made[key] = error
        found = self._made[key]
        if isinstance(found, CamError):
            raise found
        return found

    def masked_scores(self, method: str) -> tuple[Array, Array]:
        """(Y of x, Y of what the map keeps of x)."""
        known = {"channel_axis": self.channel_axis}
        made = functools.partial(
            masked_scores, self.picture, self.heat(method), self.score, **known
        )
        found: tuple[Array, Array] = self.once(("scores", method), made)
        return found

    def masked_map(self, method: str) -> Array:
        """L of what the map keeps of x, by the same method."""
        return np.asarray(self.once(("masked map", method), lambda: self._masked_map(method)))

    def _masked_map(self, method: str) -> Array:
        kept = masked_input(self.picture, self.heat(method), channel_axis=self.channel_axis)
        x = self.x | {self.info.name: kept} if isinstance(self.x, dict) else kept
        layer = None if self.layers is None else self.layers[0]
        return explain(self.backend, x, self.target, method, layer=layer).heatmap(self.size)

    def drop(self, method: str) -> Array:
        """`relative_drop`.

        Raises:
            InputError: the score is no probability.
        """
        if self.likely is None:
            raise InputError(MAKES_NONE)
        return relative_drop(*self.masked_scores(method))

    def road(self, method: str) -> Array:
        """Combined ROAD at the percentiles of ARCC.

        Raises:
            InputError: the score is no probability.
        """
        if self.likely is None:
            raise InputError(MAKES_NONE)
        known: dict[str, Any] = {"channel_axis": self.channel_axis, "percentiles": PERCENTILES}
        return road(self.picture, self.heat(method), self.score, **known).combined


GIVEN: dict[Need, Callable[[Case, str], Any]] = {
    "map": Case.heat,
    "masked map": Case.masked_map,
    "input": lambda case, method: case.picture,
    "score": lambda case, method: case.score,
    "scores": Case.masked_scores,
    "drop": Case.drop,
    "road": Case.road,
    "boxes": lambda case, method: [_boxes(case)],
}
"""What a case has of what metrics need."""
LOOKING: frozenset[Need] = frozenset({"score", "scores", "drop", "road"})
"""Needs that run the model forward."""
OF_PROBABILITIES = ("relative drop", "relative gain")
"""Metrics of scores that must be probabilities."""


def rankable(metric: Metric) -> bool:
    """Is it one number of a map of a single photo, and does it say which way is better?"""
    return set(metric.needs) <= set(GIVEN) and metric.better != "neither" and not metric.of_all


def require(name: str, *, boxes: bool) -> Metric:
    """The metric of that name, if methods can be ranked by it here.

    Raises:
        InputError: there is none, or it says which way is better of no single photo.
    """
    metric = METRICS.get(name)
    usable = [n for n, one in METRICS.items() if rankable(one)]
    if metric is None or not rankable(metric):
        what = "no metric" if metric is None else "nothing to rank by here: metric"
        raise InputError(f"{what} '{name}'; there are {', '.join(usable)}")
    if "boxes" in metric.needs and not boxes:
        raise InputError(f"metric '{name}' needs boxes of the objects: give --boxes LABELS")
    return metric


def measure(case: Case, name: str, method: str) -> float:
    """The number of one method's map by one metric.

    Raises:
        CamError: it has none here.
    """
    metric = METRICS[name]
    if name in OF_PROBABILITIES and case.likely is None:
        raise InputError(MAKES_NONE)
    given = [_given(case, need, method, "boxes" in metric.needs) for need in metric.needs]
    known = {"channel_axis": case.channel_axis} if "input" in metric.needs else {}
    return float(metric(*given, **known)[0])


def _given(case: Case, need: Need, method: str, over_photo: bool) -> Any:
    return case.shown(method) if need == "map" and over_photo else GIVEN[need](case, method)


def _boxes(case: Case) -> Array:
    if case.boxes is None:
        raise InputError("no box of what is asked about")
    return case.boxes if case.seen is None else case.seen.boxes(case.boxes)
