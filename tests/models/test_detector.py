"""The detector of the package: it finds things, and each box is explained where its thing is."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain_all
from cam_core.backend import Array
from cam_core.demo import DETECTOR, load_crowds
from cam_core.targets import CotangentTarget
from tests.paths import ROOT
from tests.pointing import inside

pytest.importorskip("onnxruntime")
boxes = pytest.importorskip("examples.detector.boxes", reason="this tree has no examples")

FRESH, SCENES = 3_000_000, 100
"""Seeds from here on were in no training."""
ENDS = ("neck.fine", "neck.coarse")
"""Modules: the ends of the neck at strides 8 and 16."""


@cache
def scenes() -> Any:
    """The first two things of each are of one class."""
    return [boxes.crowd(seed) for seed in range(FRESH, FRESH + SCENES)]


@cache
def images() -> Array:
    """[N, 3, 128, 128]"""
    return np.stack([s.pixels.transpose(2, 0, 1) for s in scenes()]).astype(np.float32) / 255


@cache
def backend() -> Any:
    from backends.onnx import OnnxBackend

    return OnnxBackend(DETECTOR.read_bytes())


@cache
def found() -> Any:
    """Thing -> its box, by scene."""
    outputs = backend().forward(images())["output0"]
    assert outputs.shape == (SCENES, 4 + len(boxes.CLASSES), boxes.ANCHORS)
    return [
        boxes.matches(scene, boxes.found(output))
        for scene, output in zip(scenes(), outputs, strict=True)
    ]


def test_overlaps_are_suppressed_in_their_class_alone() -> None:
    """By hand: 2 x 2 boxes a step apart share 1 of the 7 that they cover."""
    assert boxes.overlap((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    output = np.zeros((7, boxes.ANCHORS), np.float32)
    for anchor, x, label, score in (
        (5, 20, 0, 0.8),
        (6, 21, 0, 0.9),
        (7, 20, 1, 0.7),
        (9, 60, 0, 0.4),
    ):
        output[:, anchor] = (x, 20, 10, 10, *(score * (k == label) for k in range(3)))
    left = boxes.found(output)
    assert [(own.anchor, own.label) for own in left] == [(6, "circle"), (7, "square")]
    assert left[0].box == (16, 15, 26, 25)


def test_both_things_of_a_class_are_found() -> None:
    """Score and overlap at least 0.5, suppressed above 0.5."""
    assert np.mean([0 in own and 1 in own for own in found()]) >= 0.97


def test_few_boxes_are_on_no_thing() -> None:
    outputs = backend().forward(images())["output0"]
    number = sum(len(boxes.found(output)) for output in outputs)
    assert sum(map(len, found())) >= 0.95 * number


def class_score(which: int) -> CotangentTarget:
    """Before its sigmoid, at the anchor of the thing's box; a scene without it has none."""

    def cotangent(y: Array, outputs: Any) -> Array:
        one_hot = np.zeros_like(y)
        for row, scene, own in zip(one_hot, scenes(), found(), strict=True):
            if which in own:
                label = scene.things[which].label.split()[1]
                row[boxes.CLASSES.index(label), own[which].anchor] = 1
        return one_hot

    return CotangentTarget(cotangent)


def merged(which: int) -> Array:
    """HiResCAM at the ends of the neck: each map over its maximum, merged by it [N, 16, 16]."""
    look = backend().look(images(), layers=ENDS)
    gradients = look.pull(class_score(which)).layers
    maps = []
    for name in look.layers:
        one = np.maximum((look.activations[name] * gradients[name]).sum(axis=1), 0)
        top = one.max(axis=(1, 2), keepdims=True)
        one = one / np.where(top > 0, top, 1)
        maps.append(one.repeat(16 // one.shape[1], axis=1).repeat(16 // one.shape[2], axis=2))
    return np.maximum(*maps)


@pytest.mark.parametrize("which", [0, 1])
def test_a_box_is_explained_where_its_thing_is(which: int) -> None:
    rows = [i for i, own in enumerate(found()) if which in own]
    maps = merged(which)[rows]
    own, other = ([scenes()[i].things[k].box for i in rows] for k in (which, 1 - which))
    assert inside(maps, own, size=128) >= 0.95
    assert inside(maps, other, size=128) <= 0.02


def test_two_boxes_of_one_class_light_different_things() -> None:
    """`box:all` with default layers and method, scenes one by one; which thing a box is of follows
    from where the record says that it lies."""
    hits, apart = [], []
    for i, scene in enumerate(scenes()):
        things = [thing.box for thing in scene.things]
        label = boxes.CLASSES.index(scene.things[0].label.split()[1])
        every = explain_all(backend(), images()[i : i + 1], ["box:all"], ["hirescam"])
        alike = [one for one in every if one.detail[0]["box"]["class"] == label]
        met = [nearest(centre(one.detail[0]["box"]["corners"]), things) for one in alike]
        apart.append({0, 1} <= set(met))
        hits += [inside(one.map, [things[k]], size=128) for one, k in zip(alike, met, strict=True)]
    assert np.mean(apart) >= 0.97
    assert len(hits) >= 190
    assert np.mean(hits) >= 0.95


def centre(box: Sequence[float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def nearest(point: tuple[float, float], things: Sequence[Sequence[float]]) -> int:
    """Whose centre is nearest."""
    return int(np.argmin([np.hypot(*np.subtract(point, centre(box))) for box in things]))


def test_the_score_is_read_without_flags() -> None:
    head = backend().heads()[0]
    assert (head.output, head.kind, head.activation) == ("output0", "boxes", "Sigmoid")
    assert (backend().classes, backend().class_axis) == (len(boxes.CLASSES), 1)


def test_the_file_says_what_yolov8_says() -> None:
    metadata = backend().metadata
    assert literal_eval(metadata["names"]) == dict(enumerate(boxes.CLASSES))
    assert literal_eval(metadata["imgsz"]) == [boxes.SIZE, boxes.SIZE]
    assert metadata["task"] == "detect"
    assert int(metadata["stride"]) == max(boxes.STRIDES)


def test_the_scenes_of_the_package_come_from_the_renderer() -> None:
    from json import loads

    records = loads((ROOT / "cam_core" / "demo" / "crowds.json").read_text(encoding="utf-8"))
    for record, scene in zip(records, load_crowds(), strict=True):
        pixels = scene.pixels()
        again = boxes.crowd(record["seed"], size=len(pixels))
        assert [(t.label.split()[1], t.box) for t in again.things] == [
            (t.label, t.box) for t in scene.things
        ]
        # A processor's own sine may move a value across the edge between two levels.
        assert np.abs(again.pixels.astype(int) - pixels).max() <= 1
