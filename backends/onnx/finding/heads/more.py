"""What further numbers of a box are: coefficients of its mask, or its keypoints (YOLO -seg, -pose).

Coefficients weigh the maps of another output, which has as many (YOLACT, Bolya et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cam_core.foreign import UNREADABLE, from_literal
from cam_core.head import BoxNumbers

from ...reading.graph import Graph, Tensor, floating
from ..axes.factors import Axes
from .origins import places

SCORED = 3
"""Numbers of a keypoint that has a probability."""


def with_more(graph: Graph, axes: Mapping[str, Axes], boxes: BoxNumbers, start: int) -> BoxNumbers:
    """The boxes with what their numbers from `start` on are; the same where nobody knows."""
    output = next(t for t in graph.outputs if t.name == boxes.output)
    extent = output.shape[boxes.axis]
    if not isinstance(extent, int):
        return boxes
    count = extent - start
    maps = [t for t in graph.outputs if t is not output and _are_maps(t, count, axes)]
    if len(maps) == 1:
        return replace(boxes, more=start, prototypes=str(maps[0].name))
    points = 0 if maps else _stated(graph, count) or (0 if count % SCORED else SCORED)
    return replace(boxes, more=start if points else 0, points=points)


def _are_maps(tensor: Tensor, count: int, axes: Mapping[str, Axes]) -> bool:
    """[N, count, h, w] over the places of an input."""
    own = axes.get(tensor.name)
    if not floating(tensor) or own is None or len(own) != 4:
        return False
    placed = [i for i, axis in enumerate(own) if list(places(axis))]
    return placed == [2, 3] and bool(tensor.shape[1] == count)


def _stated(graph: Graph, count: int) -> int:
    """Numbers of a keypoint as the metadata say it, where there are as many as they say; else 0."""
    text = {e.key: e.value for e in graph.model.metadata_props}.get("kpt_shape", "()")
    try:
        given: Any = from_literal(text)
        keypoints, each = (int(n) for n in given)
    except UNREADABLE:  # nothing is said, or something else by that name
        return 0
    return each if keypoints * each == count and each in (2, SCORED) else 0
