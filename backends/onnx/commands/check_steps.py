"""The steps of `gradcam check`: each says what it found and returns it for the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cam_core.backend import Array
from cam_core.cli.inputs.opened import Setup, bring_together
from cam_core.cli.inputs.samples import Sample
from cam_core.cli.naming import Scored, as_record, top_line
from cam_core.cli.presets import Trial, likeliest, trials
from cam_core.cli.report import heads_said, progress
from cam_core.cli.typed import extents, flag, pieces, running
from cam_core.errors import CamError, InputError
from cam_core.head import entry_of, head_of
from cam_core.sources import Sources

from ..capturing.backend import OnnxBackend
from ..capturing.sized import analyse_at
from ..differentiating.coverage import Coverage, coverage
from ..finding.analysis import Analysis, instrumented
from ..instrumenting.browser import in_browser
from ..instrumenting.instrument import instrument
from ..instrumenting.profiles import fixed_sizes
from ..instrumenting.strip import strip
from ..reading.load import Source, load
from ..running.feed import feed, rows
from ..running.runner import Runner
from .comparison import compare_outputs
from .screen import Screen
from .words import inputs_said, layer_said

if TYPE_CHECKING:
    from .arguments import Check


@dataclass(frozen=True)
class Opened:
    """The model that is checked; of an instrumented one its source."""

    asked: Check
    source: Source
    metadata: Mapping[str, str]
    """The file's own, those of an instrumented one included."""

    @cached_property
    def analysis(self) -> Analysis:
        """Made once, for all steps.

        Raises:
            CamError: nothing can be explained, or the layer or score that was named is unknown.
        """
        asked = self.asked
        return analyse_at(self.source, [asked.layer], asked.score, **extents(asked))

    @property
    def fixed(self) -> Analysis:
        """At one row and the usual size of its picture, where these are open."""
        sizes = fixed_sizes(self.analysis)
        if sizes is None:
            return self.analysis
        return analyse_at(self.source, [self.asked.layer], self.asked.score, sizes)


def open_model(asked: Check, screen: Screen) -> Opened:
    """The model; of an instrumented one its source, whose hash is verified by that."""
    source = load(asked.model)
    metadata = {entry.key: entry.value for entry in source.model.metadata_props}
    if instrumented(source.model):
        source = Source(strip(source), source.path)
        screen.line("source", "instrumented: what was added comes off, the source's hash is right")
    return Opened(asked, source, metadata)


def cover(opened: Opened, screen: Screen) -> tuple[dict[str, Any], str]:
    """The coverage, and why there is no gradient ('' where there is one).

    Raises:
        CamError: a layer, a score or a size that was named makes no sense.
    """
    try:
        found = coverage(opened.analysis)
    except CamError as error:
        named = opened.asked.layer is not None or opened.asked.score is not None
        if named or isinstance(error, InputError):
            raise
        return {"explainable": False, "refused": str(error)}, str(error)
    heads = opened.analysis.score.heads
    for name, text in read_as(opened.analysis):
        screen.line(name, text)
    _tell(screen, found)
    facts = {
        "explainable": not found.refused,
        "refused": found.refused,
        "layer": found.layer,
        "score": found.score,
        "heads": [head.record() for head in heads],
        "operators": [asdict(row) for row in found.operators],
        "emitted": dict(found.emitted),
        "unportable": list(found.unportable),
        "nearest_usable": found.nearest_usable,
    }
    return facts, found.refused


def tell_browser(opened: Opened, screen: Screen) -> dict[str, Any]:
    """What a browser makes of the model itself, at the sizes that it would have there."""
    found = in_browser(opened.fixed)
    screen.line("browser", found.said)
    for one in found.left:
        more = ", ..." if one.count > len(one.names) else ""
        screen.line("", f"{one.operator}: {', '.join(one.names)}{more}")
    screen.line("size", f"{found.bytes / 2**20:.1f} MiB, opset {found.opset}")
    for note in found.notes:
        screen.line("note", note)
    return found.record()


def read_as(analysis: Analysis) -> list[tuple[str, str]]:
    """How the model is read: score, other outputs, layer and inputs, a line each."""
    layer, inputs = layer_said(analysis), inputs_said(analysis)
    return [*heads_said(analysis.score.heads), ("layer", layer), ("takes", inputs)]


def _tell(screen: Screen, found: Coverage) -> None:
    """The coverage, for people."""
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


def usual_question(setup: Setup) -> list[str]:
    """What G is tried with: of numbers the largest, for a unit vector's length has no slope."""
    head = head_of(setup.backend)
    numbers = head is not None and head.kind in ("regression", "embedding")
    return ["-1"] if numbers else []


def set_up(asked: Check, opened: Opened) -> Setup:
    """The model ready to run, and what it is to be run on."""
    backend = OnnxBackend(opened.analysis, **running(asked))
    sources = Sources(asked.model.resolve().parent, opened.metadata, flag, backend.heads())
    images = [] if asked.image is None else [asked.image]
    known = {pair.partition("=")[0] for pair in asked.inputs}
    required = bool(images) or known >= {info.name for info in backend.inputs()}
    return bring_together(backend, sources, asked, images, pieces(asked), required=required)


def sampled(setup: Setup) -> Sample:
    """What everything is run on: the first thing that was given, else noise."""
    return setup.reader.open(setup.slots[0] if setup.slots else setup.noise())


def given_arrays(setup: Setup, sample: Sample) -> dict[str, Array]:
    """The arrays of a sample by input, as the model takes them; none where all of it is noise."""
    if not (setup.slots or setup.reader.extras):
        return {}
    infos = setup.backend.inputs()
    return rows(feed(sample.x, infos), infos)[0]


def tell_moved(
    asked: Check, opened: Opened, given: Mapping[str, Array], screen: Screen
) -> dict[str, Any]:
    """The original outputs before and after, on the arrays `given` and random ones."""
    analysis, result = opened.analysis, instrument(opened.analysis)
    runner = Runner(**running(asked), folder=opened.source.folder)
    found = compare_outputs(result, analysis, runner, given)
    screen.line("outputs", found.text)
    return {**found.record(), "moved": found.moved}


def inspect(setup: Setup, sample: Sample, screen: Screen) -> dict[str, Any]:
    """What the model sees in one input, and where it is a photo, what under each preset."""
    slot = sample.slot
    top = likeliest(setup.backend, sample.x, setup.names)
    screen.line("input", sample.description + ("" if slot.feed else f" ({setup.source})"))
    screen.line("labels", setup.named)
    if top:
        screen.line(f"top {len(top)}", f"{slot.name}: {top_line(top, entry_of(setup.backend))}")
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
    number = "score" if isinstance(top[0], Scored) else "prob."
    screen.grid(
        {
            "--preprocess": "",
            f"top {entry_of(setup.backend)}": "",
            "label": "fold",
            number: "r",
            "input": "fold",
        },
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
    index, label, value = trial.top[0]
    return name, str(index), label, f"{value:.3f}", trial.description


def verdict(passed: bool, refused: str) -> str:
    """The last line."""
    if refused:
        return f"no: {refused}"
    return "yes: it can be explained" if passed else "no: see above"
