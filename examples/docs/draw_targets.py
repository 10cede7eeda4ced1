"""Draws docs/images/targets.png: a question of each kind that our own models can be asked.

    python -m examples.docs.draw_targets

Every panel is a picture that `gradcam explain` writes, on a scene whose things are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import DETECTOR, LABELS, MODEL, load_crowds, load_scenes
from examples.coloured import render, two_things
from examples.demo.scenes import Scene

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "targets.png"
CAPTIONER, ANSWERER = (ROOT / "examples" / n / f"{n}.onnx" for n in ("captioner", "vqa"))
SEED, ACROSS = 3_000_001, 4
QUESTION = "words=what colour is the circle ?"


def drawn() -> Scene:
    """Two things on a ground."""
    return render(SEED, two_things(np.random.default_rng(SEED)))


def asked(folder: Path) -> list[Sequence[str]]:
    """The arguments of `gradcam explain`, one row a panel."""
    model, detector, labels = str(MODEL), str(DETECTOR), str(LABELS)
    scene, crowd, two = (str(folder / f"{n}.png") for n in ("scene", "crowd", "two"))
    first, second = (thing.label for thing in load_scenes()[0].things[:2])
    one, other = (thing.label for thing in drawn().things)
    named = ["--labels", labels]
    return [
        [model, scene, "--target", first, *named],
        [model, scene, "--target", f"{first} - {second}", *named],
        [model, scene, "--target", f"-{first}", *named],
        [detector, crowd, "--target", "box:0"],
        [detector, crowd, "--target", "nobox:square@150,20,250,70"],
        [str(CAPTIONER), two, "--target", f"words:{one}"],
        [str(CAPTIONER), two, "--target", f"words:{other}"],
        [str(ANSWERER), two, "--input", QUESTION],
    ]


def main() -> None:
    panels = []
    with TemporaryDirectory() as made:
        folder = Path(made)
        Image.fromarray(load_scenes()[0].pixels()).save(folder / "scene.png")
        Image.fromarray(load_crowds()[0].pixels()).save(folder / "crowd.png")
        Image.fromarray(drawn().pixels).save(folder / "two.png")
        for number, arguments in enumerate(asked(folder)):
            out = folder / str(number)
            gradcam.main(["explain", *arguments, "-o", str(out)], standalone_mode=False)
            panels.append(Image.open(next(out.glob("*.png"))).convert("RGB"))
    rows = [panels[i : i + ACROSS] for i in range(0, len(panels), ACROSS)]
    width = max(sum(p.width for p in row) for row in rows)
    sheet = Image.new("RGB", (width, sum(max(p.height for p in row) for row in rows)), "white")
    y = 0
    for row in rows:
        x = 0
        for panel in row:
            sheet.paste(panel, (x, y))
            x += panel.width
        y += max(panel.height for panel in row)
    small = sheet.resize((sheet.width * 5 // 8, sheet.height * 5 // 8), Image.Resampling.LANCZOS)
    small.point(lambda level: min(255, (level + 4) // 8 * 8)).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
