"""Where the maps of boxes lie: in their own box, on the labelled object, on others of its class.

    python -m benchmarks.detectors DATA     writes docs/detectors.md

DATA holds models/yolox-nano.onnx, models/fastestdet.onnx, and photos with boxes: coco/images and
coco/labels (a line an object: class cx cy w h, in parts of the photo).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cam_core import open_backend
from cam_core.answers import from_captures
from cam_core.asking import seen_by
from cam_core.backend import Backend
from cam_core.captures import pulled
from cam_core.errors import TargetError
from cam_core.image import Preprocess, preprocess, read
from cam_core.targets import ScoredTarget, Seen, parse_target

from .energy import Corners, Figures, figures

ROOT = Path(__file__).resolve().parents[2]
SPECS = {
    "yolox-nano": Preprocess(
        mean=(0.0,), std=(1.0,), scale=1.0, bgr=True, fit="letterbox", pad=114
    ),
    "fastestdet": Preprocess(mean=(0.0,), std=(1.0,), scale=1 / 255, bgr=True, fit="stretch"),
}
METHODS = ("gradcam", "gradcam++", "xgradcam", "hirescam", "layercam", "odam")
LIKELY = 0.5
AREA = (0.002, 0.6)
"""Parts of the photo that a box may cover: others say little of a map."""
Found = Mapping[str, list[Figures]]


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "detectors.md")
    asked = parser.parse_args()
    photos = sorted((asked.data / "coco" / "images").rglob("*.jpg"))
    tables = []
    for model in SPECS:
        backend = open_backend(asked.data / "models" / f"{model}.onnx")
        found = measured(backend, SPECS[model], photos)
        layers = ", ".join(layer.name for layer in backend.layers() if layer.default)
        tables.append(f"## {model}\n\n{table(found, len(photos), layers)}")
        print(tables[-1], flush=True)
    asked.page.write_text("\n\n".join([HEAD, *tables]) + "\n", encoding="utf-8")


def measured(backend: Backend, spec: Preprocess, photos: Sequence[Path]) -> Found:
    """By method, the figures of each photo with a box that is likely and of a usual size."""
    found: dict[str, list[Figures]] = {method: [] for method in METHODS}
    for photo in photos:
        for method, one in of_photo(backend, spec, photo):
            found[method].append(one)
    return found


def of_photo(backend: Backend, spec: Preprocess, photo: Path) -> Iterator[tuple[str, Figures]]:
    """The best such box by every method, from one forward and one backward pass."""
    pixels = read(photo)
    made = preprocess(pixels, spec, backend.inputs()[0])
    look = backend.look(made.x)
    seen = replace(seen_by(backend, made.x, look, placement=made.placement), threshold=LIKELY)
    size = (pixels.shape[0], pixels.shape[1])
    target = best(seen, backend, size)
    if target is None:
        return
    box = target.detail[0]["box"]
    labelled = objects(photo, box["class"], size)
    captured = pulled(look, target)
    for method in METHODS:
        map_ = from_captures(captured, target, method)
        heat = made.placement.to_photo(map_.heatmap(made.placement.size)[0])
        yield method, figures(heat, box["corners"], labelled)


def best(seen: Seen, backend: Backend, size: tuple[int, int]) -> ScoredTarget | None:
    """The best box that is likely, and neither a speck nor the whole photo."""
    (question,) = parse_target("box:all", head=backend.heads()[0])
    try:
        found = question.found_in(seen)
    except TargetError:
        return None
    areas = (area(one.detail[0]["box"]["corners"]) / (size[0] * size[1]) for one in found)
    fitting = (one for one, part in zip(found, areas, strict=True) if AREA[0] <= part <= AREA[1])
    return next(fitting, None)


def area(corners: Corners) -> float:
    x0, y0, x1, y1 = corners
    return (x1 - x0) * (y1 - y0)


def objects(photo: Path, index: int, size: tuple[int, int]) -> list[Corners]:
    """The labelled objects of a class, in pixels."""
    height, width = size
    found = []
    labels = photo.parent.parent / "labels" / f"{photo.stem}.txt"
    for line in labels.read_text().splitlines() if labels.exists() else ():
        kind, cx, cy, w, h = map(float, line.split())
        if int(kind) == index:
            corners = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
            found.append([v * n for v, n in zip(corners, (width, height) * 2, strict=True)])
    return found


HEAD = """\
# Where the maps of boxes lie

`python -m benchmarks.detectors DATA` measures this and writes this page: on 64 photos of COCO
val2017 the best box of each whose probability is at least 0.5 and that covers 0.2 to 60 % of the
photo; the default layers (the ends of the neck), all scales merged, no flags.

![One box by five methods: by three of them the other circle is hotter](images/targets/methods.png)

*The box round the large circle, by each method, on the package's own detector: a mean over space
(`gradcam`, `gradcam++`, `xgradcam`) lights the other circle more than the one that is asked about;
element by element (`hirescam`, the default, and `layercam`) it does not.*

- **own box**: the share of the map's energy in the box that is explained (mean over photos), and
  **times** the box's share of the photo (median): 1 is a map that knows nothing.
- **peak**: in how many photos the map's maximum lies in the box.
- **object**: the share on the labelled object of that class that the box overlaps best.
- **others**: the share on *other* labelled objects of the same class (outside that one), over the
  photos that have any, beside the share of the photo that they cover: a map that only knew the
  class would lie on them, too."""


def table(found: Found, photos: int, layers: str) -> str:
    """In Markdown."""
    first = next(iter(found.values()))
    crowd = [one for one in first if one.others is not None]
    covered = np.mean([one.others_area for one in crowd]) if crowd else 0.0
    known = sum(one.labelled is not None for one in first)
    lines = [
        f"{len(first)} of {photos} photos; {known} boxes on a labelled object, {len(crowd)} photos "
        f"with others of its class, which cover {covered:.0%}. Layers: {layers}.",
        "",
        "| method | own box | times | peak | object | others |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(row(method, each) for method, each in found.items())])


def row(method: str, each: Sequence[Figures]) -> str:
    """One method."""
    labelled = [one.labelled for one in each if one.labelled is not None]
    others = [one.others for one in each if one.others is not None]
    cells = [
        f"{np.mean([one.own for one in each]):.0%}",
        f"{np.median([one.times for one in each]):.1f}",
        f"{sum(one.inside for one in each)} of {len(each)}",
        f"{np.mean(labelled):.0%}" if labelled else "-",
        f"{np.mean(others):.1%}" if others else "-",
    ]
    return f"| {method} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
