"""Layers that are named for `gradcam compare`, one or several of either side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

pytest.importorskip("onnxruntime")

from cam_core.cli.group import gradcam
from cam_core.demo import MODEL, load_scenes


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for i, scene in enumerate(load_scenes()[:2]):
        Image.fromarray(scene.pixels()).save(f"photos/{i}.png")


def compare(*flags: str) -> Result:
    call = ["compare", str(MODEL), str(MODEL), "photos", "-o", "out", *flags]
    return CliRunner().invoke(gradcam, call)


def test_several_layers_of_both_are_paired_in_their_order() -> None:
    ours = ("--layer", "relu_3", "--layer", "relu_2")
    done = compare(*ours, "--layer-b", "relu_3", "--layer-b", "relu_2")
    assert done.exit_code == 0, done.output
    found = json.loads(Path("out/compare.json").read_text())["layers"]
    assert [(one["a"], one["b"]) for one in found] == [("relu_3", "relu_3"), ("relu_2", "relu_2")]
    found = compare(*ours)
    assert found.exit_code == 0, found.output
    assert "layer    relu_2 = relu_2" in found.output


def test_another_number_of_layers_is_said() -> None:
    done = compare("--layer", "relu_3", "--layer", "relu_2", "--layer-b", "relu_3")
    assert done.exit_code == 2
    assert "2 layers of A (relu_3, relu_2) and 1 of B (relu_3)" in done.stderr
