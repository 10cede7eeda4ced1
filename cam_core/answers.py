"""One target by one method -> an explanation: from A and G, or from all that a model can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .backend import Array, Capture
from .errors import InputError, ModelError
from .explanation import Explanation
from .maps.combine import positive, total
from .maps.diagnosis import diagnose, noise_floor, unmoved
from .merging import merged
from .methods import Method, Need, Question, find_method
from .methods.question import widened
from .region import Region
from .targets import ScoredTarget
from .targets.labels import label_of

CAPTURED: frozenset[Need] = frozenset({"gradients"})
"""What a method gets of a capture besides A."""


def explained(
    questions: Sequence[Question],
    name: str,
    *,
    labels: Sequence[str] | None = None,
    **options: Any,
) -> Explanation:
    """One target by one method; of several layers merged, with what is doubtful about the target.

    Args:
        questions: the same target at each layer.
        name: of the method.
        labels: the names of the classes.
        options: of the method.
    """
    method, target = find_method(name), questions[0].target
    if method.at != "layer":
        found = [from_question(questions[0], name, labels=labels, **options)]
    elif method.captured:
        found = [
            from_capture(one.capture, target, name, labels=labels, **options) for one in questions
        ]
    else:
        found = [from_question(one, name, labels=labels, **options) for one in questions]
    return together(found, target)


def from_captures(
    captured: Sequence[Capture], target: ScoredTarget, method: str, **options: Any
) -> Explanation:
    """As `from_capture`, of several layers merged, with what is doubtful about the target."""
    return together([from_capture(one, target, method, **options) for one in captured], target)


def together(parts: Sequence[Explanation], target: ScoredTarget) -> Explanation:
    """Those of several layers merged; what is doubtful about the target is said as well."""
    found = merged(parts)
    if not target.doubts:
        return found
    both = zip(target.doubts, found.diagnosis, strict=True)
    return replace(found, diagnosis=tuple("; ".join(filter(None, pair)) for pair in both))


def from_capture(
    capture: Capture,
    target: ScoredTarget,
    method: str = "gradcam",
    *,
    labels: Sequence[str] | None = None,
    **options: Any,
) -> Explanation:
    """The explanation that A and G amount to.

    Raises:
        InputError: the method needs more than that.
    """
    row = captured_method(method)
    A, G = widened(capture.activations), widened(capture.gradients)
    # NaN and inf are reported, row by row, by the diagnosis.
    with np.errstate(invalid="ignore", over="ignore"):
        alpha = row(A, G, **options)
        weighted = alpha * A
        signed = total(weighted)
        floor = noise_floor(weighted, capture.activations.dtype)
        score = target.score(capture.logits)
        if len(A) != len(score):  # frames: several maps a row
            alpha, signed = by_row(alpha, len(score)), by_row(signed, len(score))
            floor = np.max(by_row(floor, len(score)), axis=1)
            A, G = by_row(A, len(score)), by_row(G, len(score))
            capture = replace(capture, activations=A, gradients=G)
        diagnosis = diagnose(capture, score, target.unit, alpha, signed, floor)
    if diagnosis and all(reason.startswith("NaN") for reason in diagnosis):
        raise ModelError(f"layer '{capture.layer}': {diagnosis[0]}")
    known = Explanation(
        **shown(signed, floor),
        alpha=alpha,
        score=score,
        classes=None,
        layer=capture.layer,
        method=method,
        target=target.label,
        diagnosis=diagnosis,
        region=capture.region,
    )
    return named(known, target, capture.logits, labels)


def from_question(
    question: Question, name: str, *, labels: Sequence[str] | None = None, **options: Any
) -> Explanation:
    """The explanation of a method that asks the model for more than A and G of a layer."""
    method, rows = find_method(name), question.rows
    at_layer = method.at == "layer"
    with np.errstate(invalid="ignore", over="ignore"):
        found = formula(question, method, **options)
        alpha = found if method.gives == "alpha" else None
        if alpha is None:
            weighted = found[:, None]
        else:
            weighted = alpha * (question.A if at_layer else question.X)
        signed = total(weighted)
        floor = noise_floor(weighted, question.look.score.dtype)
        if len(signed) != rows:  # frames: several maps a row
            signed = by_row(signed, rows)
            floor = np.max(by_row(floor, rows), axis=1)
            alpha = None if alpha is None else by_row(alpha, rows)
    where, region = places(question, method)
    known = Explanation(
        **shown(signed, floor),
        alpha=alpha,
        score=question.Y,
        classes=None,
        layer=where,
        method=name,
        target=question.target.label,
        diagnosis=unmoved(signed, floor),
        region=region,
    )
    return named(known, question.target, question.look.score, labels)


def formula(question: Question, method: Method, **options: Any) -> Array:
    """Alpha or map of the method, whatever it is a function of."""
    if not method.of_arrays:
        return method.formula(question, **options)
    if method.at == "input":
        return method(question.X, question.GX if "gradients" in method.needs else None, **options)
    return method(question.A, question.G if "gradients" in method.needs else None, **options)


def shown(signed: Array, floor: Array) -> dict[str, Any]:
    """What an explanation says of a signed map [N, *S] and its noise [N]."""
    maps = positive(signed)
    top = np.max(maps, axis=tuple(range(1, maps.ndim)))
    return {"map": maps, "signed": signed, "raw_max": top, "noise_floor": floor}


def named(
    known: Explanation, target: ScoredTarget, y: Array, labels: Sequence[str] | None
) -> Explanation:
    """With the classes that it is about, their labels, and what else the target says."""
    classes = target.classes(y)
    return replace(
        known,
        classes=classes,
        labels=None if classes is None else tuple(label_of(int(c), labels) for c in classes),
        detail=target.detail,
        outline=target.outline,
    )


def places(question: Question, method: Method) -> tuple[str, Region | None]:
    """The name of what the map's places are those of, and what of the input they cover."""
    if method.at == "attention":
        return question.attention.name, question.attention.region
    if method.at == "input":
        return question.input.name, whole(question)
    return question.layer, question.look.regions.get(question.layer)


def whole(question: Question) -> Region:
    """All of the input, which a map of its own size lies over."""
    info = question.input
    apart = (info.row_axis, info.channel_axis)
    axes = tuple(axis for axis in range(question.picture.ndim) if axis not in apart)
    return Region(info.name, axes, ((0, 1),) * len(axes), axes)


def by_row(values: Array, rows: int) -> Array:
    """[N k, ...] as [N, k, ...]."""
    return values.reshape(rows, -1, *values.shape[1:])


def captured_method(name: str) -> Method:
    """The method of that name, if it is a function of a capture."""
    method = find_method(name)
    if not method.captured:
        lacking = method.lacking(CAPTURED)
        what = f"needs {lacking}" if lacking else "is about the input"
        raise InputError(f"method '{name}' {what}: a capture does not tell, `explain` does")
    return method
