"""The cotangent at the score: a class asked for by an input, a constant, or the model's top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError, TargetError
from cam_core.targets import (
    ClassTarget,
    ContrastTarget,
    ProbabilityTarget,
    ScoredTarget,
    TopTarget,
    parse_target,
)

from ..finding.scores import Score
from ..reading.graph import Tensor
from ..writing.arithmetic import widened
from ..writing.op import Op

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


def plant(
    op: Op,
    score: Score,
    target: str | int | Sequence[str | int],
    labels: Sequence[str] | None,
    *,
    static: bool = False,
) -> Seeds:
    """The seeds of a `target=`: "input", "cotangent", or whatever `parse_target` reads.

    Several targets, and top:k, get an axis of their own. `static`: as many classes as rows.

    Raises:
        TargetError: the class or label is unknown, or the score's classes are not static.
    """
    score = replace(score, tensor=widened(op, score.tensor))
    if isinstance(target, str) or not isinstance(target, Sequence | np.ndarray):
        asked = [target]
    else:
        asked = list(target)
    if not asked or None in asked:
        raise TargetError("no target: give 'input', 'cotangent', top:k, a class or a label")
    for fed in ("input", "cotangent"):
        if fed in asked and len(asked) > 1:
            raise TargetError(f"target '{fed}' is fed at run time and stands alone")
    if asked == ["input"]:
        rows = score.tensor.shape[0] if static else "cam_rows"
        chosen = gs.Variable(CLASS_INPUT, np.dtype(np.int64), (rows,))
        return Seeds((_of_class(op, score, _resolve(op, score, chosen)),), (chosen,), text="input")
    if asked == ["cotangent"]:
        given = gs.Variable(COTANGENT_INPUT, score.tensor.dtype, score.tensor.shape)
        return Seeds((Seed(given),), (given,), text="cotangent")
    seeds: list[Seed] = []
    texts: list[str] = []
    for one in asked:
        found = parse_target(str(one), labels, class_axis=score.class_axis)
        if isinstance(found[0], TopTarget):
            seeds += _top(op, score, len(found))
            texts.append(f"top:{len(found)}")
        else:
            seeds.append(_named(op, score, found[0]))
            texts.append(found[0].label)
    stacked = len(asked) > 1 or texts[0].startswith("top:")
    return Seeds(tuple(seeds), stacked=stacked, text=";".join(texts))


def _named(op: Op, score: Score, target: ScoredTarget) -> Seed:
    """One target for all rows: a class, its probability, or one class against another."""
    if isinstance(target, ContrastTarget):
        a, b = (_constant(op, score, index) for index in (target.a, target.b))
        assert a.score is not None
        assert b.score is not None
        return Seed(op.Sub(a.cotangent, b.cotangent), op.Sub(a.score, b.score), a.used)
    assert isinstance(target, ClassTarget | ProbabilityTarget)
    assert isinstance(target.index, int)
    if isinstance(target, ProbabilityTarget):
        return _probability(op, score, target.index)
    return _constant(op, score, target.index)


def _constant(op: Op, score: Score, index: int) -> Seed:
    """One class for ever."""
    checked = op.constant(np.array([_in_range(score, index)], np.int64))
    used = op.Expand(checked, op.extent(score.tensor, 0))
    return _of_class(op, score, checked, used)


def _in_range(score: Score, index: int) -> int:
    classes = score.classes
    if index < 0 or (classes is not None and index >= classes):
        hint = "; the top class of each row is top:1" if index == -1 else ""
        raise TargetError(f"class {index} is out of range: the score has {classes} classes{hint}")
    return index


def _probability(op: Op, score: Score, index: int) -> Seed:
    """p^c and dp^c/dy^j = p^c (1[j = c] sum_{i != c} p^i - 1[j != c] p^j).

    The sum over the other classes keeps its digits where p^c is nearly 1. The softmax is written
    out: the model may hold one of its own, which must not be merged with it.
    """
    y, axis, classes = score.tensor, score.class_axis, _classes(score)
    if index == -1:
        top = op.ArgMax(pooled(op, score), axis=1, keepdims=0)
        seed = _of_class(op, score, top)
    else:
        seed = _constant(op, score, index)
    hot = seed.cotangent
    if classes == 1:
        p = op.Sigmoid(y)
        return Seed(op.Mul(p, op.Sub(1.0, p)), _summed(op, score, p), seed.used)
    e = op.Exp(op.Sub(y, op.ReduceMax(y, [axis], keepdims=1)))
    p = op.Div(e, op.ReduceSum(e, [axis], keepdims=1))
    others = op.Mul(p, op.Sub(1.0, hot))
    p_c = op.ReduceSum(op.Mul(p, hot), [axis], keepdims=1)
    rest = op.ReduceSum(others, [axis], keepdims=1)
    slope = op.Mul(p_c, op.Sub(op.Mul(hot, rest), others))
    return Seed(slope, _summed(op, score, p_c), seed.used)


def _summed(op: Op, score: Score, p: Tensor) -> Tensor:
    """The probability [N] in float32, summed over the positions of a dense score."""
    total = op.ReduceSum(p, list(range(1, len(score.tensor.shape))), keepdims=0)
    return total if score.tensor.dtype == np.float32 else op.Cast(total, to=np.float32)


def pooled(op: Op, score: Score) -> Tensor:
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


def _resolve(op: Op, score: Score, chosen: Tensor) -> Tensor:
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


def _top(op: Op, score: Score, count: int) -> list[Seed]:
    if count > _classes(score):
        raise TargetError(f"target 'top:{count}': expected top:1 to top:{_classes(score)}")
    y = pooled(op, score)
    if count == 1:
        ranks = [op.ArgMax(y, axis=1, keepdims=0)]
    else:
        _, order = op.TopK(y, [count], axis=1, outputs=2)
        ranks = [op.Squeeze(op.Slice(order, [i], [i + 1], [1]), [1]) for i in range(count)]
    return [_of_class(op, score, rank) for rank in ranks]


def _of_class(op: Op, score: Score, index: Tensor, used: Tensor | None = None) -> Seed:
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
        op.promises.say_one_hot(hot, index)
    rows = index if used is None else used
    return Seed(op.expand_like(hot, y), _score(op, score, rows), rows)


def _score(op: Op, score: Score, rows: Tensor) -> Tensor:
    """y^c [N] in float32."""
    y = pooled(op, score)
    if op.opset >= 11:
        picked = op.Squeeze(op.GatherElements(y, op.Unsqueeze(rows, [1]), axis=1), [1])
    else:
        iota = np.arange(_classes(score), dtype=np.int64)[None]
        hot = op.Cast(op.Equal(iota, op.Unsqueeze(rows, [1])), to=y.dtype)
        picked = op.ReduceSum(op.Mul(hot, y), [1], keepdims=0)
    return picked if y.dtype == np.float32 else op.Cast(picked, to=np.float32)
