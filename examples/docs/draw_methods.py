"""Draws the picture of docs/methods.md: one scene, one class, by every method that the demo takes.

python -m examples.docs.draw_methods
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from cam_core import METHODS, explain, open_backend
from cam_core.backend import Array
from cam_core.cli.pictures import coloured
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
from cam_core.image import PRESETS, preprocess
from cam_core.image.figure import paint, resized
from cam_core.image.panels import painted_sheet

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "images" / "methods.png"
ASKED = "zigzag hexagon"
PANEL, ACROSS = 150, 8
"""Pixels of a panel, and panels in a row."""


def main() -> None:
    """Writes the sheet."""
    backend = open_backend(MODEL.read_bytes())
    labels = LABELS.read_text().splitlines()
    photo = load_scenes()[0].pixels()
    made = preprocess(photo, PRESETS[PREPROCESS], backend.inputs()[0])
    small = resized(photo, (PANEL, PANEL))
    pictures: list[tuple[Array, str]] = [(small, ASKED)]
    for name, row in METHODS.items():
        if row.at == "attention":  # the demo's model has none
            continue
        found = explain(backend, made.x, ASKED, name, labels=labels)[0]
        heat = np.minimum(coloured(found, found.heatmap(made.placement.size)[0]), 1)
        blank = bool(found.blank[0])
        shown = small if blank else paint(small, heat, made.placement)
        pictures.append((shown, f"{name}: blank" if blank else name))
    sheet = painted_sheet(
        pictures,
        title=ASKED,
        lines=["each map over its own maximum, of pixels over their 99th percentile"],
        across=ACROSS,
    )
    written = io.BytesIO()
    Image.fromarray(sheet).quantize(256).save(written, "PNG", optimize=True)
    PAGE.write_bytes(written.getvalue())
    print(f"{PAGE}: {sheet.shape[1]}x{sheet.shape[0]}, {len(written.getvalue()) // 1024} kB")


if __name__ == "__main__":
    main()
