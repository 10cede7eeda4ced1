"""What the record says of a detector's boxes beyond its head: thresholds, and where anchors are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.targets.detection import LIKELY
from cam_core.targets.detection.found import EVEN, MOST
from cam_core.targets.detection.grids import Grid, find_grid
from cam_core.targets.detection.numbers import gathered
from cam_core.targets.detection.suppression import OVERLAP

from ..finding.analysis import Analysis
from ..reading.graph import Tensor, static


def boxes_read(analysis: Analysis) -> dict[str, Any] | None:
    """From which strength on there is a box, when one of two goes, where anchors stand.

    None of a model that has no boxes.
    """
    if analysis.score.heads[0].boxes is None:
        return None
    grid = _grid(analysis)
    return {
        "threshold": LIKELY,
        "threshold_of_scores": EVEN,
        "overlap": OVERLAP,
        "most": MOST,
        "grid": None if grid is None else levels(grid),
    }


def _grid(analysis: Analysis) -> Grid | None:
    """That of the anchors; None of queries, and where the file leaves a size open."""
    boxes, tensors = analysis.score.heads[0].boxes, analysis.graph.tensors
    size = _size(analysis)
    if boxes is None or not boxes.gridded or boxes.own is not None or size is None:
        return None
    names = (boxes.output, *boxes.further)
    if not all(static(tensors[name].shape) for name in names):
        return None
    numbers = gathered({name: _blank(tensors[name]) for name in names}, boxes)
    return find_grid(numbers.values.shape[2], size, numbers.levels)


def _blank(tensor: Tensor) -> Array:
    """An array of its shape that takes no room."""
    return np.broadcast_to(np.float32(0), tuple(tensor.shape))


def _size(analysis: Analysis) -> tuple[int, int] | None:
    """Height and width of the pictured input."""
    for tensor in analysis.graph.inputs:
        axis = analysis.layers.maps.input_channels(tensor)
        space = [n for i, n in enumerate(tensor.shape) if i not in (0, axis)]
        if axis is not None and len(space) == 2:
            height, width = space
            fixed = isinstance(height, int) and isinstance(width, int)
            return (height, width) if fixed else None
    return None


def levels(grid: Grid) -> list[dict[str, Any]]:
    """The anchors in their order, map by map: rows, columns, pixels a cell, anchors a cell."""
    number = np.zeros(len(grid.stride)) if grid.number is None else grid.number
    changes = np.flatnonzero((np.diff(grid.stride) != 0) | (np.diff(number) != 0)) + 1
    bounds = [0, *changes.tolist(), len(grid.stride)]
    return [_level(grid, a, b) for a, b in pairwise(bounds)]


def _level(grid: Grid, start: int, stop: int) -> dict[str, Any]:
    columns, rows = (grid.cell[start:stop].max(axis=0) + 1).tolist()
    each = (stop - start) // (rows * columns)
    return {
        "rows": rows,
        "columns": columns,
        "stride": float(grid.stride[start]),
        "each": each,
    }
