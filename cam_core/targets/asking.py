"""What a question is asked about: before anything is run, and once the model has answered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..backend import Array
from ..head import Head

Point = tuple[float, float]
"""(x, y)"""


class Placed(Protocol):
    """Where a photo lies in the model's input; `cam_core.image.Placement` is one."""

    @property
    def photo(self) -> tuple[int, int]:
        """Height and width of the photo."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input."""
        ...

    @property
    def matrix(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """The affine map (x, y, 1) of the input -> (x, y) of the photo."""
        ...


@dataclass(frozen=True)
class Asking:
    """What is known when a question is read."""

    labels: Sequence[str] | None = None
    """The names of the classes."""
    class_axis: int = 1
    """Where they are in the score."""
    head: Head | None = None
    """What the score is; None where nobody says."""

    @property
    def kind(self) -> str:
        """What is asked of the head, one of KINDS; '' where nobody says."""
        return "" if self.head is None else self.head.asked


LIKELY = 0.25
"""The probability from which on there is a box, as the YOLO detectors' tools have it."""


@dataclass(frozen=True)
class Seen:
    """What is known once the model was run: whatever a question may depend on."""

    score: Array
    """y as the model gives it."""
    outputs: Mapping[str, Array] = field(default_factory=dict)
    """All outputs of the model, by name."""
    asking: Asking = field(default_factory=Asking)
    size: tuple[int, int] | None = None
    """Height and width of the pictured input."""
    shapes: Mapping[str, Sequence[int | str | None]] = field(default_factory=dict)
    """Of all inputs, as they were fed; of a file not yet run some are open."""
    threshold: float = LIKELY
    """The probability from which on there is a box."""
    inputs: Mapping[str, Array] = field(default_factory=dict)
    """What the model was fed, by name."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the model says of itself."""
    placement: Placed | None = None
    """Where the photo lies in it; None: there is no photo, and points are those of the input."""
    tensor: Callable[[str], Array] | None = None
    """The numbers of a tensor of the model, its rows first; None where nobody can look at it."""
    answer: Callable[[str], Array] | None = None
    """The score of another picture, by its file; None where nobody prepares pictures."""
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """What several questions need of it, made once: the boxes of a detector."""

    def to_input(self, point: Point) -> Point:
        """A point of the photo in pixels of the input; in the input's own where there is none."""
        if self.placement is None:
            return point
        (sx, _, dx), (_, sy, dy) = self.placement.matrix
        return (point[0] - dx) / sx, (point[1] - dy) / sy

    def to_photo(self, point: Point) -> Point:
        """The way back."""
        if self.placement is None:
            return point
        (sx, _, dx), (_, sy, dy) = self.placement.matrix
        return point[0] * sx + dx, point[1] * sy + dy
