"""What is explained, inside the file: the cotangent at the score, Y and the class of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError, TargetError
from cam_core.targets import Asking, ScoredTarget, Seen, read_target
from cam_core.targets.scores import class_score, one_hot, top

from ..finding.scores import Score
from ..reading.graph import Extent, Tensor
from ..reading.names import CLASS_INPUT, COTANGENT_INPUT, ROWS
from ..writing.arithmetic import as_float32, widened
from ..writing.op import Op
from .trace import Traced
from .traced_scores import pooled

FED = ("input", "cotangent")
"""Targets that are given at run time."""


@dataclass(frozen=True)
class Target:
    """One cotangent dY/dscore and what goes with it."""

    cotangent: Tensor | None
    """None where nothing that is asked for depends on it."""
    score: Tensor | None = None
    """Y [N], float32."""
    used: Tensor | None = None
    """c [N], int64."""


@dataclass(frozen=True)
class Targets:
    """All that are asked for, the inputs they add, and whether there is an axis for them."""

    each: tuple[Target, ...]
    text: str
    inputs: tuple[Tensor, ...] = ()
    stacked: bool = False


NO_TARGET = Targets((Target(None),), "none")
"""Of a map that knows of no class."""


def write_targets(
    op: Op,
    score: Score,
    target: str | int | Sequence[str | int],
    labels: Sequence[str] | None,
    *,
    static: bool = False,
    shapes: Mapping[str, tuple[Extent, ...]] | None = None,
) -> Targets:
    """Those of a `target=`: "input", "cotangent", or whatever `parse_target` reads.

    Several targets, and top:k, get an axis of their own.

    Args:
        static: as many classes as rows.
        shapes: of the inputs; places of a picture need them.

    Raises:
        TargetError: the class or label is unknown.
        ModelError: the score's classes are not static.
    """
    asked, y = _as_list(target), Traced(op, widened(op, score.tensor))
    if asked == ["cotangent"]:
        given = gs.Variable(COTANGENT_INPUT, y.dtype, y.shape)
        return Targets((Target(given),), "cotangent", (given,))
    if asked == ["input"]:
        _require_classes(score)
        given = gs.Variable(CLASS_INPUT, np.dtype(np.int64), (y.shape[0] if static else ROWS,))
        classes: Any = Traced(op, _checked(op, y, score.class_axis, given))
        return Targets((_of_class(y, classes, score.class_axis),), "input", (given,))
    asking = Asking(labels, score.class_axis, score.heads[0])
    read = [read_target(str(one), asking) for one in asked]
    _require_classes(score)
    seen = _seen(score, asking, shapes or {})
    asked_for = [one for question in read for one in question.targets]
    for one in asked_for:
        if one.tensor:
            raise TargetError(
                f"target '{one.label}' is about output '{one.tensor}', not about the score: "
                f"name it with score='out:{one.tensor}', and ask for value:0 and its like"
            )
    known = asked_for if seen is None else [one.settled(seen) for one in asked_for]
    each = [_traced(y, one.suited(score.probability)) for one in known]
    stacked = len(read) > 1 or read[0].several
    return Targets(tuple(each), ";".join(question.text for question in read), stacked=stacked)


def _seen(score: Score, asking: Asking, shapes: Mapping[str, tuple[Extent, ...]]) -> Seen | None:
    """Nothing but shapes; None where those of the score are open, its rows apart."""
    extents = [extent for extent in score.tensor.shape[1:] if isinstance(extent, int)]
    if len(extents) < len(score.tensor.shape) - 1:
        return None
    return Seen(np.zeros((1, *extents), np.float32), {}, asking, shapes=shapes)


def _as_list(target: Any) -> list[Any]:
    one = isinstance(target, str) or not isinstance(target, Sequence | np.ndarray)
    asked = [target] if one else list(target)
    if not asked or None in asked:
        raise TargetError("no target: give 'input', 'cotangent', top:k, a class or a label")
    for fed in FED:
        if fed in asked and len(asked) > 1:
            raise TargetError(f"target '{fed}' is fed at run time and stands alone")
    return asked


def _require_classes(score: Score) -> None:
    if score.classes is None:
        raise ModelError(
            f"score '{score.name}' has a dynamic number of classes; only target='cotangent' "
            f"can explain it"
        )


def _traced(y: Any, target: ScoredTarget) -> Target:
    """The formulas of the core, run on the tensor of the score."""
    used: Any = target.classes(y)
    cotangent: Any = target(y)
    score: Any = target.score(y)
    return Target(
        cotangent.tensor, as_float32(y.op, score.tensor), None if used is None else used.tensor
    )


def _of_class(y: Any, classes: Any, class_axis: int) -> Target:
    """Y = y^c of classes that are tensors themselves."""
    cotangent: Any = one_hot(y, classes, class_axis)
    score: Any = class_score(y, classes, class_axis)
    return Target(cotangent.tensor, score.tensor, classes.tensor)


def _checked(op: Op, y: Any, class_axis: int, chosen: Tensor) -> Tensor:
    """-1 becomes the row's top class; whatever is out of range, or of too many rows, fails here."""
    best: Any = top(y, class_axis)
    own, count = np.array(-1, np.int64), y.shape[class_axis]
    beyond = np.array(count, np.int64)
    checked = op.Where(op.Less(chosen, own), beyond, chosen)  # a Gather would wrap it
    index = op.typed(op.Where(op.Equal(chosen, own), best.tensor, checked), best.shape)
    iota = np.arange(count, dtype=np.int64)
    if op.opset < 11:
        # as many as there are rows
        checked = op.typed(op.Reshape(index, op.Shape(best.tensor)), best.shape)
        return op.Gather(iota, checked, axis=0)
    rows = op.expand_like(op.constant(iota.reshape(1, count)), pooled(y, class_axis))
    return op.Squeeze(op.GatherElements(rows, op.Unsqueeze(index, [1]), axis=1), [1])
