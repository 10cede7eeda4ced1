"""What the outputs of a live module are, as far as one run of it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cam_core.head import Head

CLASSES = 1
"""The class axis of a score."""


@dataclass(frozen=True)
class Ends:
    """What a run ended in."""

    score: str
    """The output, or the module, that has the score."""
    shapes: Mapping[str, tuple[int, ...]]
    """Of all outputs."""
    closing: str = ""
    """The module between the score and its output: Softmax, LogSoftmax or Sigmoid."""
    axis: int | None = None
    """Along which it goes; None: of each number, or as its rank says."""


def heads(ends: Ends | None, class_axis: int = CLASSES) -> list[Head]:
    """The outputs of the last run, the one with the score first."""
    if ends is None:
        return [Head("output", "unknown", "nothing was run yet", "")]
    rest = [_other(name, shape) for name, shape in ends.shapes.items() if name != ends.score]
    return [_first(ends, class_axis), *rest]


def _first(ends: Ends, class_axis: int) -> Head:
    shape = ends.shapes.get(ends.score, ())
    kind, activation = _kind(ends, shape, class_axis)
    evidence = f"a closing {activation}" if activation else "no closing Softmax or Sigmoid module"
    axis = class_axis if len(shape) > 1 else None
    return Head(ends.score, kind, evidence, "", axis, activation)


def _kind(ends: Ends, shape: tuple[int, ...], classes: int) -> tuple[str, str]:
    """(kind, activation); a softmax along another axis than that of the classes makes none."""
    one = len(shape) < 2 or shape[classes] == 1
    if ends.closing == "Sigmoid":
        dense = len(shape) > 2
        return "dense classes" if dense else "binary" if one else "multi-label", ends.closing
    axis = classes if ends.axis is None else ends.axis % max(len(shape), 1)
    if not ends.closing or axis != classes:
        return "unknown", ""
    return "dense classes" if len(shape) > 2 else "classes", ends.closing


def _other(name: str, shape: tuple[int, ...]) -> Head:
    return Head(name, "unknown", f"shape {list(shape)}", name)
