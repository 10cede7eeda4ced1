"""`gradcam demo`: two classes of one scene, on a model of our own; needs no network and no file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError

from ..options import options
from ..typed import Typed

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


@dataclass(frozen=True, kw_only=True)
class Demo(Typed):
    """What was typed after `demo`."""

    out: Path
    number: int
    detector: bool


@click.command(short_help="See it work: two classes of one scene.")
@options(
    Demo,
    *("json", "output"),
    output={
        "default": "gradcam-demo",
        "show_default": True,
        "metavar": "DIR",
        "help": "Folder for what is written; made if absent.",
    },
)
@click.option("--scene", "number", default=1, show_default=True, help="Which of the scenes.")
@click.option("--detector", is_flag=True, help="Two boxes of one class, found by a detector.")
def demo(asked: Demo) -> int:
    """Explain two classes of one scene, and see the map move from one object to the other.

    With --detector: two boxes of one class.

    Model and scenes come with the package: nothing is fetched. Both are written to the folder
    with the pictures, so that the other commands can be tried on them.
    """
    from cam_core.write import write_together

    from ..output import check_directory, print_json

    shown = act(asked.detector)
    folder, scenes = asked.out, shown.scenes
    if not 1 <= asked.number <= len(scenes):
        raise InputError(f"scene {asked.number}: there are scenes 1 to {len(scenes)}.")
    check_directory(folder)
    scene = scenes[asked.number - 1]
    image = scene.pixels()
    copied = {"scene.png": scene.file, **shown.kept}
    write_together(folder, {name: source.read_bytes() for name, source in copied.items()})
    findings = look(shown, folder, image, scene)
    written = write_together(folder, draw(shown, image, findings))
    if asked.as_json:
        print_json(record(folder, findings, written))
    else:
        tell(shown, folder, findings, written)
    return 0 if all(finding.inside for finding in findings) else 1


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


def record(folder: Path, findings: Sequence[Finding], written: Sequence[Path]) -> dict[str, object]:
    """What was seen, ready for JSON."""
    return {
        "command": "demo",
        "folder": str(folder),
        "explanations": [
            {
                **finding.explanation.facts(),
                "peak": list(finding.peak),
                "box": list(finding.thing.box),
                "inside": finding.inside,
            }
            for finding in findings
        ],
        "written": [str(path) for path in written],
    }


def tell(shown: Act, folder: Path, findings: Sequence[Finding], written: Sequence[Path]) -> None:
    """What was seen, what was written, and what to try next."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..report import line

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class", no_wrap=True)
    for heading in ("score", "peak x, y", "box x, y to x, y"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("peak inside", no_wrap=True)
    for finding in findings:
        x, y = finding.peak
        box = "{:.0f}, {:.0f} to {:.0f}, {:.0f}".format(*finding.thing.box)
        cells = (
            finding.name,
            f"{finding.explanation.score[0]:.2f}",
            f"{x:.0f}, {y:.0f}",
            box,
        )
        table.add_row(*map(Text, (*cells, "yes" if finding.inside else "no")))
    console.print(table)
    first, second = findings
    gap = np.hypot(*np.subtract(first.peak, second.peak))
    verdict = (
        f"asked for the {second.name} instead of the {first.name}, the map moves "
        f"{gap:.0f} pixels, from one object to the other"
        if first.inside and second.inside
        else "not each map peaks on its own object"
    )
    line(console, "seen", verdict)
    line(console, "layer", first.explanation.layer)
    for path in (folder / "scene.png", *written, *(folder / name for name in shown.kept)):
        line(console, "wrote", str(path))
    model, picture = (str(folder / name) for name in (shown.model.name, "scene.png"))
    command = ["gradcam", "explain", model, picture]
    command += ["--target", shown.asked(second.thing), "-o", str(folder)]
    click.echo(f"next   {shlex.join(command)}")
