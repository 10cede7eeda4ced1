"""What is left of the drift when a set of tensors is kept in float: restored, and run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array, Inputs, Layer
from cam_core.compare.layers import like
from cam_core.errors import CamError, LayerError
from cam_core.explain import explain
from cam_core.metrics.agreement.correlation import spearman
from cam_core.targets import ScoredTarget

from ..capturing.backend import OnnxBackend


@dataclass(frozen=True, eq=False)
class Case:
    """A photo, and what the float model says of it."""

    name: str
    x: Inputs
    target: ScoredTarget
    """Held: of the other model the same is asked."""
    score: float
    signed: Array | None
    """The signed map; None where it makes none."""
    layer: Layer | None = None
    """Where that is looked for."""
    plain: OnnxBackend | None = None
    """The float model itself."""


@dataclass(frozen=True)
class Drift:
    """How far a model is from the float one, over some photos."""

    rms: float
    """Of the differences of the score that is explained; inf where one is no number."""
    worst_map: float | None
    """The lowest Spearman of the signed maps; None where they were not asked for, or differ in
    shape."""
    median_map: float | None = None


@dataclass(frozen=True)
class Point:
    """One set of tensors kept in float."""

    kept: tuple[str, ...]
    drift: Drift


def case_of(backend: OnnxBackend, name: str, x: Inputs, target: ScoredTarget) -> Case:
    """What the float model says of a photo."""
    try:
        found = explain(backend, x, target, "gradcam")
    except CamError:  # no layer to look at, or none with a derivative: the score alone
        look = backend.look(x, layers=())
        return Case(name, x, target, float(target.score(look.score, look.outputs)[0]), None)
    layer = next((one for one in backend.layers() if one.name == found.layer), None)
    layer = Layer(found.layer, "", ()) if layer is None else layer
    return Case(name, x, target, float(found.score[0]), found.signed, layer, backend)


def drift(backend: OnnxBackend, cases: Sequence[Case], *, maps: bool = True) -> Drift:
    """Of a model against the float one, rms = sqrt(mean (Y_B - Y_A)^2).

    Args:
        maps: compare the maps as well.
    """
    differences, likeness = [], []
    layer = layer_of(backend, cases) if maps else None
    for case in cases:
        y, signed = _seen(backend, case, layer if case.signed is not None else None)
        differences.append(y - case.score)
        if signed is not None and case.signed is not None and signed.shape == case.signed.shape:
            finite = bool(np.isfinite(signed).all())
            likeness.append(float(spearman(signed, case.signed)[0]) if finite else float("nan"))
    rms = float(np.sqrt(np.mean(np.square(differences))))
    whole = maps and len(likeness) == len(cases)
    known = [r for r in likeness if np.isfinite(r)]
    return Drift(
        rms if np.isfinite(rms) else float("inf"),
        min(known) if whole and known else None,
        float(np.median(known)) if whole and known else None,
    )


def layer_of(backend: OnnxBackend, cases: Sequence[Case]) -> str | None:
    """Where another model looks at what the float one did; None where that is not found.

    Its own default may be another once tensors are kept in float.
    """
    case = next((one for one in cases if one.layer is not None), None)
    if case is None or case.layer is None or case.plain is None:
        return None
    A = case.plain.look(case.x, layers=[case.layer.name]).activations[case.layer.name]
    try:
        return like(case.layer, A, backend, case.x).b
    except LayerError:
        return None


def differences(backend: OnnxBackend, cases: Sequence[Case]) -> Array:
    """Y_B - Y_A of each photo [P]."""
    return np.array([_seen(backend, case, None)[0] - case.score for case in cases])


def curve(
    restored: Callable[[Sequence[str]], OnnxBackend],
    order: Sequence[str],
    counts: Sequence[int],
    cases: Sequence[Case],
    *,
    maps: bool = True,
) -> list[Point]:
    """The drift when the first 1, 2, 4, ... of a ranking are kept in float."""
    sets = [tuple(order[:k]) for k in counts]
    return [Point(kept, drift(restored(kept), cases, maps=maps)) for kept in sets]


def counts_up_to(keep: int, total: int) -> list[int]:
    """1, 2, 4, ... and `keep`, and three times that: what a curve is drawn at."""
    powers = [2**i for i in range(keep.bit_length()) if 2**i < keep]
    return sorted({k for k in (*powers, keep, 3 * keep) if k <= total})


def _seen(backend: OnnxBackend, case: Case, layer: str | None) -> tuple[float, Array | None]:
    if layer is not None:
        found = explain(backend, case.x, case.target, "gradcam", layer=layer)
        return float(found.score[0]), found.signed
    look = backend.look(case.x, layers=())
    return float(case.target.score(look.score, look.outputs)[0]), None
