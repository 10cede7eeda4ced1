"""Detectors that give a map a scale, each with boxes, objectness and classes, not yet decoded.

YOLOv5 and 7 do, cut off before their grids: [N, n, h, w, 5 + K], or the convolution's own
[N, n (5 + K), h, w].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cam_core.foreign import UNREADABLE, from_literal
from cam_core.head import BoxNumbers

from ...reading.graph import Graph, Tensor, floating
from ...reading.units import computes
from ..axes.factors import Axes, size
from .makers import maker
from .origins import places
from .tails import behind
from .words import named_classes

BESIDES = 5
"""Numbers of a box and its objectness, before the classes."""
EACH = 3
"""Anchors of a cell, where an axis of channels holds them."""
COCO = 80


@dataclass(frozen=True)
class Joint:
    """The outputs, fine and coarse as they come."""

    tensors: Sequence[Tensor]
    channel: int
    """The axis of the numbers, 4 or 1."""
    activation: str
    """What was applied to all numbers inside: Sigmoid, or '' for nothing."""
    boxes: BoxNumbers
    evidence: str

    @property
    def count(self) -> int:
        """Numbers of an anchor."""
        return int(self.tensors[0].shape[self.channel]) // self.boxes.each


def joint(graph: Graph, axes: Mapping[str, Axes]) -> Joint | None:
    """Those of a file, if it has nothing else."""
    tensors = [t for t in graph.outputs if floating(t)]
    counts = {_channels(t) if _map(t, axes) else None for t in tensors}
    found = next(iter(counts), None)
    if len(tensors) < 2 or len(counts) > 1 or found is None:
        return None
    activations = {behind(graph, t).activation for t in tensors}
    alike = len(activations) == 1 and activations <= {"", "Sigmoid"}
    if not alike or not _halved([[size(axes[t.name][i]) for i in (2, 3)] for t in tensors]):
        return None
    axis, count, each = found
    if axis == 1 and not (_is_told(graph, count) or all(_pointwise(graph, t) for t in tensors)):
        return None
    sides = [size(axes[t.name][2]) for t in tensors]
    activation = next(iter(activations))
    return _joint(graph, tensors, axis, each, activation, coarse_first=sides == sorted(sides))


def _joint(
    graph: Graph,
    tensors: Sequence[Tensor],
    axis: int,
    each: int,
    activation: str,
    *,
    coarse_first: bool,
) -> Joint:
    """Darknet's networks end at their coarsest map and go on to finer ones (YOLOv3)."""
    plain = "prior logarithms" if coarse_first else "prior logits"
    first, *rest = (str(t.name) for t in tensors)
    numbers = BoxNumbers(
        first,
        axis,
        further=tuple(rest),
        written="prior offsets" if activation else plain,
        each=each,
        priors=_priors(graph),
    )
    evidence = f"a box, an objectness and classes at each anchor of {len(tensors)} maps, undecoded"
    return Joint(tensors, axis, activation, numbers, evidence)


def _map(tensor: Tensor, axes: Mapping[str, Axes]) -> bool:
    """[N, n, h, w, M] or [N, C, h, w], of places of an input along h and w alone."""
    own = axes.get(tensor.name)
    if own is None or tensor.shape is None or len(own) not in (4, 5):
        return False
    return [i for i, axis in enumerate(own) if list(places(axis))] == [2, 3]


def _channels(tensor: Tensor) -> tuple[int, int, int] | None:
    """(axis of the numbers, numbers of an anchor, anchors of a cell along that axis)."""
    shape = tensor.shape
    axis = 4 if len(shape) == 5 else 1
    fixed = isinstance(shape[axis], int) and (axis == 1 or isinstance(shape[1], int))
    each = EACH if axis == 1 else 1
    if not fixed or shape[axis] % each or shape[axis] // each <= BESIDES:
        return None
    return axis, shape[axis] // each, each


def _halved(sides: Sequence[list[int]]) -> bool:
    """Is each scale half the next one, all of them in order of size?"""
    ordered = sorted(sides, reverse=True)
    halves = (all(-(-a // 2) == b for a, b in zip(*two, strict=True)) for two in pairwise(ordered))
    return all(halves)


def _is_told(graph: Graph, count: int) -> bool:
    """Do as many numbers remain as the metadata names classes, or as COCO has?"""
    return count - BESIDES in (named_classes(graph), COCO)


def _pointwise(graph: Graph, tensor: Tensor) -> bool:
    """Does a convolution of single cells make it? Features come of larger ones."""
    node = maker(graph, behind(graph, tensor).tensor)
    shape = None if node is None or computes(node) != "Conv" else node.inputs[1].shape
    return shape is not None and all(extent == 1 for extent in shape[2:])


def _priors(graph: Graph) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The sizes of the anchors in the metadata; () where there are none."""
    text = {e.key: e.value for e in graph.model.metadata_props}.get("anchors")
    try:
        given: Any = from_literal(text or "()")
        return tuple(tuple((float(w), float(h)) for w, h in scale) for scale in given)
    except UNREADABLE:  # somebody else's `anchors`
        return ()
