"""Runs a model on photos that are prepared in several ways, and says how well each becomes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backend import Array, Backend
from ..errors import CamError, InputError
from ..head import head_of, probability_of
from .candidates import Candidate, alike, colours, fits, same
from .likely import LOGITS, likely
from .verdict import Verdict, judge

AGREES = 0.9
"""Correlation from which on two models say the same: rounding leaves more, wrong colours less."""
CONFIDENT = 0.1
"""What confidence and consistency must come to: those of guesses are near 0."""
MORE = float(np.log(1.25))
"""A way is told from another where it disagrees by a quarter more, or more, and on most photos."""
MARGIN = 0.02
"""Differences of confidence and consistency that never count."""
ROUNDING = 1e-6
"""Disagreement that kernels of float32 make."""
SPREAD = 3.0
"""Of logits that are compared: that of a classifier which is about as sure as right."""
CUT = 0.06
"""Of each side, what the views of a photo lack."""

Step = Callable[[], object]


@dataclass(frozen=True)
class Examined:
    """What was tried, and what came of it."""

    candidates: tuple[Candidate, ...]
    """That which is used first."""
    values: tuple[Array, ...]
    """Of each a number a photo [N]."""
    verdict: Verdict


Rate = Callable[[Candidate], Array | None]
"""A way -> a number a photo; None where the model does not take it."""


def against(
    backend: Backend,
    used: Candidate,
    photos: Sequence[Array],
    reference: Sequence[Array],
    step: Step = lambda: None,
) -> Examined:
    """How well the model's scores go with those of a reference, fed as it is to be.

    r of a photo: Pearson's correlation of all numbers of both scores.

    Args:
        used: how the model is fed now.
        photos: uint8 [H, W, 3] each.
        reference: of each photo the reference's score.

    Raises:
        InputError: the scores are of different shapes.
    """

    def rate(one: Candidate) -> Array | None:
        step()
        scores = scores_of(backend, one, photos)
        if scores is None:
            return None
        if scores[0].shape != reference[0].shape:
            raise InputError(
                f"the models score {list(scores[0].shape)} and {list(reference[0].shape)}: only "
                "models of the same answers can be compared"
            )
        return np.array([correlation(y, r) for y, r in zip(scores, reference, strict=True)])

    return _examined(rate, used, photos, least=AGREES, margin=MORE, of=closeness, reshaped=True)


def alone(
    backend: Backend, used: Candidate, photos: Sequence[Array], step: Step = lambda: None
) -> Examined:
    """How confident the model is, and how consistent, without anything to compare with.

    S of photo i: mean over pairs of its views of <p, p'> - mean over the views of other photos of
    <p, p'>, p the probabilities of the classes; views: the photo, its mirror image, and two cuts.
    It is 1 where every view of a photo is surely one class and every photo another, and 0 where p
    does not depend on the photo, be it a guess or one class for all. Logits are brought to one
    spread before: larger inputs make any network surer.

    Raises:
        InputError: the model makes no probabilities, or it is a single photo.
    """
    if len(photos) < 2:
        raise InputError(
            "one photo does not tell a model that sees from one that always says the same: give "
            "several, of different things"
        )
    head, how = head_of(backend), probability_of(backend)
    kind = "classes" if head is None else head.kind

    def rate(one: Candidate) -> Array | None:
        step()
        views = [view for photo in photos for view in views_of(photo)]
        scores = scores_of(backend, one, views)
        if scores is None:
            return None
        if how == "softmax" or (how == "" and kind in LOGITS):
            scores = evened(scores)
        p = np.array([likely(y, head, how, backend.class_axis) for y in scores])
        return consistency(p.reshape(len(photos), -1, p.shape[-1]))

    return _examined(rate, used, photos, least=CONFIDENT, margin=MARGIN)


def consistency(p: Array) -> Array:
    """S [N] of the probabilities of the views of photos [N, V, C]; NaN counts as nothing seen."""
    p = np.nan_to_num(np.asarray(p, np.float64))
    n, views, _ = p.shape
    flat = p.reshape(n * views, -1)
    products = (flat @ flat.T).reshape(n, views, n, views)
    own = np.array([products[i, :, i] for i in range(n)])  # [N, V, V]
    of_itself = np.trace(own, axis1=1, axis2=2)
    within = (own.sum((1, 2)) - of_itself) / max(views * (views - 1), 1)
    everything = products.sum(axis=(1, 2, 3))
    between = (everything - own.sum((1, 2))) / max(views * views * (n - 1), 1)
    found: Array = within - between
    return found


def evened(scores: Sequence[Array]) -> list[Array]:
    """Logits of one way, of all photos, about each one's mean with the deviation SPREAD."""
    axes = tuple(range(1, scores[0].ndim))
    off = np.array([y - y.mean(axis=axes, keepdims=True) for y in scores], np.float64)
    spread = float(np.std(off)) if np.isfinite(off).all() else 0.0
    return [y * (SPREAD / spread) if spread > 0 else np.zeros_like(y) for y in off]


