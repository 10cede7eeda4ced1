"""The demo's model, changed copies of it, and scenes in folders of their class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from click.testing import CliRunner, Result
from onnx import numpy_helper

from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes

COUNT = 14


def write_files(folder: Path) -> Path:
    """Fourteen scenes, one file that is none, a label that some of them do not deserve."""
    from PIL import Image

    model = onnx.load(MODEL)
    onnx.save(model, folder / "a.onnx")
    rng = np.random.default_rng(3)
    onnx.save(
        changed(model, lambda w: w + 0.05 * w.std() * rng.normal(size=w.shape)), folder / "b.onnx"
    )
    (folder / "labels.txt").write_bytes(LABELS.read_bytes())
    scenes = [scene.pixels() for scene in load_scenes()]
    turned = [np.rot90(pixels, k) for k in range(4) for pixels in scenes]
    mirrored = [pixels[:, ::-1] for pixels in turned]
    names = LABELS.read_text().splitlines()
    for i, pixels in enumerate([*turned, *mirrored][:COUNT]):
        file = folder / "photos" / names[i % 3] / f"{i:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(pixels)).save(file)
    (folder / "photos" / names[0] / "99.png").write_bytes(b"no picture")
    return folder


def changed(model: onnx.ModelProto, change: Any) -> onnx.ModelProto:
    """A copy with `change(weight)` of its convolutions' weights."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for tensor in (t for t in made.graph.initializer if len(t.dims) == 4):
        value = np.ascontiguousarray(change(numpy_helper.to_array(tensor)).astype(np.float32))
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return made


def audit(*arguments: str, out: str = "out") -> Result:
    """The command, with what all calls share."""
    shared = ["--preprocess", PREPROCESS, "--labels", "labels.txt", "-o", out]
    return CliRunner().invoke(gradcam, ["audit", *arguments, *shared])
