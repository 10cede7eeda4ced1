"""The cotangent at the score: a class asked for by an input, a constant, or the model's top."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError, TargetError

from .emit import Emitter
from .prepare import Tensor
from .scores import Score

CLASS_INPUT = "cam_class"
COTANGENT_INPUT = "cam_cotangent"


@dataclass(frozen=True)
class Seed:
    """One cotangent dY/dscore and what goes with it."""

    cotangent: Tensor
    score: Tensor | None = None
    """y^c [N]."""
    used: Tensor | None = None
    """c [N], int64."""


@dataclass(frozen=True)
class Seeds:
    """All that are asked for, the inputs they add, and whether there is an axis for them."""

    seeds: tuple[Seed, ...]
    inputs: tuple[Tensor, ...] = ()
    stacked: bool = False
    text: str = field(default="")


def plant(op: Emitter, score: Score, target: str | int, labels: Sequence[str] | None) -> Seeds:
    """The seeds of a `target=`: "input", "cotangent", "top:k", a class or a label.

    Raises:
        TargetError: the class or label is unknown, or the score's classes are not static.
    """
    if target == "input":
        chosen = gs.Variable(CLASS_INPUT, np.dtype(np.int64), ("cam_rows",))
        return Seeds((_of_class(op, score, _resolve(op, score, chosen)),), (chosen,), text="input")
    if target == "cotangent":
        given = gs.Variable(COTANGENT_INPUT, score.tensor.dtype, score.tensor.shape)
        return Seeds((Seed(given),), (given,), text="cotangent")
    if isinstance(target, str) and target.startswith("top:"):
        return _top(op, score, target)
    index = np.array([find_class(score, target, labels)], np.int64)
    used = op.Expand(index, op.extent(score.tensor, 0))
    seed = _of_class(op, score, op.constant(index), used)
    return Seeds((seed,), text=str(index[0]))


def find_class(score: Score, target: str | int, labels: Sequence[str] | None) -> int:
    """The class that a number or a label means, checked against the score."""
    if isinstance(target, str) and not target.lstrip("-").isdigit():
        names = [name.casefold() for name in labels or ()]
        if target.casefold() in names:
            target = names.index(target.casefold())
        else:
            near = difflib.get_close_matches(target.casefold(), names, 3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            missing = "" if labels else " (no labels were given)"
            raise TargetError(f"no class '{target}'{missing}{hint}")
    index, classes = int(target), score.classes
    if index < 0 or (classes is not None and index >= classes):
        raise TargetError(f"class {index} is out of range: the score has {classes} classes")
    return index


def pooled(op: Emitter, score: Score) -> Tensor:
    """y [N, C]: a dense score summed over its positions."""
    y = score.tensor
    axes = [i for i in range(1, len(y.shape)) if i != score.class_axis]
    if not axes:
        return y
    if all(y.shape[i] == 1 for i in axes):
        return op.Squeeze(y, axes)
    return op.ReduceSum(y, axes, keepdims=0)


def _classes(score: Score) -> int:
    if score.classes is None:
        raise ModelError(
            f"score '{score.name}' has a dynamic number of classes; only target='cotangent' "
            f"can explain it"
        )
    return score.classes


def _resolve(op: Emitter, score: Score, chosen: Tensor) -> Tensor:
    """-1 becomes the row's top class; whatever is out of range, or of too many rows, fails here."""
    y, classes, own = pooled(op, score), _classes(score), np.array(-1, np.int64)
    top = op.ArgMax(y, axis=1, keepdims=0)
    beyond = np.array(classes, np.int64)
    checked = op.Where(op.Less(chosen, own), beyond, chosen)  # a Gather would wrap it
    index = op.typed(op.Where(op.Equal(chosen, own), top, checked), top.shape)
    iota = np.arange(classes, dtype=np.int64)
    if op.opset < 11:
        checked = op.typed(op.Reshape(index, op.Shape(top)), top.shape)  # as many as there are rows
        return op.Gather(iota, checked, axis=0)
    rows = op.expand_like(op.constant(iota.reshape(1, classes)), y)
    return op.Squeeze(op.GatherElements(rows, op.Unsqueeze(index, [1]), axis=1), [1])


def _top(op: Emitter, score: Score, target: str) -> Seeds:
    count = target.removeprefix("top:")
    if not count.isdigit() or not 1 <= int(count) <= _classes(score):
        raise TargetError(f"target '{target}': expected top:1 to top:{_classes(score)}")
    y = pooled(op, score)
    if int(count) == 1:
        ranks = [op.ArgMax(y, axis=1, keepdims=0)]
    else:
        _, order = op.TopK(y, [int(count)], axis=1, outputs=2)
        ranks = [op.Squeeze(op.Slice(order, [i], [i + 1], [1]), [1]) for i in range(int(count))]
    seeds = tuple(_of_class(op, score, rank) for rank in ranks)
    return Seeds(seeds, stacked=True, text=target)


def _of_class(op: Emitter, score: Score, index: Tensor, used: Tensor | None = None) -> Seed:
    """One-hot at `index`: [N], or a constant for all rows."""
    y, classes = score.tensor, _classes(score)
    iota = np.arange(classes, dtype=np.int64)
    shape = [1] * len(y.shape)
    shape[score.class_axis] = classes
    if used is not None:
        hot = op.constant((iota == op.value(index)).reshape(shape).astype(y.dtype))
    else:
        column = op.Unsqueeze(index, list(range(1, len(y.shape))))
        hot = op.Cast(op.Equal(iota.reshape(shape), column), to=y.dtype)
        op.shortcuts.mark_rows(hot, index)
    rows = index if used is None else used
    return Seed(op.expand_like(hot, y), _score(op, score, rows), rows)


def _score(op: Emitter, score: Score, rows: Tensor) -> Tensor:
    """y^c [N] in float32."""
    y = pooled(op, score)
    if op.opset >= 11:
        picked = op.Squeeze(op.GatherElements(y, op.Unsqueeze(rows, [1]), axis=1), [1])
    else:
        iota = np.arange(_classes(score), dtype=np.int64)[None]
        hot = op.Cast(op.Equal(iota, op.Unsqueeze(rows, [1])), to=y.dtype)
        picked = op.ReduceSum(op.Mul(hot, y), [1], keepdims=0)
    return picked if y.dtype == np.float32 else op.Cast(picked, to=np.float32)
