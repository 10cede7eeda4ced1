"""Two methods, or two models, by one metric on the same photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from .intervals import DRAWS, LEVEL, Interval, paired_difference
from .table import find_metric


@dataclass(frozen=True, eq=False)
class Measured:
    """The numbers of one metric, and what they depend on besides the maps."""

    metric: str
    """A name in METRICS."""
    values: Array
    """[N], one a photo, in the order of `photos`."""
    preprocess: Any
    """How the photos became inputs: a `cam_core.image.Preprocess`, the record of one, or words."""
    photos: tuple[str, ...]
    """What they are called."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the metric, where they are not its own."""

    def __post_init__(self) -> None:
        """One number a photo, of a metric that has one."""
        if find_metric(self.metric).of_all:
            raise InputError(f"{self.metric} is one number of all photos: it has no pairs")
        if np.shape(self.values) != (len(self.photos),):
            raise InputError(
                f"{self.metric}: values of shape {np.shape(self.values)} for {len(self.photos)} "
                "photos: one number a photo"
            )


def compare(
    a: Measured, b: Measured, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The interval of the mean of a - b, photo by photo; see METRICS for which way is better.

    Raises:
        InputError: they are of different metrics, options, photos or preprocessing, which would
            change the numbers by more than most methods do.
    """
    if a.metric != b.metric:
        raise InputError(f"{a.metric} and {b.metric} are not compared: measure both by one metric")
    _require_equal("preprocessing", _facts(a.preprocess), _facts(b.preprocess))
    _require_equal("options", dict(a.options), dict(b.options))
    if a.photos != b.photos:
        off = next(iter(set(a.photos) ^ set(b.photos)), "their order")
        raise InputError(f"different photos ({off}) are not compared: measure both on the same")
    return paired_difference(a.values, b.values, level=level, draws=draws, seed=seed)


def _facts(preprocess: Any) -> dict[str, Any]:
    if is_dataclass(preprocess) and not isinstance(preprocess, type):
        return asdict(preprocess)
    return dict(preprocess) if isinstance(preprocess, Mapping) else {"": preprocess}


def _require_equal(what: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    names = sorted({*first, *second})
    off = [name for name in names if not _same(first.get(name), second.get(name))]
    if off:
        told = [f"{name} {first.get(name)} and {second.get(name)}".lstrip() for name in off]
        raise InputError(
            f"different {what} ({'; '.join(told)}) are not compared: measure both alike"
        )


def _same(a: Any, b: Any) -> bool:
    """Lists, as a record has them, count as tuples."""
    if (a is None) != (b is None) or isinstance(a, str) != isinstance(b, str):
        return False
    return bool(a == b) if a is None or isinstance(a, str) else np.array_equal(a, b)
