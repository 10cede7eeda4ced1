"""`gradcam masks`: what is planted is what is in the PNG, in the run lengths and in COCO's file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx.parser
from PIL import Image

from cam_core.image.rle import mask_of
from tests.cli.commands.test_boxes import PASSES, UNIT, gradcam_of, photo


def test_a_mask_in_all_its_files(tmp_path: Path) -> None:
    onnx.save(onnx.parser.parse_model(PASSES), tmp_path / "passes.onnx")
    box = (80, 60, 240, 140)
    photo(tmp_path / "a.png", (200, 400), box)
    words = ("masks", tmp_path / "passes.onnx", tmp_path / "a.png", *UNIT, "--fit", "letterbox")
    done = gradcam_of(*words, "--above", "0.5", "--format", "coco", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    expected = np.zeros((200, 400), bool)
    expected[box[1] : box[3], box[0] : box[2]] = True
    with Image.open(tmp_path / "out/a.0.gradcam.seen.mask.png") as picture:
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.array(picture), expected * 255)
    record = json.loads((tmp_path / "out/a.0.gradcam.seen.mask.json").read_text())
    np.testing.assert_array_equal(mask_of(record["segment"]["rle"]), expected)
    (one,) = json.loads((tmp_path / "out/coco.json").read_text())["annotations"]
    np.testing.assert_array_equal(mask_of(one["segmentation"]), expected)
    assert one["area"] == expected.sum()
    assert one["threshold"] == 0.5


def test_the_edge_is_drawn_on_the_photo(tmp_path: Path) -> None:
    onnx.save(onnx.parser.parse_model(PASSES), tmp_path / "passes.onnx")
    photo(tmp_path / "a.png", (200, 200), (50, 50, 150, 150))
    words = ("masks", tmp_path / "passes.onnx", tmp_path / "a.png", *UNIT, "--above", "otsu")
    assert gradcam_of(*words, "-o", tmp_path / "out").exit_code == 0
    with Image.open(tmp_path / "out/a.0.gradcam.seen.masked.png") as picture:
        assert picture.mode == "RGB"
        assert min(picture.size) >= 200
    done = gradcam_of(*words, "--no-pictures", "-o", tmp_path / "bare")
    assert done.exit_code == 0
    names = {path.name for path in (tmp_path / "bare").iterdir()}
    assert names == {"a.0.gradcam.seen.mask.png", "a.0.gradcam.seen.mask.json"}


def test_the_method_is_what_best_turned_out_to_be(tmp_path: Path) -> None:
    onnx.save(onnx.parser.parse_model(PASSES), tmp_path / "passes.onnx")
    photo(tmp_path / "a.png", (200, 200), (50, 50, 150, 150))
    words = ("masks", tmp_path / "passes.onnx", tmp_path / "a.png", *UNIT, "--method", "best")
    done = gradcam_of(*words, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    said = dict(line.split(maxsplit=1) for line in done.output.splitlines() if " " in line)
    record = json.loads(next((tmp_path / "out").glob("*.json")).read_text())
    assert said["method"].strip() == record["method"] == "hirescam"
    assert said["files"].startswith("1 record in")
