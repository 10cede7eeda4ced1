"""How often a command does what is dear: counted, never timed."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.cli.inputs import reader
from cam_core.demo import MODEL, load_scenes

ort = pytest.importorskip("onnxruntime", reason="no runtime is installed")

KINDS = ("analyses", "layers", "sessions", "decodings")
"""Of the model; searches for the default layer; opened; of photos."""
TWO = "explain demo.onnx scene-0.png scene-1.png"
COUNTS = {  # the command: how many of each
    "explain demo.onnx scene-0.png": (1, 1, 2, 1),
    "explain demo.onnx scene-0.png --target top:3 --signed": (1, 1, 2, 1),
    "explain demo.onnx scene-0.png --layer 0": (1, 1, 2, 1),
    TWO: (1, 1, 2, 2),
    f"{TWO} --scale shared": (1, 1, 2, 2),
    f"{TWO} --no-pictures": (1, 1, 2, 2),
    "instrument demo.onnx -o out.onnx": (1, 1, 2, 0),  # compared: what was there, and what is now
    "instrument demo.onnx -o out.onnx --no-verify": (1, 1, 0, 0),
    "instrument demo.onnx -o out.onnx --layer relu_2 --no-verify": (1, 0, 0, 0),
    "instrument demo.onnx -o out.onnx --static 1,3,128,128": (1, 1, 2, 0),
    "check demo.onnx": (1, 1, 4, 0),  # compared; forward and backward
    "check demo.onnx --no-verify": (1, 1, 0, 0),
    "check demo.onnx scene-0.png": (1, 1, 5, 1),  # six inputs are made of the photo
    "check cam.onnx scene-0.png": (1, 1, 5, 1),
    "check demo.onnx scene-0.png --numeric": (1, 1, 6, 1),
    # forward, backward, what follows in float32 and, of noise, in float64
    "check demo.onnx --numeric --no-verify": (1, 1, 4, 0),
    "layers demo.onnx": (1, 1, 0, 0),
    "layers demo.onnx --layer 0": (1, 1, 0, 0),
    "strip cam.onnx -o out.onnx": (0, 0, 0, 0),
    "demo": (1, 1, 2, 0),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the demo's model, plain and instrumented, and two of its scenes."""
    from backends.onnx import instrument

    monkeypatch.chdir(tmp_path)
    Path("demo.onnx").write_bytes(MODEL.read_bytes())
    Path("cam.onnx").write_bytes(instrument(MODEL.read_bytes()).SerializeToString())
    for i, scene in enumerate(load_scenes()[:2]):
        Image.fromarray(scene.pixels()).save(f"scene-{i}.png")
    return tmp_path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls of what is dear."""
    found: Counter[str] = Counter()

    def count(kind: str, module: str, name: str) -> None:
        place = importlib.import_module(module)
        own = getattr(place, name)

        def call(*args: Any, **options: Any) -> Any:
            found[kind] += 1
            return own(*args, **options)

        monkeypatch.setattr(place, name, call)

    count("analyses", "backends.onnx.finding.analysis", "prepare")
    count("layers", "backends.onnx.finding.layers", "default_layers")
    count("decodings", "cam_core.image.read", "to_rgb")
    count("versions", "importlib.metadata", "version")

    class Session(ort.InferenceSession):
        def __init__(self, *args: Any, **options: Any) -> None:
            found["sessions"] += 1
            super().__init__(*args, **options)

    monkeypatch.setattr(ort, "InferenceSession", Session)
    return found


def run(line: str) -> None:
    result = CliRunner().invoke(gradcam, line.split())
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("line", COUNTS)
def test_nothing_dear_is_done_twice(line: str, here: Path, counted: Counter[str]) -> None:
    run(line)
    assert dict(zip(KINDS, COUNTS[line], strict=True)) == {kind: counted[kind] for kind in KINDS}


def test_versions_are_looked_up_once_a_run(here: Path, counted: Counter[str]) -> None:
    run(TWO)
    assert 0 < counted["versions"] <= 6  # packages


@pytest.mark.parametrize(("more", "count"), [("", 3), ("--scale shared", 6)], ids=["", "shared"])
def test_photos_of_a_large_run_are_not_held(
    more: str, count: int, here: Path, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are decoded when their turn comes, and for one scale once more."""
    monkeypatch.setattr(reader, "HELD", 1000)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for i in range(3):
        Image.fromarray(noise).save(f"photo-{i}.png")
    run(f"explain demo.onnx photo-0.png photo-1.png photo-2.png {more}")
    assert counted["decodings"] == count
