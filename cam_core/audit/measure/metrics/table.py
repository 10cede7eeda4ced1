"""What may be asked for besides: all that maps are ranked by, and two checks of sanity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np

from ....compare.agreement import spearman
from ....compare.bounds import shuffled_of
from ....compare.sides import Sides, map_of
from ....errors import CamError, InputError
from ....maps.stats import STATS
from ....metrics import METRICS
from ....metrics.metric import Better
from ....ranking import measure, rankable
from ....targets.target import UNRELATED
from ..shot import Shot
from .asking import Asking, ask


@dataclass(frozen=True)
class Extra:
    """A row of EXTRAS: one number of a photo's map."""

    question: str
    better: Better
    measure: Callable[[Asking], float]
    """NaN where the map has none.

    It raises CamError where there cannot be one, with the reason.
    """

    @property
    def summary(self) -> str:
        """With which way is better."""
        return f"{self.question} ({self.better} is better)"


def column_of(metric: str) -> str:
    """The name of a metric as that of a column: `ROAD combined` is `road_combined`.

    One that a number of every map has already is `map_entropy`.
    """
    name = metric.lower().replace(" ", "_")
    return f"map_{name}" if name in STATS else name


def ranked_by(metric: str, asking: Asking) -> float:
    """A row of METRICS."""
    return measure(asking.case, metric, asking.sides.how)


def randomisation(asking: Asking) -> float:
    """|r| of the signed map and that of the model with all weights shuffled (Adebayo et al. 2018).

    r is Spearman's. It is the last step of `metrics.sanity.cascade`, on one shuffled model for all
    photos.
    """
    known = asking.sides, [asking.photo.a], asking.target, asking.map.signed
    found = shuffled_of(*known)
    if found is None:
        raise InputError("the model has no weights to shuffle, or no numbers with shuffled ones")
    return abs(float(found[0]))


def random_class(asking: Asking) -> float:
    """r of the signed map and that of a class half the list away (Sixt et al. 2020).

    Of a box: of the same class at the anchor half of all away.
    """
    others = asking.target.others(asking.looks.of(asking.target.tensor).score)
    if not others:
        raise InputError("what the map is about has no other class to ask for")
    other = others.get(UNRELATED) or next(iter(others.values()))
    signed = map_of(asking.looks, other, asking.sides.how).signed[:1]
    return float(spearman(asking.map.signed, signed)[0])


EXTRAS: Mapping[str, Extra] = {
    **{
        column_of(name): Extra(metric.summary, metric.better, partial(ranked_by, name))
        for name, metric in METRICS.items()
        if rankable(metric)
    },
    "randomisation": Extra(METRICS["randomisation"].summary, "lower", randomisation),
    "random_class": Extra(
        "how alike is the map of a class that has nothing to do with it?", "lower", random_class
    ),
}
"""By the name of the column. What is added to METRICS is here at once; what audits alone have is a
row of its own."""
GROUPS: Mapping[str, Sequence[str]] = {
    "faithfulness": ("insertion", "deletion", "road_combined", "relative_drop", "increase", "adcc"),
    "sanity": ("randomisation", "random_class"),
}
"""Several by one name."""


def find_extras(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of some metrics and groups, each once; metrics also as METRICS has them.

    Raises:
        InputError: there is none of that name, with one that is near.
    """
    found: list[str] = []
    for name in names:
        column = column_of(name.strip())
        if column not in GROUPS and column not in EXTRAS:
            near = get_close_matches(column, [*GROUPS, *EXTRAS], 1)
            known = f"groups {', '.join(GROUPS)}, and metrics {', '.join(EXTRAS)}"
            hint = f"; did you mean {near[0]}?" if near else f"; there are {known}"
            raise InputError(f"no metric '{name}' to audit by{hint}")
        found += GROUPS.get(column, [column])
    return tuple(dict.fromkeys(found))


def numbers_of(
    sides: Sides,
    shot: Shot,
    names: Sequence[str],
    missed: Callable[[str, str], None] = lambda name, why: None,
) -> dict[str, float]:
    """The numbers of a photo that was looked at; of any that it has not, why, to `missed`."""
    if shot.opened is None or shot.one is None:
        return {}
    found: dict[str, float] = {}
    try:
        asking = ask(sides, shot.opened, shot)
    except CamError as error:
        for name in names:
            missed(name, str(error))
        return {}
    for name in names:
        try:
            found[name] = EXTRAS[name].measure(asking)
        except CamError as error:
            missed(name, str(error))
    return found


def with_numbers(sides: Sides, shot: Shot, names: Sequence[str], **more: Any) -> Shot:
    """The same with the numbers that were asked for."""
    if not names:
        return shot
    known = {n: v for n, v in numbers_of(sides, shot, names, **more).items() if np.isfinite(v)}
    return replace(shot, extras=known)
