"""What `gradcam check` says of G on one input: is there any, and is it what differences say?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.asking import seen_by
from cam_core.backend import Array, Backend, Inputs, Look
from cam_core.cli.inputs.opened import Setup
from cam_core.cli.inputs.samples import Sample
from cam_core.cli.report import progress
from cam_core.errors import CamError, TargetError
from cam_core.head import entry_of
from cam_core.metrics.slopes import (
    AGREES,
    AT_A_KINK,
    DIFFERS,
    FEW,
    LIMIT,
    MOST,
    UNTOLD,
    Numeric,
    compare_slopes,
)
from cam_core.targets import ScoredTarget

from ..capturing.forward_pass import ForwardPass
from ..reading.units import STAIRCASES
from .screen import Screen

NOISE = "on random numbers: give IMAGE or --input"
NOWHERE = "no other listed layer has more; try another input, or another --target"


@dataclass(frozen=True)
class Tried:
    """One input, seen at the layer; G of each target."""

    backend: Backend
    sample: Sample
    look: Look
    targets: tuple[tuple[ScoredTarget, Array], ...]

    @property
    def layer(self) -> str:
        """Its own name."""
        return self.look.layers[0]


def pull(
    setup: Setup,
    sample: Sample,
    targets: Sequence[ScoredTarget],
    layer: str | None,
    screen: Screen,
    *,
    required: bool,
) -> Tried | None:
    """A forward pass, and a backward one for each target; None where the model takes no noise.

    Raises:
        CamError: the model cannot be run on the sample; without `required` that is but a remark.
    """
    backend = setup.backend
    try:
        look = backend.look(sample.x, layers=None if layer is None else [layer])
        seen = seen_by(backend, sample.x, look, setup.names, placement=sample.placement)
        asked = [target for question in targets for target in question.found_in(seen)]
        look = single(backend, sample.x, look, asked)
        (name,) = look.layers
        found = tuple((target, look.pull(_of_the_score(target)).layers[name]) for target in asked)
    except CamError as error:
        if required:
            raise
        screen.line("gradient", f"not tried: {error} ({NOISE})")
        return None
    return Tried(backend, sample, look, found)


def single(backend: Backend, x: Inputs, look: Look, targets: Sequence[ScoredTarget]) -> Look:
    """A look at one layer: of the scales of a detector at that which the first target weighs."""
    if len(look.layers) == 1:
        return look
    G = look.pull(targets[0]).layers
    name = next((name for name in look.layers if not emptiness(G[name])), look.layers[0])
    return backend.look(x, layers=[name])


def _of_the_score(target: ScoredTarget) -> ScoredTarget:
    """Only the score is run on from a layer."""
    if target.tensor:
        raise TargetError(
            f"target '{target.label}': check tries the score; make that output the score, "
            f"--score out:{target.tensor}, and ask for value:0 and its like"
        )
    return target


def tell_empty(tried: Tried, screen: Screen) -> list[dict[str, Any]]:
    """For each target whether G weighs anything; where it does not, a layer at which it does."""
    results = []
    for target, G in tried.targets:
        why = emptiness(G)
        name = tried.sample.slot.name
        found: dict[str, Any] = {
            "target": called(target, tried.backend),
            "input": name,
            "empty": why,
        }
        if why:
            other = elsewhere(tried.backend, tried.sample.x, target, tried.layer)
            cure = f"try --layer {other}" if other else NOWHERE
            text = (
                f"{why} at layer '{tried.layer}' ({called(target, tried.backend)}, {name}); {cure}"
            )
            screen.line("gradient", text)
            found["elsewhere"] = other
        results.append(found)
    return results


def emptiness(G: Array) -> str:
    """Why G weighs nothing; '' where it does."""
    if not np.all(np.isfinite(G)):
        return "not finite"
    return "" if np.any(G) else "exactly 0"


def elsewhere(backend: Backend, x: Inputs, target: ScoredTarget, layer: str) -> str | None:
    """The latest listed layer whose G is not empty, None where there is none.

    All are looked at in one pass; where an operator before some has no derivative, the later ones.
    """
    names = [listed.name for listed in backend.layers() if listed.name != layer]
    while names:
        try:
            G = backend.look(x, layers=names).pull(target).layers
        except CamError:
            names = names[len(names) // 2 + 1 :]
            continue
        return next((name for name in reversed(names) if not emptiness(G[name])), None)
    return None


def differentiate(tried: Tried, operators: Sequence[str], screen: Screen) -> list[dict[str, Any]]:
    """G against differences, target by target; `operators` are those in between."""
    staircase = not STAIRCASES.isdisjoint(operators)
    most = FEW if staircase else MOST
    results = []
    finer = None if staircase else functools.cache(functools.partial(_wide_tail, tried))
    with progress(most * len(tried.targets), "differences") as step:
        for target, G in tried.targets:
            found = compare_slopes(tried.look, G, target, stairs=staircase, finer=finer, step=step)
            passed = None if staircase and not found.passed else found.passed
            text = _judged(found, passed, staircase=staircase)
            screen.line("numeric", f"{_errors(found, tried, target)}: {text}")
            results.append(
                {
                    "target": called(target, tried.backend),
                    "input": tried.sample.slot.name,
                    "median": found.median,
                    "errors": [d.error for d in found.directions],
                    "steps": [d.step for d in found.directions],
                    "doubts": [d.doubt for d in found.directions],
                    "rounding": [d.rounding for d in found.directions],
                    "verdicts": [d.verdict for d in found.directions],
                    "limit": LIMIT,
                    "ties": found.how,
                    "passed": passed,
                }
            )
    return results


def _wide_tail(tried: Tried) -> Callable[[Array], Array] | None:
    """The tail in float64, where there is one."""
    seen = tried.look
    return seen.wide_tail(tried.layer) if isinstance(seen, ForwardPass) else None


def called(target: ScoredTarget, backend: Backend) -> str:
    """As people say it: of several numbers the top one is the top class, value or the like."""
    return f"top {entry_of(backend)}" if target.label == "top" else target.label


def _errors(found: Numeric, tried: Tried, target: ScoredTarget) -> str:
    """The directions in one line."""
    counts = {verdict: found.count(verdict) for verdict in (AT_A_KINK, UNTOLD, DIFFERS)}
    told = "".join(f", {count} {verdict}" for verdict, count in counts.items() if count)
    ties = f", {found.how}" if found.how else ""
    count = len(found.directions)
    return (
        f"{called(target, tried.backend)}: "
        f"median error {found.median:.1e} of {count} direction{'s'[: count - 1]}"
        f"{told} ({tried.sample.slot.name}{ties}), limit {LIMIT:.0e}"
    )


def _judged(found: Numeric, passed: bool | None, *, staircase: bool) -> str:
    """What the directions say of G."""
    if passed is None:
        why = "quantised steps hide" if staircase else "kinks or rounding of the score hide"
        return f"cannot be judged, {why} the slope; check the float32 model"
    if not passed:
        return "G does not agree"
    return "G agrees" if found.count(AGREES) else "G agrees at a kink"
