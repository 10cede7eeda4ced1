"""Does a map survive an attack? Figures of docs/commands/attack.md.

python -m examples.docs.attacked_maps                       # the demo's model, 60 new scenes
python -m examples.docs.attacked_maps MODEL.onnx FOLDER     # another one, photos of a folder
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core import Backend, explain, open_backend
from cam_core.attack import ATTACKS, input_slope, whole
from cam_core.backend import Array
from cam_core.demo import MODEL, PREPROCESS
from cam_core.image import PRESETS, preprocess, read
from cam_core.image.levels import Levels, levels_of
from cam_core.metrics import METRICS
from cam_core.metrics.agreement.correlation import pearson
from cam_core.targets.classes.loss import LossTarget
from examples.demo.scenes import render

FIRST, SCENES = 500_000, 60
"""The seed of the first new scene, and how many; of one thing each."""
EPS = (1, 2, 4, 8)
"""Of 255."""
PICTURES = {".png", ".jpg"}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Row:
    """One picture, attacked."""

    fooled: bool
    r: float
    """Correlation of the signed maps of its own class; NaN where one is blank."""
    against_new: float
    """That of the map of its own class before with the map of the new class after."""
    mass: tuple[float, float]
    """Of the heat in the box of the thing, before and after; NaN without a box."""


def scenes(backend: Backend) -> Iterator[tuple[Array, Box | None]]:
    """Inputs, and the box of the one thing in pixels of the input."""
    for seed in range(FIRST, FIRST + SCENES):
        scene = render(seed, count=1)
        yield (
            preprocess(scene.pixels, PRESETS[PREPROCESS], backend.inputs()[0]).x,
            scene.things[0].box,
        )


def photos(backend: Backend, folder: Path, preset: str) -> Iterator[tuple[Array, Box | None]]:
    """Inputs without boxes."""
    for path in sorted(p for p in folder.iterdir() if p.suffix in PICTURES):
        yield preprocess(read(path), PRESETS[preset], backend.inputs()[0]).x, None


def row(
    backend: Backend, levels: Levels, x: Array, box: Box | None, name: str, eps: int, rival: int
) -> Row:
    """Attack a picture away from its own class, or (`rival` 1 and more) to that of that rank."""
    order = np.argsort(-backend.look(x, layers=()).score[0])
    own, wanted = int(order[0]), int(order[rival])
    loss, sign = (LossTarget(own), 1) if rival == 0 else (LossTarget(wanted), -1)
    p = np.rint(levels.of_input(x))

    def gradient(at: Array) -> Array:
        slope = input_slope(backend, levels.to_input(at), backend.inputs()[0].name, loss)
        return sign * levels.slope(slope)

    changed = levels.to_input(whole(ATTACKS[name](p, gradient, float(eps)), p, eps))
    now = int(backend.look(changed, layers=()).score[0].argmax())
    before, after, new = (
        explain(backend, *of) for of in ((x, own), (changed, own), (changed, now))
    )
    likeness = [
        float("nan")
        if one.blank[0] or before.blank[0]
        else float(pearson(before.signed, one.signed)[0])
        for one in (after, new)
    ]
    mass = tuple(inside(one.heatmap(x.shape[2:]), box) for one in (before, after))
    hit = now != own if rival == 0 else now == wanted
    return Row(hit, likeness[0], likeness[1], (mass[0], mass[1]))


def inside(heat: Array, box: Box | None) -> float:
    """The share of the heat in the box."""
    return float("nan") if box is None else float(METRICS["energy in box"](heat, [[box]])[0])


def said(rows: list[Row]) -> str:
    """Medians and shares; of the fooled alone where the map is compared."""
    hit = [one for one in rows if one.fooled]

    def middle(values: list[Any]) -> str:
        known = [value for value in values if np.isfinite(value)]
        return f"{np.median(known):.2f}" if known else "-"

    worst = [one.r for one in hit if np.isfinite(one.r)]
    mass = [middle([one.mass[i] for one in hit]) for i in (0, 1)]
    return (
        f"fooled {len(hit)} of {len(rows)}, r {middle([one.r for one in hit])}, "
        f"least {min(worst, default=float('nan')):.2f}, {len(hit) - len(worst)} blank, "
        f"r with the new class {middle([one.against_new for one in hit])}, "
        f"in the box {mass[0]} -> {mass[1]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="an .onnx file of classes")
    parser.add_argument("folder", nargs="?", type=Path, help="of photos")
    parser.add_argument("--preset", default="imagenet")
    parser.add_argument("--rival", type=int, default=0, help="0: any class; 5: the sixth best")
    given = parser.parse_args()
    backend = open_backend(given.model or MODEL.read_bytes())
    preset = given.preset if given.folder else PREPROCESS
    levels = levels_of(PRESETS[preset], backend.inputs()[0])
    seen = list(photos(backend, given.folder, preset) if given.folder else scenes(backend))
    for name in ATTACKS:
        for eps in EPS:
            rows = [row(backend, levels, x, box, name, eps, given.rival) for x, box in seen]
            print(f"{name} {eps}/255: {said(rows)}", flush=True)


if __name__ == "__main__":
    main()
