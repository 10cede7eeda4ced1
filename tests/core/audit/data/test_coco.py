"""COCO's masks: polygons and run lengths, against values of its own tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.audit.data import open_data
from cam_core.audit.data.coco import filled, mask_of, unpacked
from cam_core.errors import InputError

MASK = np.zeros((7, 9), bool)
MASK[2:5, 1:4] = True
MASK[3, 6:8] = True
PACKED = "934000?NC04"
"""`pycocotools.mask.encode` of it (2.0.10)."""
COUNTS = [9, 3, 4, 3, 4, 3, 19, 1, 6, 1, 10]
LARGE = "Re>V<^3" + 2 * "0" * 301
"""Of 390 x 303 pixels from (10, 30) on in 500 x 400, but for its last run."""


def test_packed_run_lengths_are_those_of_the_tool() -> None:
    assert unpacked(PACKED) == COUNTS
    assert sum(COUNTS) == MASK.size
    first = unpacked(LARGE)[:3]
    assert first == [30 * 500 + 10, 390, 110]


@pytest.mark.parametrize("counts", [PACKED, COUNTS])
def test_run_lengths_become_the_mask(counts: Any) -> None:
    found = mask_of({"size": [7, 9], "counts": counts}, (7, 9), "here")
    np.testing.assert_array_equal(found, MASK)


def test_polygons_hold_the_pixels_whose_centre_lies_in_them() -> None:
    """Against a loop over pixels and the angle that the outline turns round each."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        corners = rng.uniform(-2, 14, (5, 2))
        hull = corners[np.argsort(np.arctan2(*(corners - corners.mean(0)).T))]
        found = filled([hull.ravel().tolist()], (11, 12))
        for i in range(11):
            for j in range(12):
                z = (hull - (j + 0.5, i + 0.5)) @ (1, 1j)
                turned = np.angle(np.roll(z, -1) / z).sum()
                assert found[i, j] == (abs(turned) > np.pi), (i, j)


def test_several_polygons_are_one_object() -> None:
    square, other = [1, 1, 4, 1, 4, 4, 1, 4], [3, 3, 6, 3, 6, 6, 3, 6]
    expected = np.zeros((7, 7), bool)
    expected[1:4, 1:4] = expected[3:6, 3:6] = True
    np.testing.assert_array_equal(filled([square, other], (7, 7)), expected)


def test_masks_come_with_their_box(tmp_path: Path) -> None:
    file = one_photo(tmp_path, {"size": [7, 9], "counts": PACKED})
    (item,) = open_data(file)
    (thing,) = item.things((7, 9))
    assert thing.box.label == "cat"
    assert thing.mask is not None
    np.testing.assert_array_equal(thing.mask(), MASK)


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ({"size": [9, 7], "counts": COUNTS}, "its mask is \\(9, 7\\), the photo \\(7, 9\\)"),
        ({"size": [7, 9], "counts": [5]}, "segmentation cannot be read"),
        ([[1, 2, 3]], "segmentation cannot be read"),
    ],
)
def test_a_mask_that_cannot_be_is_told(drawn: Any, said: str, tmp_path: Path) -> None:
    (item,) = open_data(one_photo(tmp_path, drawn))
    (thing,) = item.things((7, 9))
    assert thing.mask is not None
    with pytest.raises(InputError, match=said):
        thing.mask()


def test_an_annotation_without_a_box_is_told(tmp_path: Path) -> None:
    file = one_photo(tmp_path, [])
    content = json.loads(file.read_text())
    del content["annotations"][0]["bbox"]
    file.write_text(json.dumps(content))
    (item,) = open_data(file)
    with pytest.raises(InputError, match="annotation 5: no bbox and category_id"):
        item.things((7, 9))


def one_photo(folder: Path, drawn: Any) -> Path:
    Image.fromarray(np.zeros((7, 9, 3), np.uint8)).save(folder / "a.png")
    annotation = {"id": 5, "image_id": 1, "category_id": 2, "bbox": [1, 2, 7, 3]}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 7, "width": 9}],
        "categories": [{"id": 2, "name": "cat"}],
        "annotations": [{**annotation, "segmentation": drawn}],
    }
    (folder / "instances_small.json").write_text(json.dumps(content))
    return folder / "instances_small.json"
