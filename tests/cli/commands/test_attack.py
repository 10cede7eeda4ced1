"""`gradcam attack`: what it writes and says, on the demo's model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import DETECTOR, LABELS, MODEL, load_scenes

pytest.importorskip("onnxruntime")


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scene beside the models."""
    monkeypatch.chdir(tmp_path)
    for source, name in ((MODEL, "demo.onnx"), (DETECTOR, "detector.onnx")):
        Path(name).write_bytes(source.read_bytes())
    Image.fromarray(load_scenes()[0].pixels()).save("scene.png")
    return Path("scene.png")


def call(*arguments: object, model: str = "demo.onnx") -> Result:
    words = ["attack", model, *map(str, arguments)]
    return CliRunner().invoke(gradcam, words, prog_name="gradcam")


def test_it_writes_what_the_model_was_shown(photo: Path) -> None:
    done = call(photo, "--target", "star", "--eps", "8/255", "-o", "out")
    assert done.exit_code == 0, done.output
    said = json.loads(Path("out/scene.attack.json").read_text())
    names = LABELS.read_text(encoding="utf-8").splitlines()
    assert said["wanted"] == names.index("star")
    changed = np.asarray(Image.open("out/scene.attacked.png"))
    original = np.asarray(Image.open(photo).resize((128, 128), Image.Resampling.BILINEAR))
    assert np.abs(changed.astype(int) - original).max() == 8
    sheet = np.asarray(Image.open("out/scene.attack.png"))
    assert sheet.shape[0] > 256
    # The written picture fools the model when it is explained as any other.
    again = CliRunner().invoke(
        gradcam, ["explain", "demo.onnx", "out/scene.attacked.png", "--json"]
    )
    (one,) = json.loads(again.stdout)["explanations"]
    assert said["fooled"] == (one["label"] == "star")
    assert one["label"] == said["after"]["top"][0]["label"]
    assert f"r {said['likeness']:.3f}" in done.stdout


def test_without_a_target_it_leads_away(photo: Path) -> None:
    done = call(photo, "--method", "fgsm", "--json", "-o", "out")
    said = json.loads(done.stdout)
    assert said["wanted"] is None
    assert said["after"]["own"] < said["before"]["own"]
    assert said["attack"] == "fgsm, eps 2/255"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--eps", "0"), "--eps"),
        (("--steps", "3", "--method", "fgsm"), "fgsm takes one step"),
        (("--eps", "3"), "part of the range"),
        (("--target", "top:2"), "one class"),
        (("--target", "0-1"), "one class"),
        (("--target", "77"), "out of range"),
        (("--target", "checkered square"), "already"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    arguments: tuple[str, ...], text: str, photo: Path
) -> None:
    done = call(photo, *arguments)
    assert done.exit_code == 2, done.output
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_detector_is_refused(photo: Path) -> None:
    done = call(photo, model="detector.onnx")
    assert done.exit_code == 2
    assert "attacks are on models of classes" in done.stderr
