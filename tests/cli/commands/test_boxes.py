"""`gradcam boxes`: rectangles through a model that passes pixels on, and the demo's model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, load_scenes

PASSES = """
<ir_version: 8, opset_import: ["" : 17]>
agraph (float[1, 3, 20, 20] x) => (float[1, 3] logits) {
    seen = Relu(x)
    pooled = GlobalAveragePool(seen)
    logits = Flatten(pooled)
}
"""
"""Grad-CAM's map of a class is that channel of the picture, times a number."""


def gradcam_of(*words: object) -> Result:
    return CliRunner().invoke(gradcam, [str(word) for word in words])


def photo(path: Path, size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Path:
    """White on black; the first rectangle is the largest, and pixels are not smoothed away."""
    pixels = np.zeros((*size, 3), np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "passes.onnx"
    onnx.save(onnx.parser.parse_model(PASSES), path)
    return path


UNIT = ("--preprocess", "unit", "--target", "0", "--layer", "seen")
FITS = {
    "letterbox": ((200, 400), (80, 60, 240, 140), ()),
    "crop": ((200, 400), (140, 40, 260, 160), ("--resize", 20)),
    "stretch": ((200, 400), (40, 20, 200, 120), ()),
    "corner": ((400, 200), (40, 80, 160, 240), ()),
}
"""fit: (the photo, a rectangle of it on whole cells of the input, options)."""


@pytest.mark.parametrize("fit", FITS)
def test_planted_rectangles_in_the_photos_own_pixels(fit: str, model: Path, tmp_path: Path) -> None:
    size, box, more = FITS[fit]
    photo(tmp_path / "a.png", size, box)
    words = ("boxes", model, tmp_path / "a.png", *UNIT, "--fit", fit, *more)
    # 0.5: shrinking the photo smooths an edge over the cells at both sides of it
    done = gradcam_of(*words, "--above", 0.5, "--json", "--no-pictures", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["boxes"]
    np.testing.assert_allclose(found["segment"]["corners"], box, rtol=1e-9)
    area = (box[2] - box[0]) * (box[3] - box[1])
    assert found["segment"]["area"] == area
    assert found["segment"]["share"] == area / (size[0] * size[1])


def test_every_record_says_how_it_came_about(model: Path, tmp_path: Path) -> None:
    photo(tmp_path / "a.png", (20, 20), (2, 3, 9, 9), (12, 12, 15, 15))
    words = ("boxes", model, tmp_path / "a.png", *UNIT, "-o", tmp_path / "out", "--above", "cam")
    done = gradcam_of(*words, "--method", "hirescam", "--format", "coco", "--format", "voc")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "out/a.0.hirescam.seen.box.json").read_text())
    assert record["threshold"]["kind"] == "cam"
    assert record["threshold"]["value"] == 0.2
    assert (record["method"], record["layer"]) == ("hirescam", "seen")
    assert record["model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert record["segment"]["corners"] == [2, 3, 9, 9]  # the larger of two
    assert (tmp_path / "out/a.0.hirescam.seen.box.png").exists()
    content = json.loads((tmp_path / "out/coco.json").read_text())
    assert content["info"]["threshold"] == record["threshold"]
    assert content["info"]["model_sha256"] == record["model_sha256"]
    assert [one["bbox"] for one in content["annotations"]] == [[2, 3, 7, 6]]
    assert "<xmin>3</xmin>" in (tmp_path / "out/voc/a.xml").read_text()


def test_a_folder_goes_on_past_photos_without_heat(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, boxes in (("a", [(2, 3, 9, 9)]), ("b", []), ("c", [(4, 4, 8, 8)])):
        photo(folder / f"{name}.png", (20, 20), *boxes)
    words = ("boxes", model, folder, *UNIT, "-o", folder)
    first, again = gradcam_of(*words), gradcam_of(*words)  # what was written there is no photo
    for done in (first, again):
        assert done.exit_code == 0, done.output
        assert "note: b.png: class 0: no heat" in done.stderr
        assert "explained 2 pictures; 1 note says what was not found" in done.stderr
    assert not list(folder.glob("b.0.*"))
    assert len(list(folder.glob("*.box.json"))) == 2


def test_no_heat_at_all_is_an_error(model: Path, tmp_path: Path) -> None:
    photo(tmp_path / "a.png", (20, 20))
    out = tmp_path / "out"
    done = gradcam_of("boxes", model, tmp_path / "a.png", *UNIT, "--format", "coco", "-o", out)
    assert done.exit_code == 2
    assert "a.png: class 0: no heat" in done.stderr
    assert not out.exists()


def test_arrays_are_no_photos(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 3, 20, 20), np.float32))
    done = gradcam_of("boxes", model, tmp_path / "x.npy", "--target", 0, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "its map lies over no photo" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--above", "2"), "--above '2': give gradcam"),
        (("--above", "cam", "--calibrate", "a.png"), "leave one of them out"),
        (("--any-class",), "--any-class is about the labels of --calibrate"),
        (("--calibrate", "away.json"), "boxes 'away.json': no such file"),
        (("--method", "nosuch"), "nosuch"),
        (("--scale", "shared"), "those of the pictures of `explain`: give a number"),
    ],
)
def test_what_cannot_be_is_refused_first(
    words: tuple[str, ...], said: str, model: Path, tmp_path: Path
) -> None:
    photo(tmp_path / "a.png", (20, 20), (2, 3, 9, 9))
    done = gradcam_of("boxes", model, tmp_path / "a.png", *words, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_demos_scenes_by_their_own_boxes(tmp_path: Path) -> None:
    """Each scene twice, once for each thing; the labels choose the threshold."""
    with LABELS.open(encoding="utf-8") as file:
        names = file.read().splitlines()
    rows, overlaps = [], []
    for index, scene in enumerate(load_scenes()):
        Image.fromarray(scene.pixels()).save(tmp_path / f"s{index}.png")
        words = [f"{names.index(t.label)} {' '.join(map(str, t.box))}" for t in scene.things]
        rows.append(f"s{index},{' '.join(words)}\n")
        targets = [word for thing in scene.things for word in ("--target", thing.label)]
        (tmp_path / "boxes.csv").write_text("".join(rows[-1:]))
        words = ["boxes", MODEL, tmp_path / f"s{index}.png", "--preprocess", "unit", *targets]
        words += ["--labels", LABELS, "--calibrate", tmp_path / "boxes.csv", "--json"]
        done = gradcam_of(*words, "--no-pictures", "-o", tmp_path / "out")
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)
        assert said["threshold"]["kind"] == "calibrated"
        assert said["threshold"]["maps"] == 2
        assert said["threshold"]["found"] == 1.0
        for found, thing in zip(said["boxes"], scene.things, strict=True):
            overlaps.append(looped(found["segment"]["corners"], thing.box))
        assert np.mean(overlaps[-2:]) == pytest.approx(said["threshold"]["mean_iou"])
    assert min(overlaps) > 0.5


def looped(one: list[float], other: tuple[float, ...]) -> float:
    """Intersection over union, side by side."""
    sides = [min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return shared / (sum(areas) - shared)
