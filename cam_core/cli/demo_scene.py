"""What the demo shows: a model of our own on one scene, and the pictures of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cam_core.demo import Scene, Thing
    from cam_core.explanation import Explanation


@dataclass(frozen=True)
class Act:
    """What is shown: a model, its scenes, and how one asks for a thing in them."""

    model: Traversable
    scenes: Sequence[Scene]
    labels: Sequence[str]
    kept: Mapping[str, Traversable]
    """What is written beside the pictures, by file name."""
    asked: Callable[[Thing], str]
    title: str
    footer: str


def act(detector: bool) -> Act:
    """Two classes of one scene, or two boxes of one class."""
    from cam_core.demo import DETECTOR, LABELS, MODEL, load_crowds, load_scenes

    if detector:
        return Act(
            DETECTOR,
            load_crowds(),
            (),
            {"detector.onnx": DETECTOR},
            lambda thing: "{}@{:g},{:g}".format(thing.label, *thing.middle),
            "One class, two boxes",
            "{method}, the scales of the neck merged, a {shape} map. Cross: where the map peaks. "
            "Box: where the object is.",
        )
    return Act(
        MODEL,
        load_scenes(),
        LABELS.read_text(encoding="utf-8").split("\n")[:-1],
        {"demo.onnx": MODEL, "labels.txt": LABELS},
        lambda thing: thing.label,
        "One scene, one .onnx file",
        "Grad-CAM, a {shape} map at the last convolution, both on one scale. "
        "Cross: where the map peaks. Box: where the object is; the model was never told.",
    )


@dataclass(frozen=True)
class Finding:
    """One thing of the scene, and where its map peaks."""

    thing: Thing
    name: str
    """Its class, and its number where several are of one class."""
    explanation: Explanation
    heat: Array
    """[H, W] in [0, 1), the size of the scene."""

    @property
    def peak(self) -> tuple[float, float]:
        """x and y of the maximum, in the scene's pixels."""
        row, column = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return float(column) + 0.5, float(row) + 0.5

    @property
    def inside(self) -> bool:
        """Does the peak lie on the object?"""
        return self.thing.holds(*self.peak)


def look(shown: Act, folder: Path, image: Array, scene: Scene) -> list[Finding]:
    """The maps of the scene's first two things."""
    from cam_core.demo import PREPROCESS
    from cam_core.discover import open_backend
    from cam_core.explain import explain_all
    from cam_core.head import head_of
    from cam_core.image import PRESETS, preprocess
    from cam_core.methods import usual_method
    from cam_core.sources import Sources

    model = folder / shown.model.name
    backend = open_backend(model)
    named, _ = Sources.of(backend, model).labels()
    labels = shown.labels or (named.names if named is not None else None)
    prepared = preprocess(image, PRESETS[PREPROCESS], image_input(backend))
    things = scene.things[:2]
    asked, method = [shown.asked(thing) for thing in things], usual_method(head_of(backend))
    found = explain_all(
        backend, prepared.x, asked, [method], labels=labels, placement=prepared.placement
    )
    alike = len({thing.label for thing in things}) < len(things)
    findings = []
    for i, (thing, explanation) in enumerate(zip(things, found, strict=True), start=1):
        heat = prepared.to_photo(explanation.heatmap(prepared.placement.size)[0])
        name = f"{thing.label} {i}" if alike else thing.label
        findings.append(Finding(thing, name, explanation, heat))
    return findings


def image_input(backend: Backend) -> InputInfo:
    """The one input of an image model."""
    inputs = backend.inputs()
    if len(inputs) != 1:
        names = ", ".join(f"'{info.name}'" for info in inputs)
        raise InputError(f"the model takes {len(inputs)} inputs ({names}); a photo is one.")
    return inputs[0]


def draw(shown: Act, image: Array, findings: Sequence[Finding]) -> dict[str, bytes]:
    """A card for each class and all of it side by side, by file name."""
    from cam_core.demo.figure import Panel, side_by_side
    from cam_core.image import card, place
    from cam_core.image.png import png

    top = max(float(finding.explanation.raw_max[0]) for finding in findings)
    files, panels = {}, []
    for finding in findings:
        name, explanation = finding.name, finding.explanation
        raw = float(explanation.raw_max[0])
        line = f"score {explanation.score[0]:.2f}"
        picture = card(
            image,
            finding.heat,
            place(image.shape[:2], image.shape[:2], "stretch"),
            title=name,
            lines=[
                f"{line} · map maximum {raw:.3g}",
                f"{explanation.method} at {explanation.layer}",
            ],
            limits=(0.0, raw),
            reason=explanation.diagnosis[0],
        )
        files[f"{name.replace(' ', '-')}.png"] = png(picture)
        panels.append(Panel(name, line, finding.heat * raw / top, finding.thing, finding.peak))
    shape = "x".join(map(str, findings[0].explanation.map.shape[1:]))
    both = side_by_side(
        image,
        panels,
        title=shown.title,
        line=" and ".join(finding.name for finding in findings),
        limits=(0.0, top),
        footer=shown.footer.format(shape=shape, method=findings[0].explanation.method),
    )
    return files | {"side-by-side.png": png(both)}
