"""Detectors that give each scale outputs of its own: scores, boxes, perhaps an objectness.

As SCRFD and YuNet do, and what is cut off before its decoding for RKNN. Outputs belong to a scale
by their places; several scales with outputs alike are one detector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cam_core.head import BoxNumbers

from ...reading.graph import Graph, Tensor, floating
from ..axes.factors import Axes
from .origins import places
from .tails import Tail, behind
from .words import BOXES, OBJECTS, says

BOX = 4
PAIR = 2
"""Numbers of a keypoint: x and y."""
BINS = 8
"""Fewer numbers a side are no distribution."""


@dataclass(frozen=True)
class Member:
    """One output of a scale."""

    tail: Tail
    axes: Axes
    batched: bool
    channel: int | None
    """The axis of its numbers; None: there is one."""

    @property
    def name(self) -> str:
        return str(self.tail.output.name)

    @property
    def count(self) -> int:
        """How many numbers an anchor has."""
        return 1 if self.channel is None else int(self.tail.output.shape[self.channel])


@dataclass(frozen=True)
class Scales:
    """The outputs of all scales that belong together, in the same order."""

    scores: Sequence[Member]
    boxes: BoxNumbers
    objects: Sequence[Member]
    """Objectnesses; none where there are none."""
    evidence: str


def scales(graph: Graph, axes: Mapping[str, Axes]) -> Scales | None:
    """Those of a file, if it has any."""
    groups: dict[object, list[Member]] = {}
    for output in graph.outputs:
        found = _member(graph, output, axes)
        if found is not None:
            key = tuple(axis for axis in found.axes if list(places(axis)))
            groups.setdefault(key, []).append(found)
    alike = [group for group in groups.values() if _signature(group) is not None]
    if len(alike) < 2 or any(_signature(group) != _signature(alike[0]) for group in alike):
        return None
    roles = _signature(alike[0]) or ()
    by_role = {role: [g[roles.index(role)] for g in alike] for role in roles if role != "rest"}
    return _scales(by_role)


def _scales(roles: Mapping[str, Sequence[Member]]) -> Scales:
    boxes, scores = roles["boxes"], roles["scores"]
    first = boxes[0]
    assert first.channel is not None
    objects, points = roles.get("objects", ()), roles.get("points", ())
    written = "offsets" if objects else "distances" if first.count == BOX else "distributions"
    numbers = BoxNumbers(
        first.name,
        first.channel,
        count=first.count,
        further=tuple(one.name for one in boxes[1:]),
        written=written,
        batched=first.batched,
        background=0 if scores[0].tail.activation == "Softmax" else None,
        points=PAIR if points else 0,
        apart=tuple(one.name for one in points),
    )
    many = "one class" if scores[0].count == 1 else f"{scores[0].count} classes"
    besides = " and an objectness" if objects else ""
    evidence = f"{many}{besides} and a box at each anchor of {len(scores)} scales, an output each"
    return Scales(scores, numbers, objects, evidence)


def _member(graph: Graph, output: Tensor, axes: Mapping[str, Axes]) -> Member | None:
    """An output that has places; its other axes count rows, and numbers."""
    own, shape = axes.get(output.name), output.shape
    if not floating(output) or own is None or shape is None:
        return None
    free = [i for i, axis in enumerate(own) if not list(places(axis))]
    spread = len(own) - len(free)
    if not spread or not free or len(free) > 2 or (len(free) == 1 and spread > 1):
        return None
    batched = free[0] == 0
    channel = next(iter(free[1:] if batched else free), None)
    if channel is not None and not isinstance(shape[channel], int):
        return None
    return Member(behind(graph, output), own, batched, channel)


def _signature(group: Sequence[Member]) -> tuple[str, ...] | None:
    """What each output of a scale is: `scores`, `boxes`, `objects`, `points` or `rest`; None: it is
    no detector.
    """
    applied = [i for i, one in enumerate(group) if one.tail.activation]
    boxes = _boxes(group)
    if boxes is None or not applied:
        return None
    objects = _objectness(group, applied)
    scores = next(i for i in applied if i != objects)
    names = {scores: "scores", boxes: "boxes"} | ({} if objects is None else {objects: "objects"})
    if (points := _points(group, boxes)) is not None:
        names[points] = "points"
    return tuple(names.get(i, "rest") for i in range(len(group)))


def _points(group: Sequence[Member], boxes: int) -> int | None:
    """The keypoints: pairs that nothing is applied to, laid out as the boxes; none beside bins."""
    box = group[boxes]
    like = [i for i, one in enumerate(group) if i != boxes and one.tail.plain]
    like = [i for i in like if (group[i].batched, group[i].channel) == (box.batched, box.channel)]
    pairs = [i for i in like if group[i].count > BOX and group[i].count % PAIR == 0]
    return pairs[0] if len(pairs) == 1 and box.count == BOX else None


def _boxes(group: Sequence[Member]) -> int | None:
    """Four numbers that nothing is applied to, or four distributions."""
    plain = [i for i, one in enumerate(group) if one.tail.plain]
    fours = [i for i in plain if group[i].count == BOX]
    named = [i for i in fours if says(group[i].name, BOXES)]
    spread = [i for i in plain if group[i].count % BOX == 0 and group[i].count >= BOX * BINS]
    return next(iter([*named, *fours, *spread]), None)


def _objectness(group: Sequence[Member], applied: Sequence[int]) -> int | None:
    """Of two outputs that something is applied to, the one of a single number, or so called."""
    if len(applied) != 2:
        return None
    single = [i for i in applied if group[i].count == 1]
    named = [i for i in single if says(group[i].name, OBJECTS)]
    return next(iter([*named, *single[::-1]]), None)


def same_layout(members: Sequence[Member], axes: Mapping[str, Axes]) -> bool:
    """Do the logits behind the scores lie as the outputs do?"""
    return all(axes.get(one.tail.tensor.name) == one.axes for one in members)


def as_given(members: Sequence[Member]) -> list[Member]:
    """The outputs themselves, with what was applied to them."""
    return [replace(one, tail=Tail(one.tail.output, one.tail.output)) for one in members]
