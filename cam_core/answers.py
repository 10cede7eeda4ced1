"""One target by one method -> an explanation: from A and G, or from all that a model can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .assembling import asked, by_row, places, said, shown, summed, with_facts
from .backend import Array, Capture
from .choosing import of_its_own, of_the_best
from .errors import InputError, ModelError
from .explanation import Explanation
from .maps.combine import widened
from .maps.diagnosis import (
    STILL,
    Finite,
    diagnose,
    finite_rows,
    noise_floor,
    nothing,
    unmoved,
)
from .maps.repeated import once
from .merging import fuse, merged
from .methods import (
    AUTO,
    BEST,
    Method,
    Need,
    Question,
    with_options,
)
from .targets import ScoredTarget

CAPTURED: frozenset[Need] = frozenset({"gradients"})
"""What a method gets of a capture besides A."""
UNSEEN = "the map is zero: the activations of this layer are, or no channel has a weight"
SCORED: frozenset[Need] = frozenset({"tail", "passes"})


def explained(
    questions: Sequence[Question],
    name: str,
    *,
    labels: Sequence[str] | None = None,
    fuse: str | None = None,
    eigen: bool = False,
    **options: Any,
) -> Explanation:
    """One target by one method; of several layers merged, with what is doubtful about the target.

    Args:
        questions: the same target at each layer.
        name: of the method.
        labels: the names of the classes.
        fuse: a row of `FUSES`, how several layers are merged; as the scales of a detector if None.
        eigen: the first principal component of the weighted activations in place of their sum.
        options: of the method.
    """
    if name in (AUTO, BEST):
        choose = of_its_own if name == AUTO else of_the_best
        return choose(explained, questions, labels=labels, fuse=fuse, eigen=eigen, **options)
    method, target = with_options(name, options)[1], questions[0].target
    options |= {"labels": labels, "eigen": eigen}
    if not method.layered:
        return together([from_question(questions[0], name, **options)], target)
    if method.captured and "gradients" in method.needs:
        first = questions[0]
        known: dict[str, Any] = {
            "score": first.Y,
            "finite": first.once(Finite, Finite),
            "about": asked(target, first.look.score, labels),
        }
        found = [of_layer(one, name, **known, **options) for one in questions]
    else:
        found = [from_question(one, name, **options) for one in questions]
    return together(found, target, fuse)


def of_layer(
    question: Question, name: str, *, score: Array, about: Mapping[str, Any], **options: Any
) -> Explanation:
    """As `from_capture`; of a layer without a gradient all but the target is said once a look."""

    def found() -> Explanation:
        return from_capture(
            question.capture, question.target, name, score=score, about=about, **options
        )

    if not (still(question.capture) and with_options(name, {})[1].facts is None):
        return found()
    blank = question.once(("still", question.layer, name), found)
    return replace(blank, score=score, **about)


def still(capture: Capture) -> bool:
    """Is the gradient 0, of a score of many places? Of one number it may be saturated."""
    return (
        capture.logits.ndim > 2 and once(capture.gradients).size == 1 and nothing(capture.gradients)
    )


def from_captures(
    captured: Sequence[Capture], target: ScoredTarget, method: str, **options: Any
) -> Explanation:
    """As `from_capture`, of several layers merged, with what is doubtful about the target."""
    score = target.score(captured[0].logits)
    found = [from_capture(one, target, method, score=score, **options) for one in captured]
    return together(found, target)


def together(
    parts: Sequence[Explanation], target: ScoredTarget, how: str | None = None
) -> Explanation:
    """Those of several layers merged; what is doubtful about the target is said as well."""
    found = merged(parts) if how is None else fuse(parts, how)
    if not any(target.doubts):
        return found
    return replace(found, diagnosis=said(target.doubts, found.diagnosis))


def from_capture(
    capture: Capture,
    target: ScoredTarget,
    method: str = "gradcam",
    *,
    labels: Sequence[str] | None = None,
    eigen: bool = False,
    score: Array | None = None,
    finite: Callable[[Array], Array] = finite_rows,
    about: Mapping[str, Any] | None = None,
    **options: Any,
) -> Explanation:
    """The explanation that A and G amount to; `eigen`: see `explained`.

    Where they are known already, `score` is Y [N], `finite` tells the rows of the score and of A
    that hold neither NaN nor inf, and `about` is what is asked.

    Raises:
        InputError: the method needs more than that.
    """
    method, row = captured_method(method, options)
    A, G = widened(capture.activations), widened(capture.gradients)
    # NaN and inf are reported, row by row, by the diagnosis.
    with np.errstate(invalid="ignore", over="ignore"):
        alpha = row(A, G)
        within = capture.within if alpha is G else None
        kind = capture.activations.dtype
        signed, floor = summed(A, alpha, kind, eigen=eigen, within=within)
        score = target.score(capture.logits) if score is None else score
        if len(A) != len(score):  # frames: several maps a row
            alpha, signed = by_row(alpha, len(score)), by_row(signed, len(score))
            floor = np.max(by_row(floor, len(score)), axis=1)
            A, G = by_row(A, len(score)), by_row(G, len(score))
            capture = replace(capture, activations=A, gradients=G, within=None)
        diagnosis = diagnose(capture, score, target.unit, alpha, signed, floor, finite)
        facts = () if row.facts is None else row.facts(A, G)
    if diagnosis and all(reason.startswith("NaN") for reason in diagnosis):
        raise ModelError(f"layer '{capture.layer}': {diagnosis[0]}")
    known = Explanation(
        **shown(signed, floor),
        **(asked(target, capture.logits, labels) if about is None else about),
        alpha=alpha,
        score=score,
        layer=capture.layer,
        method=method,
        diagnosis=diagnosis,
        region=capture.region,
    )
    return with_facts(known, facts)


def from_question(
    question: Question,
    name: str,
    *,
    labels: Sequence[str] | None = None,
    eigen: bool = False,
    **options: Any,
) -> Explanation:
    """The explanation of a method that asks the model for more than A and G of a layer.

    Raises:
        InputError: `eigen` of a method without weights.
    """
    (name, method), rows = with_options(name, options), question.rows
    at_layer = method.at == "layer"
    if eigen and method.gives == "map":
        raise InputError(f"method '{name}' weighs no activations: smooth 'eigen' has none to take")
    with np.errstate(invalid="ignore", over="ignore"):
        found = formula(question, method)
        alpha = found if method.gives == "alpha" else None
        kind = question.look.score.dtype
        if alpha is None:
            signed, floor = found, noise_floor(found[:, None], kind)
        else:
            over = question.A if at_layer else question.X
            signed, floor = summed(over, alpha, kind, eigen=eigen)
        if len(signed) != rows:  # frames: several maps a row
            signed = by_row(signed, rows)
            floor = np.max(by_row(floor, rows), axis=1)
            alpha = None if alpha is None else by_row(alpha, rows)
        if method.needs & SCORED and method.gives == "map":  # of differences between scores
            rounded = noise_floor(question.Y[:, None, None], kind)
            floor = np.maximum(floor, rounded)
    note = question.guided_note if "guided gradients" in method.needs else ""
    where, region = places(question, method)
    return Explanation(
        **shown(signed, floor),
        **asked(question.target, question.look.score, labels),
        alpha=alpha,
        score=question.Y,
        layer=where,
        method=name,
        diagnosis=said([note] * rows, unmoved(signed, floor, STILL if method.needs else UNSEEN)),
        region=region,
    )


def formula(question: Question, method: Method) -> Array:
    """Alpha or map of the method, whatever it is a function of."""
    if not method.of_arrays:
        return method.formula(question)
    if method.at == "input":
        return method(question.X, question.GX if "gradients" in method.needs else None)
    return method(question.A, question.G if "gradients" in method.needs else None)


def captured_method(name: str, options: Mapping[str, Any]) -> tuple[str, Method]:
    """The method with these options, if it is a function of a capture, and how it is spelled."""
    name, method = with_options(name, options)
    if not method.captured:
        lacking = method.lacking(CAPTURED)
        what = f"needs {lacking}" if lacking else "is about the input"
        raise InputError(f"method '{name}' {what}: a capture does not tell, `explain` does")
    return name, method
