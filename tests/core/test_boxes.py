"""The boxes of the package's detector, whose scenes say where the things are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import NothingFoundError, TargetError, find_boxes, open_backend
from cam_core.demo import DETECTOR, MODEL, load_crowds
from cam_core.image import PRESETS, preprocess

pytest.importorskip("onnxruntime")

NAMES = ["circle", "square", "triangle"]


@pytest.fixture(scope="module")
def detector() -> Any:
    return open_backend(DETECTOR.read_bytes())


def find(detector: Any, scene: int, target: str, **more: Any) -> list[Any]:
    photo = load_crowds()[scene].pixels()
    made = preprocess(photo, PRESETS["unit"], detector.inputs()[0])
    known = {"labels": NAMES, "placement": made.placement}
    return find_boxes(detector, made.x, target, **known, **more)


@pytest.mark.parametrize("scene", [0, 1])
def test_all_things_are_found_where_they_are(detector: Any, scene: int) -> None:
    found = find(detector, scene, "box:all")
    things = [t for t in load_crowds()[scene].things if t.label in NAMES]
    assert sorted(box["label"] for box in found) == sorted(thing.label for thing in things)
    for box in found:
        near = min(things, key=lambda t: float(np.abs(np.subtract(t.box, box["corners"])).max()))
        # a pixel of the input is two of the photo
        np.testing.assert_allclose(box["corners"], near.box, atol=2)
        assert box["label"] == near.label
    assert [box["asked"] for box in found] == [f"box:{i}" for i in range(len(found))]


def test_one_of_them(detector: Any) -> None:
    every = find(detector, 0, "box:all")
    (second,) = find(detector, 0, "box:1")
    assert second["corners"] == every[1]["corners"]
    (best,) = find(detector, 0, "circle")
    assert best["corners"] == every[0]["corners"]
    x, y = load_crowds()[0].things[1].middle
    (over,) = find(detector, 0, f"circle@{x:g},{y:g}")
    assert over["corners"][0] < x < over["corners"][2]
    (anchor,) = find(detector, 0, f"0@anchor:{every[1]['anchor']}")
    assert anchor["corners"] == every[1]["corners"]
    weak = int(find(detector, 0, "2@anchor:10")[0]["anchor"])  # no box, but asked for
    assert weak == 10


def test_a_class_that_is_not_there(detector: Any) -> None:
    with pytest.raises(NothingFoundError, match="no 'square' from"):
        find(detector, 0, "square")
    with pytest.raises(NothingFoundError, match="no box from 1 on"):
        find(detector, 0, "top:3", threshold=1.0)  # which explain answers with the best below it


def test_what_has_no_boxes(detector: Any) -> None:
    with pytest.raises(TargetError, match="is about no box"):
        find(detector, 0, "out:output0[0,0]")
    plain = open_backend(MODEL.read_bytes())
    with pytest.raises(TargetError, match="it is no detector: its output is classes"):
        find_boxes(plain, np.zeros((1, 3, 128, 128), np.float32))
