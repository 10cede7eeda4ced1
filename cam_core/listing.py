"""What a model can be asked: the rows of TARGETS, each written so that this model answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from .asking import asking_of
from .backend import Backend, Look
from .errors import TargetError
from .head import heads_of
from .targets import TARGETS, Facts, Kind, Placed
from .targets.scores import find_axis


class Listed(NamedTuple):
    """A question that can be asked."""

    target: str
    what: str
    """The number, in words."""


def listed(
    backend: Backend,
    labels: Sequence[str] | None = None,
    *,
    look: Look | None = None,
    placement: Placed | None = None,
) -> list[Listed]:
    """Those of a model, one of each kind.

    Args:
        backend: the model.
        labels: the names of the classes.
        look: what it said of a picture: then an open number of classes is known.
        placement: where that picture lies in the input.
    """
    facts = facts_of(backend, labels, look=look, placement=placement)
    found: list[Listed] = []
    for kind in TARGETS.values():
        text = _written(kind, facts, found)
        if text and _answered(kind, text, facts):
            found.append(Listed(text, kind.summary))
    return found


def facts_of(
    backend: Backend,
    labels: Sequence[str] | None = None,
    *,
    look: Look | None = None,
    placement: Placed | None = None,
) -> Facts:
    """What questions are fitted to."""
    asking = asking_of(backend, labels)
    own = asking.head is not None and asking.head.boxes is not None and asking.head.boxes.own
    count = backend.classes
    if look is not None and not own:
        y = look.score
        count = 1 if y.ndim == 1 else y.shape[find_axis(y, asking.class_axis)]
    outputs = tuple(head.output for head in heads_of(backend) if head.floating)
    placed = asking.head is not None and asking.head.places is not None
    shapes = {info.name: info.shape for info in (backend.inputs() if placed else ())}
    return Facts(asking, count, shapes, outputs, placement)


def _written(kind: Kind, facts: Facts, before: Sequence[Listed]) -> str | None:
    """A question of this kind; what speaks against something is against the first of the others."""
    asked = facts.asking.kind
    if not kind.written or (kind.of and asked and asked not in kind.of):
        return None
    if kind is TARGETS["against"]:
        of = before[0].target if before else ""
        return of and (f"against:{of}" if of == "1" else f"-{of}")  # -1 is the top class
    return kind.example(kind.written, facts)


def _answered(kind: Kind, text: str, facts: Facts) -> bool:
    """Is it a question of that kind, to this model?"""
    asking: Any = replace(facts.asking, labels=None)
    try:
        for target in kind.read(text, asking) or ():
            target.suited("" if asking.head is None else asking.head.probability)
    except TargetError:
        return False
    return True
