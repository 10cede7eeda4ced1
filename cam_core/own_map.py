"""The map that a model gives itself: depth, anomalies, a picture again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .backend import Array
from .head import Head
from .places import Cells, read_places


def own_map(heads: Sequence[Head], score: Array, outputs: Mapping[str, Array]) -> Cells | None:
    """The first picture among a model's outputs, of several channels their mean; None: none.

    Args:
        heads: the one with the score first.
        score: y as the model gives it.
        outputs: all outputs, by name.
    """
    for number, head in enumerate(heads):
        values = score if number == 0 else outputs.get(head.output)
        if head.kind == "picture" and head.places is not None and values is not None:
            cells = read_places(head.places, values)
            if len(cells) == len(score):
                return Cells(np.mean(cells, axis=1), head.places.region, head.output)
    return None
