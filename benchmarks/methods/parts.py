"""Which part of a long method is run, and what all of it costs then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WINDOWS = {"window": 56, "stride": 56}
"""Of `occlusion` on a picture of 224 x 224: 16 in place of 15 x 15."""


@dataclass(frozen=True)
class Part:
    """A method with options under which it takes so many passes besides its look."""

    passes: int
    """Of the part."""
    whole: int
    """Of the method as it is by default."""
    options: dict[str, Any] = field(default_factory=dict)

    def all(self, part: float, first: float = 0.0) -> float:
        """What the whole costs where the part costs that, `first` of it paid once."""
        return first + (part - first) * self.whole / self.passes


def parts(count: int, K: int) -> dict[str, Part]:
    """Of the methods of many passes, where a layer has K channels."""
    one = {"channels": 1, "samples": count}
    return {
        "smoothgrad": Part(count, 50, {"samples": count}),
        "integrated": Part(count, 50, {"steps": count}),
        "scorecam": Part(count, K, {"channels": count}),
        "sscam": Part(count, 35 * K, one),
        "iscam": Part(count, 10 * K, one),
        "rise": Part(count, 4000, {"masks": count}),
        "occlusion": Part(16, 15**2, WINDOWS),
    }
