"""What `gradcam check` says of G on one input: is there any, and is it what differences say?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array, Backend, Inputs, Look
from cam_core.cli.inputs.opened import Setup
from cam_core.cli.inputs.samples import Sample
from cam_core.cli.report import progress
from cam_core.errors import CamError
from cam_core.explain import seen_by
from cam_core.metrics.slopes import FEW, MOST, Numeric, compare_slopes
from cam_core.metrics.verdicts import AGREES, AT_A_KINK, DIFFERS, LIMIT, UNTOLD
from cam_core.targets import ScoredTarget

from ..reading.units import STAIRCASES
from .screen import Screen


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
        each = [target for question in targets for target in question.found_in(seen)]
        found = tuple((target, look.pull(target).layers[look.layers[0]]) for target in each)
    except CamError as error:
        if required:
            raise
        screen.line("gradient", f"not tried: {error}")
        return None
    return Tried(backend, sample, look, found)


def tell_empty(tried: Tried, screen: Screen) -> list[dict[str, Any]]:
    """For each target whether G weighs anything; where it does not, a layer at which it does."""
    results = []
    for target, G in tried.targets:
        why = emptiness(G)
        name = tried.sample.slot.name
        found: dict[str, Any] = {"target": called(target), "input": name, "empty": why}
        if why:
            other = elsewhere(tried.backend, tried.sample.x, target, tried.layer)
            cure = f"try --layer {other}" if other else "so at all listed layers; try another input"
            text = f"{why} at '{tried.layer}' ({called(target)}, {name}): {cure}"
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
    with progress(most * len(tried.targets), "differences") as step:
        for target, G in tried.targets:
            found = compare_slopes(tried.look, G, target, most=most, step=step)
            passed = None if staircase and not found.passed else found.passed
            text = _judged(found, passed, staircase=staircase)
            screen.line("numeric", f"{_errors(found, tried, target)}: {text}")
            results.append(
                {
                    "target": called(target),
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


def called(target: ScoredTarget) -> str:
    """As people say it."""
    return "top class" if target.label == "top" else target.label


def _errors(found: Numeric, tried: Tried, target: ScoredTarget) -> str:
    """The directions in one line."""
    counts = {verdict: found.count(verdict) for verdict in (AT_A_KINK, UNTOLD, DIFFERS)}
    told = "".join(f", {count} {verdict}" for verdict, count in counts.items() if count)
    ties = f", {found.how}" if found.how else ""
    count = len(found.directions)
    return (
        f"{called(target)}: median error {found.median:.1e} of {count} direction{'s'[: count - 1]}"
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
