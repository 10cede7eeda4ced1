"""Which method is best: the tables of docs/methods.md, made by `gradcam rank`.

    python -m benchmarks.ranking             scenes that no model has seen; teaches some of them
    python -m benchmarks.ranking DATA        also DATA/models/yolox-nano.onnx on DATA/coco, and
                                             DATA/models/cifar10-vit.onnx on DATA/cifar10_242.npz
    python -m benchmarks.ranking --only heads    the tables by head alone
    python -m benchmarks.ranking --only heads --head gmp --head hidden    the rows of these alone

DATA/coco holds images, and labels as YOLO writes them with classes.yaml. What is not measured this
time stays as it is on the page.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.speed.folder import gradcam
from cam_core.demo import DETECTOR, LABELS, MODEL
from cam_core.methods import METHODS
from examples.demo.scenes import render
from examples.detector.boxes import crowd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods.md"
FIRST = 3_000_000
"""The seed of the first scene: training counts its own from 0, the package's are near a million."""
SCENES = {"scenes": 12, "crowds": 24}
KEPT = ("- rank: best by", "- photos", "- cannot", "- without", "- left out")
PARTS = {
    "scenes": "A classifier on scenes of two objects: the demo's, {photos} scenes",
    "crowds": "A detector on scenes of several objects of a class: the demo's, {photos} scenes",
    "coco": "YOLOX-Nano on {photos} photos of COCO",
}
BY_HEAD = {"heads": "Head by head: {photos} scenes", "planted": "CIFAR-10, {photos} photos"}
"""What is measured without the command: many methods on many small networks."""
HEADED = 32
"""Pictures of each head."""
LONG = ("rise", "sscam", "iscam", "occlusion")
"""Methods that are too dear for all heads."""


def main() -> None:
    """Reads the command line."""
    from .heads import HEADS

    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking", description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--scenes", type=int, help="how many, of each; ROAD takes its time")
    parser.add_argument("--only", choices=[*PARTS, *BY_HEAD], action="append")
    parser.add_argument("--head", choices=HEADS, action="append", help="its rows alone, of heads")
    parser.add_argument("--methods", default=",".join(usual()), help="those that are compared")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for name in asked.only or [*PARTS, *BY_HEAD]:
            if name in ("coco", "planted") and asked.data is None:
                continue
            text = PAGE.read_text(encoding="utf-8")
            if name in PARTS:
                made = part(name, Path(place), asked)
            else:
                made = by_head(name, Path(place), asked, between(text, name))
            PAGE.write_text(put(text, name, made), encoding="utf-8")
            print(made, flush=True)


def by_head(name: str, place: Path, asked: Any, before: str) -> str:
    """The tables by head; networks are taught first. Of some heads, `before` with their rows."""
    from .evidence import gathered
    from .heads import HEADS
    from .verdicts import renewed, tables

    count, found = asked.scenes or HEADED, {}
    for key, head in HEADS.items():
        if bool(head.needs) == (name == "planted") and key in (asked.head or HEADS):
            print(f"{key} ...", flush=True)
            found[key] = gathered(head, asked.data if head.needs else place, count, several())
    if asked.head:
        return renewed(before, tables(found)) if found else before
    return f"### {BY_HEAD[name].format(photos=count)}\n\n{tables(found)}"


def several() -> list[str]:
    """All methods but those of thousands of passes."""
    return [name for name in METHODS if name not in LONG]


def usual() -> list[str]:
    """What `gradcam rank` takes itself."""
    from cam_core.cli.commands.rank import DEAR

    return [name for name, method in METHODS.items() if not method.needs & DEAR]


