"""How alike are the Grad-CAMs of a class's logit and of its probability? Figures of docs/math.md.

python -m examples.docs.probability_maps                       # the demo's model, 60 new scenes
python -m examples.docs.probability_maps MODEL.onnx FOLDER     # another one, photos of a folder
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cam_core import Backend, explain, open_backend
from cam_core.backend import Array
from cam_core.demo import MODEL, PREPROCESS
from cam_core.image import PRESETS, preprocess, read
from cam_core.metrics.agreement.correlation import pearson
from cam_core.targets.classes.probability import ProbabilityTarget
from examples.demo.scenes import LABELS, render

FIRST, SCENES = 500_000, 60
"""The seed of the first new scene, and how many."""
PICTURES = {".png", ".jpg"}


def scenes(backend: Backend) -> Iterator[tuple[Array, int]]:
    """Inputs and the classes that are in them."""
    for seed in range(FIRST, FIRST + SCENES):
        scene = render(seed, count=1 + seed % 3)
        x = preprocess(scene.pixels, PRESETS[PREPROCESS], backend.inputs()[0]).x
        yield from ((x, LABELS.index(thing.label)) for thing in scene.things)


def photos(
    backend: Backend, folder: Path, preset: str, best: int = 3
) -> Iterator[tuple[Array, int]]:
    """Inputs and the classes that the model names first."""
    for path in sorted(p for p in folder.iterdir() if p.suffix in PICTURES):
        x = preprocess(read(path), PRESETS[preset], backend.inputs()[0]).x
        y = backend.look(x, layers=()).score[0]
        yield from ((x, int(c)) for c in np.argsort(-y)[:best])


def likeness(backend: Backend, x: Array, c: int) -> tuple[float, float]:
    """Correlation of the two signed maps (NaN where one is blank), and p."""
    softmax = ProbabilityTarget(c, how="softmax")  # the file itself may end in its logits
    of_logit, of_probability = explain(backend, x, c), explain(backend, x, softmax)
    blank = of_logit.blank[0] or of_probability.blank[0]
    r = np.nan if blank else pearson(of_logit.signed, of_probability.signed)[0]
    return float(r), float(of_probability.score[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="an .onnx file of classes")
    parser.add_argument("folder", nargs="?", type=Path, help="of photos")
    parser.add_argument("--preset", default="imagenet")
    given = parser.parse_args()
    backend = open_backend(given.model or MODEL.read_bytes())
    asked = photos(backend, given.folder, given.preset) if given.folder else scenes(backend)
    found = np.array([likeness(backend, x, c) for x, c in asked])
    for name, low, high in (("all", 0, 1), ("p < 0.9", 0, 0.9), ("p >= 0.9", 0.9, 1)):
        r = found[(found[:, 1] >= low) & (found[:, 1] <= high), 0]
        shown = r[np.isfinite(r)]
        middle, least = (np.median(shown), shown.min()) if len(shown) else (np.nan, np.nan)
        blank = len(r) - len(shown)
        print(f"{name}: {len(r)} maps, median r {middle:.3f}, least {least:.3f}, {blank} blank")


if __name__ == "__main__":
    main()
