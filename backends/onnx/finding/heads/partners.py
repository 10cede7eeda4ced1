"""Outputs that belong together: class scores, and the boxes of the same anchors or queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from cam_core.head import BoxNumbers, Head
from cam_core.targets.detection import ANCHORED, BESIDE_BACKGROUND, CENTRES

from ...reading.graph import floating
from .boxes import BOX, Detector
from .detectors import Whole
from .kinds import rank
from .origins import Origins
from .scales import PAIR
from .words import BOXES, STATES, says


@dataclass(frozen=True)
class Candidate:
    """An output that may have the score."""

    head: Head
    origins: Origins
    cut: Detector | None = None
    """Which of its channels are classes, where they are not a tensor by themselves."""
    made: Whole | None = None
    """Where no single output holds the score."""
    exact: bool = False
    """Is it that tensor, number by number, whatever it holds?"""
    untouched: bool = False
    """Are its axes kept as they are, too?"""

    @property
    def rank(self) -> int:
        return -1 if self.made is not None else rank(self.head, not self.origins.tail.plain)

    @property
    def usable(self) -> bool:
        """Does it hold floating point numbers that the model makes, of a known shape?"""
        tensor = self.origins.tensor
        return floating(tensor) and tensor.shape is not None and len(tensor.shape) > 0


def with_partners(found: list[Candidate]) -> list[Candidate]:
    """Numbers at the anchors or places where another output has classes are boxes."""
    found = list(_with_queries(found))
    scored = [one for one in found if one.head.kind == "dense classes"]

    def partner(one: Candidate) -> Candidate | None:
        return next((other for other in scored if _same_places(one, other)), None)

    out = []
    for one in found:
        likely = one.head.kind == "unknown" and one.usable and not says(one.head.output, STATES)
        other = partner(one) if likely else None
        if other is not None:
            evidence = f"{one.origins.classes} numbers wherever {other.head.output} has a score"
            one = replace(
                one, head=replace(one.head, kind="boxes", evidence=evidence, class_axis=None)
            )
        out.append(one)
    return [_with_boxes(one, out) for one in out]


def _with_boxes(one: Candidate, found: Sequence[Candidate]) -> Candidate:
    """Class scores that know the output with the boxes of their anchors."""
    if one.head.kind != "dense classes":
        return one
    for other in sorted(found, key=lambda other: other.origins.classes != BOX):
        axis, count = other.origins.class_axis, other.origins.classes
        boxes = other.head.kind == "boxes" and other.usable
        if boxes and axis is not None and (count or 0) >= BOX and _same_places(one, other):
            written = _written(other)
            if not written and _background(one) == 0:
                written = BESIDE_BACKGROUND
            pairs = written == ANCHORED and not ((count or 0) - BOX) % PAIR
            numbers = BoxNumbers(
                other.head.output,
                axis,
                background=_background(one),
                written=written,
                more=BOX if pairs else 0,
                points=PAIR if pairs else 0,
                gridded=one.origins.placed != [],
                unsure=one.origins.tail.plain and not one.origins.placed,
                anchors=_anchors(other),
                of_words=one.origins.told is not None,
            )
            if written == BESIDE_BACKGROUND:
                numbers = _with_landmarks(numbers, other, found)
            return replace(one, head=replace(one.head, boxes=numbers))
    return one


def _with_landmarks(
    numbers: BoxNumbers, boxes: Candidate, found: Sequence[Candidate]
) -> BoxNumbers:
    """With the one output of further pairs at the same anchors: landmarks of faces (RetinaFace)."""
    own = [one for one in found if one.head.kind == "boxes" and one.usable]
    pairs = [
        one.head.output
        for one in own
        if one.origins.class_axis == numbers.axis
        and (one.origins.classes or 0) > BOX
        and not (one.origins.classes or 0) % PAIR
        and _same_places(one, boxes)
    ]
    return replace(numbers, points=PAIR, apart=tuple(pairs)) if len(pairs) == 1 else numbers


def _anchors(boxes: Candidate) -> int | None:
    """How many the file has, where it says so."""
    shape = boxes.origins.tensor.shape
    extents = [shape[i] for i in boxes.origins.positions]
    whole = [extent for extent in extents if isinstance(extent, int)]
    return prod(whole) if whole and len(whole) == len(extents) else None


def _written(boxes: Candidate) -> str:
    """How boxes are written, where their output shows it."""
    if boxes.origins.tail.activation:
        return CENTRES
    beside = (boxes.origins.classes or 0) > BOX and says(boxes.head.output, ("regressor",))
    return ANCHORED if beside else ""


def _background(one: Candidate) -> int | None:
    """The class that stands for nothing, which a softmax over the classes of anchors must have.

    The last of queries (DETR), the first of anchors that lie somewhere (SSD).
    """
    if one.head.probability != "softmax":
        return None
    return 0 if one.origins.placed else -1


def _with_queries(found: Sequence[Candidate]) -> Sequence[Candidate]:
    """Four sigmoids a query are its box where another output says something else of it (DETR)."""
    boxes = [one for one in found if _may_be_boxes(one)]
    named = [one for one in boxes if says(one.head.output, BOXES)]
    for box in named or boxes:
        given, found = found, [_of_words(one, box) for one in found]
        others = [one for one in found if one is not box and one.usable and _same_places(one, box)]
        logits = [one for one in others if one.origins.classes != BOX or one not in boxes]
        if logits and box.origins.followed:
            return [_of_queries(one, box, logits) for one in found]
        found = given
    return found


def _of_words(one: Candidate, box: Candidate) -> Candidate:
    """Scores of a text's words at each query of a box: the words are the classes, not the queries.

    So Grounding DINO (Liu et al. 2023) ends: logits [N, Q, T], pred_boxes [N, Q, 4].
    """
    own, queries = one.origins, [box.origins.axes[i] for i in box.origins.positions]
    axis, words = own.class_axis, own.positions
    if one.head.kind != "caption" or axis is None or len(words) != 1:
        return one
    if [own.axes[axis]] != queries:
        return one
    evidence = f"the words of a text that is fed, at each query of {box.head.output}"
    head = replace(one.head, kind="dense classes", evidence=evidence, class_axis=words[0])
    return replace(one, head=head, origins=replace(own, told=words[0]))


def _may_be_boxes(one: Candidate) -> bool:
    own = one.origins
    sigmoids = own.tail.activation == "Sigmoid" and own.classes == BOX
    return sigmoids and not own.placed and bool(own.positions)


def _of_queries(one: Candidate, box: Candidate, others: Sequence[Candidate]) -> Candidate:
    """The box, or what may be the classes beside it."""
    if one is box:
        evidence = f"4 sigmoids wherever {others[0].head.output} has a score"
        head = replace(one.head, kind="boxes", evidence=evidence, class_axis=None)
        return replace(one, head=head)
    state = says(one.head.output, STATES)
    if one.head.kind == "unknown" and any(one is other for other in others) and not state:
        evidence = f"{one.origins.classes} numbers wherever {box.head.output} has a box"
        return replace(one, head=replace(one.head, kind="dense classes", evidence=evidence))
    return one


def _same_places(one: Candidate, other: Candidate) -> bool:
    """Do they run over the same places, and are not the same numbers?"""
    if one.origins.tensor is other.origins.tensor:
        return False
    a, b = one.origins, other.origins
    mine, theirs = ([o.axes[i] for i in o.positions] for o in (a, b) if o.axes)
    return bool(mine) and mine == theirs
