"""Does an int8 model say why as its float32 original does?

    python -m benchmarks.quantised [../shared/data] [--pictures FOLDER]

The rank correlation (Spearman) of signed Grad-CAM maps of the float model's top class, photo by
photo: of both models, between a floor and a ceiling of disagreement. The floor is the float model
with itself when every pixel moves by up to one grey level; the others are the float model's maps
of its second class and of an unrelated one. The last two columns take one half of the map from the
int8 model: its gradient alone, its activations alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core import Explanation, explain, open_backend
from cam_core.image import PRESETS, overlay, preprocess, read

FLOAT, INT8 = "mobilenetv2-fp32.onnx", "mobilenetv2-int8-qdq.onnx"
COLUMNS = ("int8", "one grey level", "second class", "unrelated class", "int8 G", "int8 A")
UNRELATED = 500
"""How far away in ImageNet's list the unrelated class is."""


@dataclass(frozen=True)
class Row:
    """One photo."""

    name: str
    label: str
    found: tuple[float, ...]
    """The correlations with the float model's map, as COLUMNS names them."""
    maps: tuple[Explanation, Explanation]
    """The float model's, and the int8 model's."""


def measure(data: Path) -> list[Row]:
    """All photos of `data`, the least alike first."""
    plain, int8 = (open_backend(data / "models" / name) for name in (FLOAT, INT8))
    labels = (data / "imagenet_classes.txt").read_text().splitlines()
    rng = np.random.default_rng(0)
    rows = []
    for path in sorted((data / "images").iterdir()):
        pixels = read(path)
        noise = rng.integers(-1, 2, pixels.shape)
        moved = np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
        x, noisy = (
            preprocess(p, PRESETS["imagenet"], plain.inputs()[0]).x for p in (pixels, moved)
        )
        order = np.argsort(-plain.forward(x)["output"][0])
        top, second = (int(i) for i in order[:2])
        ours, theirs = explain(plain, x, top), explain(int8, x, top)
        others = [theirs.signed, explain(plain, noisy, top).signed]
        others += [explain(plain, x, c).signed for c in (second, (top + UNRELATED) % len(order))]
        others += _mixed(plain, int8, x, top)
        found = tuple(spearman(ours.signed, other) for other in others)
        rows.append(Row(path.name, labels[top], found, (ours, theirs)))
    return sorted(rows, key=lambda row: row.found[0])


def _mixed(plain: Any, int8: Any, x: Any, index: int) -> list[Any]:
    """The map of the float model's A and the int8 model's G, and the other way round."""

    def target(y: Any, outputs: Any) -> Any:
        return np.eye(y.shape[1], dtype=y.dtype)[[index]]

    (ours,), (theirs,) = plain.capture(x, target), int8.capture(x, target)
    return [
        (a.activations * g.gradients.mean((2, 3), keepdims=True)).sum(1)
        for a, g in ((ours, theirs), (theirs, ours))
    ]


def spearman(a: Any, b: Any) -> float:
    """The rank correlation of two maps."""
    from scipy.stats import spearmanr

    return float(spearmanr(np.ravel(a), np.ravel(b)).statistic)


def medians(rows: Sequence[Row]) -> tuple[float, ...]:
    """Of each column."""
    return tuple(float(m) for m in np.median([row.found for row in rows], axis=0))


def table(rows: Sequence[Row]) -> str:
    """In Markdown."""
    head = ["photo", "top class", *COLUMNS]
    lines = [[row.name, row.label, *(f"{v:.3f}" for v in row.found)] for row in rows]
    lines += [["**median**", "", *(f"**{v:.3f}**" for v in medians(rows))]]
    rule = ["---", "---", *("---:" for _ in COLUMNS)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])


def paint(rows: Sequence[Row], data: Path, folder: Path) -> None:
    """The photo, the float model's overlay and the int8 model's, side by side."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    info = open_backend(data / "models" / FLOAT).inputs()[0]
    for row in rows:
        pixels = read(data / "images" / row.name)
        prepared = preprocess(pixels, PRESETS["imagenet"], info)
        maps = [found.heatmap((224, 224))[0] for found in row.maps]
        panels = [pixels, *(overlay(pixels, prepared.to_photo(map)) for map in maps)]
        Image.fromarray(np.concatenate(panels, axis=1)).save(folder / f"{Path(row.name).stem}.png")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    rows = measure(asked.data)
    print(table(rows))
    if asked.pictures:
        paint(rows, asked.data, asked.pictures)


if __name__ == "__main__":
    main()
