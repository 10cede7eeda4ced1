"""Where in an input the cells of a score lie, or of another output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .backend import Array
from .maps.arrangement import Arrangement
from .maps.layout import Layout
from .region import Region


@dataclass(frozen=True)
class Places:
    """How a tensor is read as [N, K, *S] with S in the order and direction of an input's places."""

    layout: str
    """As `Layout.text` or `Arrangement.text` writes it."""
    region: Region
    """What of the input its cells cover, axis by axis of S."""

    @cached_property
    def _layout(self) -> Layout | Arrangement:
        kind = Arrangement if "->" in self.layout else Layout
        return kind.parse(self.layout)

    def read(self, values: Array) -> Array:
        """The tensor as [N, K, *S].

        Raises:
            LayerError: it has other axes.
        """
        return self._layout.apply(values)

    def written(self, cells: Array, like: Array) -> Array:
        """What is said of each cell, [N, *S], in the axes of a tensor `like`: all K alike.

        What has no place there is 0.
        """
        K = self.read(like[:1]).shape[1]
        full = np.repeat(cells[:, None].astype(like.dtype), K, axis=1)
        return self._layout.invert(full, np.zeros((len(cells), *like.shape[1:]), like.dtype))


@dataclass(frozen=True, eq=False)
class Cells:
    """What is said of each cell of a score: whether it is of a region, or a number of a picture."""

    values: Array
    """[N, *S]"""
    region: Region
    """What of an input they cover."""
    name: str = ""
    """Of the output that says it."""

    def row(self, index: int) -> Cells:
        """One row."""
        return replace(self, values=self.values[index : index + 1])

    def over(self, size: Sequence[int]) -> Array:
        """As pixels of the input, [N, *size]: each has what its cell has, 0 beyond all cells."""
        along = self.region.along(len(size))
        found = self.values
        for axis, (picture, (low, high)) in enumerate(
            zip(along, self.region.windows, strict=True), start=1
        ):
            count = found.shape[axis]
            centres = (np.arange(size[picture]) + 0.5) / size[picture]
            cell = np.floor((centres - low) / (high - low) * count).astype(np.intp)
            inside = (cell >= 0) & (cell < count)
            shape = [-1 if i == axis else 1 for i in range(found.ndim)]
            found = np.take(found, np.clip(cell, 0, count - 1), axis) * inside.reshape(shape)
        missing = tuple(i + 1 for i in range(len(size)) if i not in along)
        return np.broadcast_to(np.expand_dims(found, missing), (len(found), *size))
