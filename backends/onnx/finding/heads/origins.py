"""What the axes of an output say: which are rows, places or anchors, and where the classes are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...reading.graph import Tensor
from ..axes.factors import Axes, Axis, Given, Joined, descends, leaves, loss, size
from ..roles import batch_axis
from .tails import Tail


@dataclass(frozen=True)
class Origins:
    """The axes of a tensor, seen as those of an output."""

    tensor: Tensor
    axes: Axes
    """One a dimension; empty ones where nobody knows them."""
    tail: Tail
    followed: bool = True
    """Does anybody know them?"""
    told: int | None = None
    """The axis of the classes, where another output tells it."""

    @cached_property
    def batch(self) -> int | None:
        """Which one counts rows; None: the tensor is the one row there is."""
        if len(self.axes) != 1:
            return batch_axis(self.axes) or 0
        axis = self.axes[0]
        return 0 if size(axis) == 1 or descends(axis) or loss(axis) else None

    @cached_property
    def rest(self) -> list[int]:
        """The other axes."""
        return [i for i in range(len(self.tensor.shape)) if i != self.batch]

    @cached_property
    def placed(self) -> list[int]:
        """Those that run over places or time of an input."""
        return [i for i in self.rest if i != self.told and list(places(self.axes[i]))]

    @cached_property
    def class_axis(self) -> int | None:
        """The axis of a Softmax or ArgMax; else the last that comes from no input, best a wide one.

        None: every axis counts rows or places.
        """
        if self.told is not None:
            return self.told
        if self.tail.axis in self.rest and self.tail.axis not in self.placed:
            return self.tail.axis
        if len(self.rest) == 1:
            return self.rest[0]
        free = [i for i in self.rest if not self._of_an_input(i)]
        wide = [i for i in free if self.tensor.shape[i] != 1]
        return next(reversed(wide or free), None)

    @property
    def classes(self) -> int | None:
        """How many there are, where that is static; 1 where no axis holds them."""
        if self.class_axis is None:
            return 1
        extent = self.tensor.shape[self.class_axis]
        return extent if isinstance(extent, int) else None

    @cached_property
    def positions(self) -> list[int]:
        """The axes along which there is one score after the other: more than one, or any number."""
        own = (i for i in self.rest if i != self.class_axis)
        return [i for i in own if self.tensor.shape[i] != 1]

    @property
    def inputs(self) -> set[tuple[str, int]]:
        """The axes of inputs whose places it runs over, by input and number."""
        return {(o.input, o.axis) for i in self.positions for o in places(self.axes[i])}

    @property
    def scales(self) -> bool:
        """Does an axis join maps of several sizes, as the anchors of detectors do?"""
        return any(map(_scales, (self.axes[i] for i in self.placed)))

    @property
    def pairs(self) -> str:
        """The second input whose rows it counts, where it counts those of two; else ''."""
        if self.batch is None:
            return ""
        first = set(_rows(self.axes[self.batch]))
        others = (name for i in self.rest for name in _rows(self.axes[i]) if name not in first)
        return next(others, "") if first else ""

    def _of_an_input(self, i: int) -> bool:
        return descends(self.axes[i]) or loss(self.axes[i]) is not None


def places(axis: Axis) -> Iterator[Given]:
    """The axes of inputs, those of their rows apart, that an axis runs over."""
    return (o for o in leaves(axis) if isinstance(o, Given) and o.axis != 0 and o.extent != 1)


def _rows(axis: Axis) -> Iterator[str]:
    return (o.input for o in leaves(axis) if isinstance(o, Given) and o.axis == 0)


def _scales(axis: Iterable[object]) -> bool:
    joined = (f.origin for f in axis if isinstance(f.origin, Joined))  # type: ignore[attr-defined]
    return any(sum(bool(list(places(part))) for part in o.parts) > 1 for o in joined)
