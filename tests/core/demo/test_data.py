"""The demo: Grad-CAM finds objects whose boxes are known, and the command does what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core import explain, open_backend
from cam_core.backend import Array
from cam_core.demo import DETECTOR, LABELS, MODEL, Thing, load_crowds, load_scenes
from tests.paths import ROOT

RENDERER = ROOT / "examples" / "demo"
FRESH = 2_000_000
"""Seeds from here on were in no training."""
SCENES, SIZE = 200, 128

OFFLINE = """
import sys
def refuse(event, args):
    assert event not in ("socket.connect", "socket.getaddrinfo"), event
sys.addaudithook(refuse)
from cam_core.cli import main
main()
"""


@pytest.fixture(scope="module")
def renderer() -> Any:
    """`examples/demo/scenes.py`."""
    if not RENDERER.is_dir():
        pytest.skip("this tree has no examples")
    return import_module("examples.demo.scenes")


def run(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """`gradcam ...` in a fresh process that may not reach a network."""
    return subprocess.run(
        [sys.executable, "-c", OFFLINE, *arguments],
        cwd=at,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def pixels(path: Path) -> Array:
    """Reads and closes it, [H, W, 3]."""
    return np.asarray(Image.open(path))


def in_box(points: list[tuple[float, float]], boxes: list[tuple[float, ...]]) -> float:
    """The share of points that lie in their boxes, no tolerance."""
    inside = [
        b[0] <= x <= b[2] and b[1] <= y <= b[3] for (x, y), b in zip(points, boxes, strict=True)
    ]
    return float(np.mean(inside))


def test_the_pointing_game_hits_the_object_asked_for(renderer: Any) -> None:
    """Zhang et al. 2018, without their 15 pixels: the maximum lies in the object's own box."""
    labels = LABELS.read_text(encoding="utf-8").splitlines()
    backend = open_backend(MODEL.read_bytes())
    scenes = [renderer.render(FRESH + i, size=SIZE) for i in range(SCENES)]
    x = np.stack([s.pixels.transpose(2, 0, 1) for s in scenes]).astype(np.float32) / 255
    peaks, own, other = [], [], []
    for which in (0, 1):
        classes = [labels.index(s.things[which].label) for s in scenes]
        heat = explain(backend, x, classes).heatmap((SIZE, SIZE)).reshape(SCENES, -1)
        peaks += [(k % SIZE + 0.5, k // SIZE + 0.5) for k in heat.argmax(axis=1).tolist()]
        own += [s.things[which].box for s in scenes]
        other += [s.things[1 - which].box for s in scenes]
    assert in_box(peaks, own) >= 0.9
    assert in_box(peaks, other) <= 0.05  # the boxes of two things may overlap at a corner


@pytest.mark.parametrize("number", range(1, len(load_scenes()) + 1))
def test_the_command_writes_what_it_says(number: int, tmp_path: Path) -> None:
    done = run("demo", "-o", "made", "--scene", str(number), at=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    written = {line.split(None, 1)[1].strip() for line in lines if line.startswith("wrote")}
    assert written == {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    scene = load_scenes()[number - 1]
    for thing in scene.things[:2]:
        row = next(line for line in lines if line.startswith(thing.label))
        assert row.rstrip().endswith("yes")
    cards = [pixels(tmp_path / "made" / f"{t.label.replace(' ', '-')}.png") for t in scene.things]
    assert (cards[0] != cards[1]).any()
    height, width, _ = pixels(tmp_path / "made" / "side-by-side.png").shape
    assert width > 2 * height
    assert (tmp_path / "made" / "scene.png").read_bytes() == scene.file.read_bytes()


@pytest.mark.parametrize("number", range(1, len(load_crowds()) + 1))
def test_two_boxes_of_one_class_are_shown(number: int, tmp_path: Path) -> None:
    done = run("demo", "--detector", "-o", "made", "--scene", str(number), at=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    written = {line.split(None, 1)[1].strip() for line in lines if line.startswith("wrote")}
    assert written == {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    first, second = load_crowds()[number - 1].things[:2]
    assert first.label == second.label
    for i in (1, 2):
        row = next(line for line in lines if line.startswith(f"{first.label} {i}"))
        assert row.rstrip().endswith("yes")
    cards = [pixels(tmp_path / "made" / f"{first.label}-{i}.png") for i in (1, 2)]
    assert cards[0].shape != cards[1].shape or (cards[0] != cards[1]).any()


@pytest.mark.parametrize("shown", [[], ["--detector"]], ids=["classes", "boxes"])
def test_the_next_command_it_names_works(shown: list[str], tmp_path: Path) -> None:
    import shlex

    first = run("demo", *shown, at=tmp_path)
    named = [line for line in first.stdout.splitlines() if line.startswith("next")]
    done = run(*shlex.split(named[0])[2:], at=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(next((tmp_path / "gradcam-demo").glob("*.json")).read_text())
    scenes = load_crowds() if shown else load_scenes()
    assert record["label"] == scenes[0].things[1].label


def test_a_scene_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run("demo", "--scene", "0", at=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"Error: scene 0: there are scenes 1 to {len(load_scenes())}.\n"
    assert not list(tmp_path.iterdir())


def test_the_package_data_is_small() -> None:
    assert len(MODEL.read_bytes()) < 1_000_000
    assert len(DETECTOR.read_bytes()) < 1_000_000
    for scenes in (load_scenes(), load_crowds()):
        assert sum(len(scene.file.read_bytes()) for scene in scenes) < 200_000


def test_the_scenes_come_from_the_renderer(renderer: Any) -> None:
    records = json.loads((ROOT / "cam_core" / "demo" / "scenes.json").read_text())
    for record, scene in zip(records, load_scenes(), strict=True):
        pixels = scene.pixels()
        again = renderer.render(record["seed"], size=len(pixels))
        assert tuple(Thing(t.label, t.box) for t in again.things) == scene.things
        # A processor's own sine may move a value across the edge between two levels.
        assert np.abs(again.pixels.astype(int) - pixels).max() <= 1


def test_the_labels_are_the_renderers(renderer: Any) -> None:
    assert tuple(LABELS.read_text(encoding="utf-8").splitlines()) == renderer.LABELS
