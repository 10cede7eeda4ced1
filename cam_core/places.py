"""Where in an input the cells of a score lie, or of another output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from .backend import Array
from .maps.arrangement import Arrangement
from .maps.layout import Layout
from .region import Places, Region


def read_places(places: Places, values: Array) -> Array:
    """A tensor as [N, K, *S].

    Raises:
        LayerError: it has other axes.
    """
    return _layout(places).apply(values)


def write_places(places: Places, cells: Array, like: Array) -> Array:
    """What is said of each cell, [N, *S], in the axes of a tensor `like`: all K alike.

    What has no place there is 0.
    """
    K = read_places(places, like[:1]).shape[1]
    full = np.repeat(cells[:, None].astype(like.dtype), K, axis=1)
    return _layout(places).invert(full, np.zeros((len(cells), *like.shape[1:]), like.dtype))


@cache
def _layout(places: Places) -> Layout | Arrangement:
    kind = Arrangement if "->" in places.layout else Layout
    return kind.parse(places.layout)


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
