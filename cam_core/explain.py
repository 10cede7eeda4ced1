"""A model, an input and a question -> an explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .asking import asking_of, find_class_axis, seen_by
from .backend import Backend, Inputs, Target
from .errors import InputError, TargetError
from .explanation import Explanation
from .head import Head, head_of, probability_of
from .labelled import labelled
from .looking import Looks
from .maps.fuses import find_fuse
from .methods import about_input, usual_method
from .smoothing import Smooth, as_rows, explained
from .targets import Placed, ScoredTarget, as_target, parse_target

Asked = ScoredTarget | Target | int | str | Sequence[int] | None
"""None (the top class), a class, one class a row, text as for parse_target, or a target."""


def explain(
    backend: Backend,
    x: Inputs,
    target: Asked = None,
    method: str | None = None,
    *,
    layer: str | Sequence[str] | None = None,
    fuse: str | None = None,
    smooth: Smooth = (),
    labels: Sequence[str] | None = None,
    class_axis: int | None = None,
    placement: Placed | None = None,
    **options: Any,
) -> Explanation:
    """The maps of a batch for one target.

    Args:
        backend: the model, from `open_backend`.
        x: one input array, or several by name.
        target: what is explained; if None what suits the score, the top class of a classifier.
        method: a name in METHODS; if None what suits the score, gradcam of a classifier; `auto` is
            the same, and reciprocam where an operator has no derivative.
        layer: where to look; the backend's default layer if None, those of a detector merged.
            Several are fused.
        fuse: how several layers become one map: a row of `cam_core.maps.FUSES`.
        smooth: rows of `cam_core.smoothing.SMOOTHS`: "aug", "eigen" or both.
        labels: the names of the classes.
        class_axis: where the classes are in a dense score, -1 for [N, *S, C]; what the backend
            says if None.
        placement: where a photo lies in x, `Prepared.placement`: points and boxes of the target are
            then those of the photo, else of the input.
        options: of the method, such as `eps` of gradcam++.
    """
    axis, head = find_class_axis(backend, class_axis), head_of(labelled(backend, labels))
    asked = as_target(target, labels, class_axis=axis, head=head)
    layers = layer if layer is None or isinstance(layer, list | tuple) else [layer]
    if fuse is None and layers is not None and len(layers) > 1:
        raise InputError("several layers are one map by fuse='max' or its like; or explain_all")
    methods = [method or usual_method(head)]
    known: dict[str, Any] = {"layers": layers, "labels": labels, "placement": placement}
    known |= {"fuse": fuse, "smooth": smooth}
    found = explain_all(backend, x, [asked], methods, **known, **options)
    if len(found) > 1:
        raise TargetError(
            f"target '{asked.label}' is {len(found)} targets here: explain_all explains them all"
        )
    return found[0]


def explain_all(
    backend: Backend,
    x: Inputs,
    targets: Sequence[Asked] = (None,),
    methods: Sequence[str] | None = None,
    *,
    layers: Sequence[str] | None = None,
    fuse: str | None = None,
    smooth: Smooth = (),
    labels: Sequence[str] | None = None,
    class_axis: int | None = None,
    placement: Placed | None = None,
    **options: Any,
) -> list[Explanation]:
    """Every target at every layer by every method, in that order; default layers count as one.

    With `fuse` (a row of `cam_core.maps.FUSES`) the layers count as one as well: `parts` has each.

    Methods about the input alone know no layers, and come once a target.

    One forward pass, and one backward pass a target. The text `top:k` counts as k targets, and
    `box:all` as one a box. With no methods it is the one that suits the score, as in `explain`.
    `smooth="aug"` takes five passes more of each.
    """
    backend = labelled(backend, labels)
    methods = [usual_method(head_of(backend))] if methods is None else methods
    of_input = {name: about_input(name) for name in methods}
    as_rows(smooth)
    if fuse is not None:
        find_fuse(fuse)
    check_finite(x)
    asked = suited(backend, targets, labels, class_axis=class_axis)
    looks = Looks(backend, x, layers, methods=methods)
    known: dict[str, Any] = {"class_axis": class_axis, "placement": placement}
    seen = seen_by(backend, x, looks.first, labels, **known)
    asked_for: dict[str, Any] = {"labels": labels, "fuse": fuse, "smooth": smooth}
    found = []
    targets_found = [one for question in asked for one in question.found_in(seen)]
    looks.pulling.expect(targets_found)
    for target in targets_found:
        questions = looks.questions(target)
        whole = layers is None or fuse is not None
        each = [questions] if whole else [[question] for question in questions]
        found += [
            explained(of, method, **asked_for, **options)
            for i, of in enumerate(each)
            for method in methods
            if (i == 0 if of_input[method] else of[0].layer)
        ]
    own = looks.own_map if found else None
    return found if own is None else [replace(one, own=own) for one in found]


def suited(
    backend: Backend,
    targets: Sequence[Asked],
    labels: Sequence[str] | None = None,
    *,
    class_axis: int | None = None,
) -> list[ScoredTarget]:
    """As `expand`, for the score of a backend: a probability is the one that its model has.

    Raises:
        TargetError: a probability is asked for, and the model has none.
    """
    asking = asking_of(backend, labels, class_axis=class_axis)
    found = expand(targets, labels, class_axis=asking.class_axis, head=asking.head)
    asked = any(target.unit == "probability" for target in found)
    how = probability_of(backend) if asked else ""
    return [target.suited(how) for target in found]


def expand(
    targets: Sequence[Asked],
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
    head: Head | None = None,
) -> list[ScoredTarget]:
    """Each target that was asked for; `top:k` becomes k of them."""
    found: list[ScoredTarget] = []
    for asked in targets:
        if isinstance(asked, str):
            found += parse_target(asked, labels, class_axis=class_axis, head=head)
        else:
            found.append(as_target(asked, labels, class_axis=class_axis, head=head))
    return found


def check_finite(x: Inputs) -> None:
    """Refuses NaN and inf, which would reach every map."""
    for name, values in (x if isinstance(x, Mapping) else {"x": x}).items():
        array = np.asarray(values)
        if np.issubdtype(array.dtype, np.floating) and not np.all(np.isfinite(array)):
            raise InputError(f"input '{name}' holds NaN or inf: check how it was prepared")
