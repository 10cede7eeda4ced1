"""What a metric is: its function, what it needs, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InputError

Need = Literal[
    "map",
    "other map",
    "masked map",
    "boxes",
    "masks",
    "input",
    "score",
    "scores",
    "drop",
    "road",
    "model",
    "maps of a model",
]
NEEDS: dict[Need, str] = {
    "map": "maps",
    "other map": "other maps",
    "masked map": "maps of what the maps keep",
    "boxes": "boxes of the object",
    "masks": "masks of the object",
    "input": "inputs",
    "score": "a score",
    "scores": "the scores of `masked_scores`",
    "drop": "relative drops",
    "road": "combined ROAD",
    "model": "a model",
    "maps of a model": "a function that maps it",
}
"""In words. The order in which a metric has them is that of its arguments."""
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """A row of METRICS: `METRICS[name](...)` is one number a map, float64 [N]."""

    measure: Callable[..., Any]
    summary: str
    formula: str
    """In one line; L is the map, Y the score."""
    paper: str
    needs: tuple[Need, ...]
    """Keys of NEEDS: its arguments in order; options are given by name."""
    better: Better
    read: str = ""
    """What of its result the number is, where that holds more."""
    of_all: bool = False
    """Is it one number of all maps together?"""

    def __post_init__(self) -> None:
        """A need that nobody knows is a slip."""
        unknown = sorted(set(self.needs) - set(NEEDS))
        if unknown:
            raise InputError(f"a metric needs no '{unknown[0]}'; there are {', '.join(NEEDS)}")

    def __call__(self, *given: Any, **options: Any) -> Any:
        """The number of each map, or of all."""
        found = self.measure(*_in_order(self.needs, given), **options)
        return getattr(found, self.read) if self.read else found

    @property
    def forwards(self) -> bool:
        """Does it run the model forward?"""
        return bool({"score", "scores", "model"} & set(self.needs))


def _in_order(needs: tuple[Need, ...], given: tuple[Any, ...]) -> list[Any]:
    """What was given; `scores` are two arguments of one name.

    Raises:
        InputError: something is missing.
    """
    wanted = [NEEDS[need] for need in needs]
    if len(given) != len(wanted):
        raise InputError(f"this metric takes {', '.join(wanted)}: {len(given)} were given")
    pairs = zip(needs, given, strict=True)
    return [one for need, value in pairs for one in (value if need == "scores" else (value,))]
