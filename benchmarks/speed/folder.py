"""Images a second of `gradcam explain FOLDER`, beside a loop that only runs the plain model."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cam_core.backend import InputInfo
from cam_core.image import PRESETS, preprocess, read

from .blocks import ratio
from .models import Model, file
from .row import Row, Setting
from .sessions import session

PHOTOS, SIDES = 96, (480, 640)
PRESET = "imagenet"


def folder(model: Model, setting: Setting) -> Iterator[Row]:
    """Both decode, prepare and run the same photos, and open the model for it."""
    path = file(model, setting.folder)
    with tempfile.TemporaryDirectory() as place:
        photos = write_photos(Path(place) / "photos")
        asked = ["explain", str(path), str(photos), "--preprocess", PRESET, "-o", f"{place}/out"]
        runs = {
            "plain": lambda: plain(path, photos, setting.threads),
            "ours": lambda: gradcam(asked),
            "maps alone": lambda: gradcam([*asked, "--no-pictures"]),
        }
        seconds = setting.time(runs)
    names = {"ours": "explain FOLDER", "maps alone": "explain FOLDER --no-pictures"}
    for name, what in names.items():
        found = ratio(seconds, "plain", unit=name)
        yield Row("folder", model.key, what, found, "x plain images/s")


def write_photos(place: Path) -> Path:
    """Photos as cameras make them: soft shapes, a little noise, as JPEG."""
    from PIL import Image

    place.mkdir()
    rng = np.random.default_rng(0)
    for number in range(PHOTOS):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        soft = np.asarray(coarse.resize(SIDES[::-1], Image.Resampling.BICUBIC), np.float64)
        noisy = np.clip(soft + rng.normal(size=soft.shape) * 4, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(place / f"{number:02}.jpg", quality=90)
    return place


def plain(path: Path, photos: Path, threads: int) -> None:
    """Decode, prepare and run, one photo after another."""
    opened = session(path, threads)
    (given,) = opened.get_inputs()
    image = InputInfo(given.name, tuple(given.shape), np.dtype("float32"), channel_axis=1)
    for photo in sorted(photos.iterdir()):
        opened.run(None, {image.name: preprocess(read(photo), PRESETS[PRESET], image).x})


def gradcam(arguments: list[str]) -> None:
    """The command in this process; what it prints is not wanted."""
    from cam_core.cli.group import gradcam as group

    with contextlib.redirect_stdout(io.StringIO()):
        group.main(arguments, standalone_mode=False)