def views_of(photo: Array) -> list[Array]:
    """The photo, its mirror image, and what is left without a strip of two sides, each way."""
    height, width = (round(CUT * side) for side in photo.shape[:2])
    cuts = [photo[height:, width:], photo[: photo.shape[0] - height, : photo.shape[1] - width]]
    return [photo, *(np.ascontiguousarray(v) for v in (photo[:, ::-1], *cuts))]


def correlation(a: Array, b: Array) -> float:
    """Pearson's r of all numbers; 0 where one does not vary, or is none."""
    x, y = (np.ravel(v).astype(np.float64) for v in (a, b))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    size = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / size) if size > 0 else 0.0


def scores_of(backend: Backend, one: Candidate, photos: Sequence[Array]) -> list[Array] | None:
    """The score of each photo; None where the model does not take such an input."""
    rows = one.info.shape[0] if one.info.batched else None
    repeated = isinstance(rows, int) and rows > 1  # as often as a fixed batch wants it
    alone = slice(1 if repeated else None)
    try:
        return [np.asarray(backend.look(one.x(photo), layers=()).score)[alone] for photo in photos]
    except CamError:
        return None


def closeness(r: Array) -> Array:
    """-log(1 - r): in it a disagreement that doubles is as far from near 1 as from near 0."""
    return -np.log(np.maximum(1 - np.asarray(r, np.float64), 0) + ROUNDING)


def _examined(
    rate: Rate,
    used: Candidate,
    photos: Sequence[Array],
    *,
    least: float,
    margin: float,
    of: Callable[[Array], Array] = np.asarray,
    reshaped: bool = False,
) -> Examined:
    """The colours first, at the fit that is used; then the fits, of the best colours; and where
    another fit is better, the colours again at that one.
    """
    tried: list[tuple[Candidate, Array]] = []

    def add(ways: Sequence[Candidate]) -> Candidate:
        for way in ways:
            known = any(same(one, way) or alike(one, way, photos) for one, _ in tried)
            value = None if known else rate(way)
            if value is not None:
                tried.append((way, value))
        return max(tried, key=lambda one: float(of(one[1]).mean()))[0]

    if (first := rate(used)) is None:
        raise InputError("the model does not take a photo as it is fed: see `gradcam check`")
    tried.append((used, first))
    best = add(colours(used.spec, used.info, reshaped=reshaped))
    fitted = add(fits(best))
    if fitted.spec.fit != best.spec.fit or fitted.spec.margin != best.spec.margin:
        base = replace(used.spec, fit=fitted.spec.fit, margin=fitted.spec.margin, resize=None)
        fit = fitted.name[fitted.name.rindex(", ") :]
        add([replace(one, name=one.name + fit) for one in colours(base, used.info)])
    values = tuple(value for _, value in tried)
    verdict = judge(values, 0, least=least, margin=margin, of=of)
    return Examined(tuple(one for one, _ in tried), values, verdict)
