"""Where in an input the cells of a score lie, or of another output."""

from __future__ import annotations

from dataclasses import dataclass
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
