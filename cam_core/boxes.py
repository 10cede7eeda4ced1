"""The boxes that a detector finds, for those who need no map of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .asking import asking_of, seen_by
from .backend import Backend, Inputs
from .errors import NothingFoundError, TargetError
from .explain import check_finite, suited
from .targets import Placed, ScoredTarget, Seen
from .targets.detection import LIKELY


def find_boxes(
    backend: Backend,
    x: Inputs,
    target: str = "box:all",
    *,
    labels: Sequence[str] | None = None,
    placement: Placed | None = None,
    threshold: float = LIKELY,
) -> list[Mapping[str, Any]]:
    """The boxes of one picture as its records have them: `corners`, `score`, `probability`, ...

    One forward pass and no backward pass.

    Args:
        backend: a detector.
        x: one picture, as the model takes it.
        target: which of them: `box:all`, `box:0`, `person`, `person@x,y`, `3@anchor:120`.
        labels: the names of the classes.
        placement: where a photo lies in x; corners are then in pixels of the photo, else of x.
        threshold: the probability from which on there is a box.

    Raises:
        NothingFoundError: there is no such box.
        TargetError: the model is no detector, or the target is about no box.
    """
    questions = box_questions(backend, [target], labels)
    check_finite(x)
    seen = seen_by(backend, x, backend.look(x, layers=()), labels, placement=placement)
    return boxes_of(questions, replace(seen, threshold=threshold))


def box_questions(
    backend: Backend, asked: Sequence[str], labels: Sequence[str] | None = None
) -> list[ScoredTarget]:
    """The questions for boxes.

    Raises:
        TargetError: the model is no detector.
    """
    asking = asking_of(backend, labels)
    if asking.head is None or asking.head.boxes is None:
        kind = "a score that nobody knows" if asking.head is None else asking.head.kind
        raise TargetError(f"it is no detector: its output is {kind}, and no boxes are known")
    return suited(backend, asked, labels)


def boxes_of(questions: Sequence[ScoredTarget], seen: Seen) -> list[Mapping[str, Any]]:
    """What is asked for in one picture, each box once.

    Those below the threshold that `top:3` falls back on are none; an anchor's is meant.

    Raises:
        NothingFoundError: there is none.
        TargetError: a question about no box.
    """
    found: dict[tuple[int, int], Mapping[str, Any]] = {}
    for question in questions:
        for target in question.found_in(seen):
            box = target.detail[0].get("box") if target.detail else None
            if box is None:
                raise TargetError(f"target '{question.label}' is about no box: box:0, box:all")
            if "below" in box and "@anchor:" not in question.label:
                raise NothingFoundError(
                    f"{question.label}: no box from {box['below']:g} on; lower the threshold"
                )
            found.setdefault((box["class"], box["anchor"]), {**box, "asked": target.label})
    return list(found.values())
