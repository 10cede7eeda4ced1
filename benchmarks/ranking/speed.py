"""Images a second of `gradcam rank` with three methods, beside a loop of the plain model.

    python -m benchmarks.ranking.speed model.onnx

Both decode, prepare and run the same photos on one thread, in turn, and open the model for it. The
metric is one of maps alone (energy in box). Seconds are also told as those of this process, which
what else the machine does moves less, and without what the plain loop spends on decoding.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.speed.folder import PRESET, SIDES, gradcam, write_photos
from benchmarks.speed.sessions import session
from cam_core.backend import InputInfo
from cam_core.image import PRESETS, preprocess, read

METHODS = "gradcam,hirescam,layercam"
CLASS = "243"


class Spent(NamedTuple):
    """Seconds of one run."""

    wall: float
    own: float
    """Of this process."""
    forward: float = 0.0
    """Of its own, in the plain forward pass."""


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking.speed")
    parser.add_argument("model", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        photos = repeated(Path(place), asked.photos)
        for number in range(-1, asked.rounds):
            few = photos[:20] if number < 0 else photos  # warms up
            a = spent(lambda few=few: plain(asked.model, few))
            b = spent(lambda few=few: ranked(asked.model, few, Path(place)))
            if number >= 0:
                print(told(a, b, len(few)), flush=True)


def told(plain: Spent, ours: Spent, count: int) -> str:
    """One round."""
    decoding = plain.own - plain.forward
    return (
        f"{count} photos: plain {plain.wall:.1f} s, rank {ours.wall:.1f} s; of the plain images/s "
        f"{plain.wall / ours.wall:.2f} by the clock, {plain.own / ours.own:.2f} by this process, "
        f"{plain.forward / (ours.own - decoding):.2f} with decoding taken off both"
    )


def repeated(place: Path, count: int) -> list[Path]:
    """Photos under many names, and `boxes.json` with a box each."""
    originals = sorted(write_photos(place / "originals").iterdir())
    (place / "photos").mkdir()
    found = [place / "photos" / f"{i:04}.jpg" for i in range(count)]
    for i, path in enumerate(found):
        path.symlink_to(originals[i % len(originals)])
    height, width = SIDES
    images = [
        {"id": i, "file_name": path.name, "height": height, "width": width}
        for i, path in enumerate(found)
    ]
    box = [width / 4, height / 4, width / 2, height / 2]
    boxes = [{"image_id": i, "category_id": 0, "bbox": box} for i in range(count)]
    labels = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 0, "name": CLASS}],
    }
    (place / "boxes.json").write_text(json.dumps(labels))
    return found


def plain(model: Path, photos: list[Path]) -> float:
    """Decode, prepare and run; the seconds of this process in the last."""
    opened, forward = session(model, 1), 0.0
    (given,) = opened.get_inputs()
    image = InputInfo(given.name, tuple(given.shape), np.dtype("float32"), channel_axis=1)
    for photo in photos:
        x = preprocess(read(photo), PRESETS[PRESET], image).x
        start = time.process_time()
        opened.run(None, {image.name: x})
        forward += time.process_time() - start
    return forward


def ranked(model: Path, photos: list[Path], place: Path) -> float:
    """The command."""
    asked = ["rank", str(model), *map(str, photos), "--preprocess", PRESET, "--target", CLASS]
    asked += ["--boxes", f"{place}/boxes.json", "--metrics", "energy in box", "--sanity", "0"]
    with contextlib.redirect_stderr(io.StringIO()):
        gradcam([*asked, "--methods", METHODS, "-o", f"{place}/out"])
    return 0.0


def spent(run: Callable[[], float]) -> Spent:
    """By the clock, and by this process."""
    wall, own = time.perf_counter(), time.process_time()
    forward = run()
    return Spent(time.perf_counter() - wall, time.process_time() - own, forward)


if __name__ == "__main__":
    main()
