"""Keypoints and masks of a trained detector: they are true, and explained where they are."""

from __future__ import annotations

from ast import literal_eval
from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.backend import Array
from tests.paths import ROOT

pytest.importorskip("onnxruntime")
boxes = pytest.importorskip("examples.detector.boxes", reason="this tree has no examples")
made = pytest.importorskip("examples.parts.scenes", reason="this tree has no examples")

FOLDER = ROOT / "examples" / "parts"
FRESH, SCENES = 3_000_000, 60
"""Seeds from here on were in no training."""
CELL = boxes.SIZE // 32
"""Pixels between the places of a mask."""


@cache
def known() -> Any:
    """Two or three things each."""
    return [made.known(seed) for seed in range(FRESH, FRESH + SCENES)]


@cache
def backend(name: str) -> Any:
    from backends.onnx import OnnxBackend

    return OnnxBackend(FOLDER / f"{name}.onnx")


def image(row: int) -> Array:
    """[1, 3, 128, 128]"""
    pixels = known()[row].scene.pixels.transpose(2, 0, 1)
    return np.asarray(pixels[None] / 255, np.float32)


@cache
def asked(name: str, target: str) -> Any:
    """What is explained of each scene by HiResCAM."""
    return [explain(backend(name), image(row), target, "hirescam") for row in range(SCENES)]


def scores(target: str) -> Array:
    """Y [SCENES]"""
    return np.concatenate([one.score for one in asked("pose", target)])


@cache
def things(name: str) -> list[int]:
    """Of each scene the thing that the best box is of: which it overlaps most."""
    found = []
    for one, own in zip(asked(name, "box:0"), known(), strict=True):
        corners = one.detail[0]["box"]["corners"]
        shares = [boxes.overlap(thing.box, corners) for thing in own.scene.things]
        assert max(shares) > 0.5
        found.append(int(np.argmax(shares)))
    return found


def ends() -> Array:
    """Of that thing x, y and whether it is seen, of both ends [SCENES, 2, 3]."""
    return np.stack([k.points[i] for k, i in zip(known(), things("pose"), strict=True)])


def peak(one: Any) -> tuple[float, float]:
    """The centre of the highest cell of a map, x and y in pixels."""
    cell = boxes.SIZE / one.map.shape[1]
    row, column = np.unravel_index(int(one.map[0].argmax()), one.map.shape[1:])
    return (float(column) + 0.5) * cell, (float(row) + 0.5) * cell


def nearer(target: str, number: int) -> Array:
    """Whether a map peaks nearer to that end of the thing than to the other one [SCENES]."""
    peaks = np.array([peak(one) for one in asked("pose", target)])
    own, other = (np.hypot(*(peaks - ends()[:, n, :2]).T) for n in (number, 1 - number))
    found: Array = own < other
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_a_keypoint_is_where_the_end_is(number: int) -> None:
    """Within 4 of 128 pixels, of the ends that are seen."""
    found = np.stack([scores(f"keypoint:{number}{side}@box:0") for side in "xy"], axis=1)
    truth = ends()[:, number]
    off = np.hypot(*(found - truth[:, :2]).T)[truth[:, 2] == 1]
    assert np.mean(off <= 4) >= 0.95


@pytest.mark.parametrize("number", [0, 1])
def test_its_probability_says_whether_it_is_seen(number: int) -> None:
    seen = ends()[:, number, 2] == 1
    p = np.exp(scores(f"keypoint:{number}@box:0"))
    assert np.mean(seen) <= 0.7  # a model that says yes to all fails
    assert np.mean((p > 0.5) == seen) >= 0.95


@pytest.mark.parametrize("number", [0, 1])
def test_that_an_end_is_seen_is_told_at_that_end(number: int) -> None:
    """Of what speaks for a covered one there is no saying where it is."""
    seen = ends()[:, number, 2] == 1
    assert np.mean(nearer(f"keypoint:{number}@box:0", number)[seen]) >= 0.95


@pytest.mark.parametrize("number", [0, 1])
def test_that_an_end_is_covered_is_told_at_that_end(number: int) -> None:
    """In most of the 19 scenes a keypoint: the thing as a whole speaks, too."""
    covered = ends()[:, number, 2] == 0
    assert np.mean(nearer(f"-keypoint:{number}@box:0", number)[covered]) >= 0.65


def mask(row: int) -> Array:
    """Whether each cell is of the best box's thing, as the file says it: bool [32, 32]."""
    one = asked("masks", "mask@box:0")[row]
    facts = one.detail[0]["box"]
    numbers, maps = backend("masks").forward({"images": image(row)}).values()
    logits = np.tensordot(numbers[0, 4 + len(boxes.CLASSES) :, facts["anchor"]], maps[0], 1)
    left, top, right, bottom = facts["corners"]
    at = (np.arange(len(logits)) + 0.5) * CELL
    down, across = (at >= top) & (at <= bottom), (at >= left) & (at <= right)
    found: Array = (logits > 0) & down[:, None] & across
    assert one.detail[0]["mask"]["places"] == found.sum()
    assert one.score[0] == pytest.approx(logits[found].mean(), rel=1e-4)  # float32
    return found


def test_a_mask_is_what_is_seen_of_its_thing() -> None:
    """Intersection over union, cell by cell: a cell is of the thing when half of it is."""
    shares = []
    for row, thing in enumerate(things("masks")):
        found, whole = mask(row), known()[row].masks[thing]
        truth = whole.reshape(32, CELL, 32, CELL).mean(axis=(1, 3)) >= 0.5
        shares.append((found & truth).sum() / (found | truth).sum())
    assert np.median(shares) >= 0.9
    assert min(shares) >= 0.75


def test_a_mask_is_explained_on_its_thing() -> None:
    """The map peaks on a pixel of it that is seen."""
    hits = []
    for one, own, thing in zip(asked("masks", "mask@box:0"), known(), things("masks"), strict=True):
        x, y = peak(one)
        hits.append(own.masks[thing][int(y), int(x)])
    assert np.mean(hits) >= 0.95


@pytest.mark.parametrize("name", ["pose", "masks"])
def test_the_head_is_read_without_flags(name: str) -> None:
    head = backend(name).heads()[0]
    assert (head.output, head.kind, head.activation) == ("output0", "boxes", "Sigmoid")
    assert (head.boxes.more, head.boxes.points) == (7, 3 if name == "pose" else 0)
    assert head.boxes.prototypes == ("" if name == "pose" else "output1")
    assert backend(name).classes == len(boxes.CLASSES)


@pytest.mark.parametrize("name", ["pose", "masks"])
def test_the_file_says_what_yolov8_says(name: str) -> None:
    metadata = backend(name).metadata
    assert literal_eval(metadata["names"]) == dict(enumerate(boxes.CLASSES))
    assert literal_eval(metadata["imgsz"]) == [boxes.SIZE, boxes.SIZE]
    assert metadata["task"] == {"pose": "pose", "masks": "segment"}[name]
    assert literal_eval(metadata.get("kpt_shape", "[]")) == ([2, 3] if name == "pose" else [])
    assert (FOLDER / f"{name}.onnx").stat().st_size < 1_000_000