def part(name: str, place: Path, asked: Any) -> str:
    """One table with what is beneath it."""
    own = place / name
    own.mkdir()
    metrics = "energy in box,pointing game"
    if name == "coco":
        arguments = list(coco(asked.data, own))
    else:
        scene: Callable[[int], Any] = render if name == "scenes" else crowd
        model = MODEL if name == "scenes" else DETECTOR
        arguments = list(scenes(own, scene, model, asked.scenes or SCENES[name]))
        metrics += ",ROAD combined,ADCC" if name == "scenes" else ""
    gradcam(["rank", *arguments, "--metrics", metrics, "--methods", asked.methods, "-o", str(own)])
    record = json.loads((own / "rank.json").read_text(encoding="utf-8"))
    _, table, *rest = (own / "rank.md").read_text(encoding="utf-8").split("\n\n")
    heading = PARTS[name].format(photos=len(record["photos"]))
    return f"### {heading}\n\n{without_seconds(table)}\n\n{shortened(rest[0])}"


def shortened(told: str) -> str:
    """What the page does not say itself: which are best, of how many photos, what was refused."""
    lines = [line for line in told.splitlines() if line.startswith(KEPT)]
    return "\n".join(line.replace("- rank: ", "- ") for line in lines)


def without_seconds(table: str) -> str:
    """The table less its column of seconds, which are those of the machine at hand."""
    rows = [line.strip("|").split("|") for line in table.splitlines()]
    at = [cell.strip() for cell in rows[0]].index("x forward")
    return "\n".join(f"|{'|'.join(row[:at] + row[at + 1 :])}|" for row in rows)


def scenes(place: Path, scene: Callable[[int], Any], model: Any, count: int) -> Iterator[str]:
    """What `rank` is told of rendered scenes and their boxes."""
    (place / "photos").mkdir()
    words = LABELS.read_text(encoding="utf-8").splitlines()
    images, boxes, names = [], [], {}
    for i in range(count):
        made = scene(FIRST + i)
        Image.fromarray(made.pixels).save(place / "photos" / f"{i:03}.png")
        height, width = made.pixels.shape[:2]
        images.append({"id": i, "file_name": f"{i:03}.png", "height": height, "width": width})
        for thing in made.things:
            left, top, right, bottom = thing.box
            label = thing.label if model is MODEL else thing.label.split()[-1]  # "red ring"
            number = names.setdefault(label, len(names))
            box = [left, top, right - left, bottom - top]
            boxes.append({"image_id": i, "category_id": number, "bbox": box})
    categories = [{"id": number, "name": name} for name, number in names.items()]
    labels = {"images": images, "annotations": boxes, "categories": categories}
    (place / "boxes.json").write_text(json.dumps(labels), encoding="utf-8")
    (place / model.name).write_bytes(model.read_bytes())
    yield from (str(place / model.name), str(place / "photos"))
    yield from ("--boxes", str(place / "boxes.json"), "--preprocess", "unit")
    if model is MODEL:
        (place / "labels.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        yield from ("--labels", str(place / "labels.txt"))


def coco(data: Path, place: Path) -> Iterator[str]:
    """What it is told of labelled photos."""
    stated = (data / "coco" / "classes.yaml").read_text(encoding="utf-8")
    names = re.findall(r"^  \d+: (.*)$", stated, re.MULTILINE)
    (place / "coco.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    yield from (str(data / "models" / "yolox-nano.onnx"), str(data / "coco" / "images"))
    yield from ("--boxes", str(data / "coco" / "labels"), "--labels", str(place / "coco.txt"))
    yield from ("--preprocess", "raw", "--bgr", "--fit", "letterbox")


def between(page: str, name: str) -> str:
    """A part of the page, between its marks."""
    return page.split(_marks(name)[0])[1].split(_marks(name)[1])[0].strip()


def put(page: str, name: str, text: str) -> str:
    """The page with a part between its marks."""
    first, last = _marks(name)
    before, rest = page.split(first)
    return f"{before}{first}\n\n{text}\n\n{last}{rest.split(last)[1]}"


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: made by benchmarks.ranking -->", f"<!-- end of {name} -->"


if __name__ == "__main__":
    main()
