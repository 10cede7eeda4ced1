"""The steps of `gradcam check`: each says what it found and returns it for the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cam_core.cli.inputs.opened import Setup
from cam_core.cli.naming import top_line
from cam_core.cli.presets import Trial, as_record, likeliest, trials
from cam_core.cli.report import console, grid, line, progress
from cam_core.errors import CamError
from cam_core.metrics.slopes import DIRECTIONS, LIMIT
from cam_core.metrics.slopes import compare as compare_slopes
from cam_core.targets import ScoredTarget

from ..differentiating.coverage import Coverage, coverage
from ..finding.analysis import instrumented
from ..instrumenting.instrument import instrument
from ..instrumenting.strip import strip
from ..reading.load import Source, load
from .comparison import Runtime
from .comparison import compare as compare_outputs

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Screen", "compare", "cover", "differentiate", "inspect", "load", "open_source"]


class Screen:
    """Says it for people, or not at all; nothing before `release`, lest bad input leaves half."""

    def __init__(self, *, silent: bool) -> None:
        self.out = None if silent else console()
        self.held: list[Callable[[Console], None]] | None = []

    def line(self, name: str, text: str) -> None:
        """A name and its value."""
        self._say(lambda out: line(out, name, text))

    def grid(self, columns: dict[str, str], rows: Sequence[Sequence[str]]) -> None:
        """A plain table."""
        self._say(lambda out: out.print(grid(columns, rows), soft_wrap=True))

    def release(self) -> None:
        """Say what was held, and from now on everything at once."""
        held, self.held = self.held or [], None
        for say in held:
            self._say(say)

    def _say(self, say: Callable[[Console], None]) -> None:
        if self.held is not None:
            self.held.append(say)
        elif self.out is not None:
            say(self.out)


def open_source(model: Path, screen: Screen) -> Source:
    """The model; of an instrumented one its source, whose hash is verified by that."""
    source = load(model)
    if not instrumented(source.model):
        return source
    plain = Source(strip(source), source.path)
    screen.line("source", "instrumented: what was added comes off, the source's hash is right")
    return plain


def cover(
    source: Source, layer: str | None, score: str | None, screen: Screen
) -> tuple[dict[str, Any], str]:
    """The coverage, and why there is no gradient ('' where there is one).

    Raises:
        CamError: a layer or score that was named makes no sense.
    """
    try:
        found = coverage(source, layer, score)
    except CamError as error:
        if layer is not None or score is not None:
            raise
        return {"explainable": False, "refused": str(error)}, str(error)
    _tell(screen, found)
    facts = {
        "explainable": not found.refused,
        "refused": found.refused,
        "layer": found.layer,
        "score": found.score,
        "operators": [asdict(row) for row in found.operators],
        "emitted": dict(found.emitted),
        "unportable": list(found.unportable),
        "nearest_usable": found.nearest_usable,
    }
    return facts, found.refused


def _tell(screen: Screen, found: Coverage) -> None:
    """The coverage, for people."""
    screen.line("layer", found.layer)
    screen.line("score", found.score)
    rows = [
        (
            f"{row.domain}.{row.operator}" if row.domain else row.operator,
            str(row.count),
            row.status,
            row.reason,
        )
        for row in found.operators
    ]
    screen.grid({"operator": "", "count": "r", "derivative": "", "": "fold"}, rows)
    if found.refused:
        if found.nearest_usable:
            nearest = f"--layer {found.nearest_usable}, the nearest later one that works"
            screen.line("try", nearest)
        return
    screen.line("adds", ", ".join(f"{op} {n}" for op, n in found.emitted.items()))
    lacking = ", ".join(found.unportable)
    screen.line("portable", f"no: some runtimes lack {lacking}" if lacking else "yes")


def compare(
    source: Source, flags: Mapping[str, Any], setup: Setup, screen: Screen
) -> dict[str, Any]:
    """The original outputs before and after."""
    runtime = Runtime(
        flags.get("providers", ()),
        flags.get("optimization", "all"),
        flags.get("custom_ops", ()),
        setup.reader.extras,
    )
    result = instrument(source, layer=flags.get("layer"), score=flags.get("score"))
    found = compare_outputs(result, source, runtime)
    screen.line("outputs", found.text)
    return {**found.record(), "moved": found.moved}


def inspect(setup: Setup, screen: Screen) -> dict[str, Any]:
    """What the model sees in one input, and where it is a photo, what under each preset."""
    slot = setup.slots[0]
    sample = setup.reader.open(slot)
    top = likeliest(setup.backend, sample.x, setup.names)
    screen.line("input", sample.description + ("" if slot.feed else f" ({setup.source})"))
    screen.line("labels", setup.named)
    if top:
        screen.line(f"top {len(top)}", f"{slot.name}: {top_line(top)}")
    found = {
        "name": slot.name,
        "preprocessing": {"source": setup.source, "description": sample.description},
        "labels": setup.named,
        "top": as_record(top),
    }
    if slot.feed or not top:
        return found
    with progress(5, "presets"):
        tried = trials(setup, slot)
    screen.grid(
        {"--preprocess": "", "top class": "", "label": "fold", "prob.": "r", "input": "fold"},
        [_row(trial, sample.description) for trial in tried],
    )
    presets = [
        {"preset": t.preset, "description": t.description, "top": as_record(t.top)} for t in tried
    ]
    return found | {"presets": presets}


def _row(trial: Trial, used: str) -> tuple[str, ...]:
    """One preset in the table; the one in use has a star."""
    name = trial.preset + (" *" if trial.description == used else "")
    if not trial.top:
        return name, "-", "", "", trial.description
    index, label, likely = trial.top[0]
    return name, str(index), label, f"{likely:.3f}", trial.description


def differentiate(
    setup: Setup,
    targets: Sequence[ScoredTarget],
    layer: str | None,
    staircase: bool,
    screen: Screen,
) -> list[dict[str, Any]]:
    """G against central differences, target by target; `staircase`: quantisers are in between."""
    sample = setup.reader.open(setup.slots[0] if setup.slots else setup.noise())
    results = []
    with progress(DIRECTIONS * len(targets), "differences") as step:
        for target in targets:
            found = compare_slopes(setup.backend, sample.x, target, layer=layer, step=step)
            name = "top class" if target.label == "top" else target.label
            passed = None if staircase and not found.passed else found.passed
            zeros = ", zeros held" if found.held else ""
            screen.line(
                "numeric",
                f"{name}: median error {found.median:.1e} of {DIRECTIONS} directions "
                f"({sample.slot.name}{zeros}), limit {LIMIT:.0e}: {_judged(passed, staircase)}",
            )
            results.append(
                {
                    "target": name,
                    "input": sample.slot.name,
                    "median": found.median,
                    "errors": list(found.errors),
                    "steps": list(found.steps),
                    "limit": LIMIT,
                    "rounding": found.rounding,
                    "zeros_held": found.held,
                    "passed": passed,
                }
            )
    return results


def _judged(passed: bool | None, staircase: bool) -> str:
    """What the median says of G."""
    if passed is None:
        why = "quantised steps hide" if staircase else "rounding of the score hides"
        return f"cannot be judged, {why} the slope; check the float32 model"
    return "G agrees" if passed else "G does not agree"


def verdict(passed: bool, refused: str) -> str:
    """The last line."""
    if refused:
        return f"no: {refused}"
    return "yes: it can be explained" if passed else "no: see above"
