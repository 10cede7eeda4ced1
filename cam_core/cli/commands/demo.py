"""`gradcam demo`: two classes of one scene, on a model of our own; needs no network and no file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from cam_core.errors import InputError

from ..demo_scene import Act, Finding, act, draw, look
from ..options import options
from ..typed import Typed


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
