"""`gradcam explain detector.onnx classifier.onnx --crop`: maps of boxes on the whole photo.

The detector is the package's; the classifier knows colours: A is the picture itself, y^c the mean
of channel c. Each of the two circles of a scene has a green patch planted in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core import explain, find_boxes, open_backend
from cam_core.cli.group import gradcam
from cam_core.demo import DETECTOR, load_crowds
from cam_core.image import PRESETS, crops, preprocess

pytest.importorskip("onnxruntime")

COLOURS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,64,64] x) => (float[N,3] logits) {
    c = Conv(x, w) a = Relu(c) p = GlobalAveragePool(a) logits = Flatten(p) }"""
PATCH = 12
"""Pixels of the side of what is planted."""


def patches() -> list[tuple[int, int]]:
    """x and y of the patches' upper left corners: off the middle of each circle."""
    middles = [thing.middle for thing in load_crowds()[0].things[:2]]
    return [(round(x) + 6, round(y) - 18) for x, y in middles]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cropping")
    model = onnx.parser.parse_model(COLOURS)
    eye = np.eye(3, dtype=np.float32)[:, :, None, None]
    model.graph.initializer.append(onnx.numpy_helper.from_array(eye, "w"))
    onnx.save(model, folder / "colours.onnx")
    (folder / "detector.onnx").write_bytes(DETECTOR.read_bytes())
    (folder / "names.txt").write_text("red\ngreen\nblue\n")
    planted = load_crowds()[0].pixels()
    for x, y in patches():
        planted[y : y + PATCH, x : x + PATCH] = (0, 255, 0)
    Image.fromarray(planted).save(folder / "a.png")
    Image.fromarray(load_crowds()[1].pixels()).save(folder / "b.png")
    Image.new("RGB", (64, 64), (9, 9, 9)).save(folder / "empty.png")
    return folder


def call(place: Path, *given: str, models: tuple[str, ...] = ("detector", "colours")) -> Result:
    files = [str(place / f"{name}.onnx") for name in models]
    words = ["explain", *files, "--preprocess=unit", "--fit=stretch", "--target=green - red"]
    labels = f"--labels={place / 'names.txt'}"
    return CliRunner().invoke(gradcam, [*words, labels, *given])


def peak(record: dict[str, Any], cells: Any) -> tuple[float, float]:
    """x and y of a map's maximum, in pixels of the photo."""
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    return tuple(np.array(record["preprocessing"]["input_to_photo"]) @ (column + 0.5, row + 0.5, 1))


def test_each_map_lies_in_the_box_that_was_asked_for(place: Path, tmp_path: Path) -> None:
    asked = ("--crop=box:all", "--crop-margin=0.1", "--json", f"--output={tmp_path}")
    done = call(place, str(place / "a.png"), *asked)
    assert done.exit_code == 0, done.output
    records = json.loads(done.stdout)["explanations"]
    assert len(records) == 2
    left = patches()
    for i, record in enumerate(records):
        x, y = peak(record, np.load(tmp_path / f"a.box-{i}.1-0.gradcam.npy"))
        x0, y0, x1, y1 = record["crop"]["box"]["corners"]
        assert x0 < x < x1
        assert y0 < y < y1
        (hit,) = [p for p in left if 0 <= x - p[0] <= PATCH and 0 <= y - p[1] <= PATCH]
        left.remove(hit)
        low, high = record["crop"]["corners"][:2], record["crop"]["corners"][2:]
        assert low[0] < x0 - 0.05 * (x1 - x0)
        assert high[1] > y1 + 0.05 * (y1 - y0)
        assert record["image"] == str(place / "a.png")
        digest = hashlib.sha256((place / "detector.onnx").read_bytes()).hexdigest()
        assert record["crop"]["detector_sha256"] == digest
        assert record["crop"]["detector"] == str(place / "detector.onnx")
        assert record["crop"]["box"]["probability"] > 0.9
        assert record["model"] == str(place / "colours.onnx")
    assert not left


def test_the_picture_is_the_whole_photo_and_dim_outside_the_cut(
    place: Path, tmp_path: Path
) -> None:
    done = call(place, str(place / "a.png"), "--crop=circle", f"--output={tmp_path}")
    assert done.exit_code == 0, done.output
    assert "detector.onnx" in done.stdout.split("crop ")[1].splitlines()[0]
    record = json.loads((tmp_path / "a.circle.1-0.gradcam.json").read_text())
    page = np.asarray(Image.open(tmp_path / "a.circle.1-0.gradcam.png")).astype(int)
    photo = np.asarray(Image.open(place / "a.png"))
    shown = np.asarray(Image.fromarray(photo).resize((448, 448))).astype(int)
    margin = 12  # of the page; small photos are enlarged to 448 pixels
    painted, scale = page[margin : margin + 448, margin : margin + 448], 448 / 256
    x0, y0, x1, y1 = (round(v * scale) for v in record["crop"]["corners"])
    outside = np.ones((448, 448), bool)
    outside[y0 - 6 : y1 + 6, x0 - 6 : x1 + 6] = False  # the frame is drawn on the edge
    assert (painted[outside].max(axis=1) <= shown[outside].max(axis=1)).mean() > 0.99
    x, y = (round(v * scale) for v in peak(record, np.load(record_map(tmp_path))))
    assert shown[y, x, 0] < 10  # the planted green
    assert painted[y, x, 0] > 50  # beneath the dark red of the map's maximum
    assert painted[y, x, 2] < 10


def record_map(folder: Path) -> Path:
    (found,) = folder.glob("*.npy")
    return found


def test_python_says_the_same_in_a_few_lines(place: Path, tmp_path: Path) -> None:
    done = call(place, str(place / "a.png"), "--crop=box:1", f"--output={tmp_path}")
    assert done.exit_code == 0, done.output
    detector, classifier = (open_backend(place / f"{n}.onnx") for n in ("detector", "colours"))
    photo = np.asarray(Image.open(place / "a.png"))
    seen = preprocess(photo, PRESETS["unit"], detector.inputs()[0])
    boxes = find_boxes(detector, seen.x, "box:1", placement=seen.placement)
    for crop in crops(photo, boxes):
        spec = replace(PRESETS["unit"], fit="stretch")
        made = crop.prepare(photo, spec, classifier.inputs()[0])
        found = explain(classifier, made.x, "1-0", placement=made.placement)
    np.testing.assert_allclose(np.load(record_map(tmp_path)), found.map[0], rtol=1e-5)


def test_a_photo_without_the_box_is_told_and_the_others_go_on(place: Path, tmp_path: Path) -> None:
    photos = [str(place / name) for name in ("empty.png", "a.png", "b.png")]
    done = call(place, *photos, "--crop=circle", "--no-pictures", "--json", f"--output={tmp_path}")
    assert done.exit_code == 0, done.output
    notes = done.stderr.splitlines()
    assert [note.split(": no")[0] for note in notes[:2]] == [
        "note: empty.png: circle",
        "note: b.png: circle",
    ]
    assert notes[2:] == ["explained 1 picture; 2 notes say what was not found"]
    told = json.loads(done.stdout)
    assert len(told["explanations"]) == 1
    assert len(told["missed"]) == 2


WRONG = {
    "none above": (["--crop=square"], "a.png: square: no 'square' from 0.25 on; the best is"),
    "no label": (["--crop=zebra"], "detector.onnx': no label 'zebra'"),
    "no question": (["--crop=box:x"], "is no question to a detector"),
    "no box": (["--crop=out:output0[0,0]"], "is about no box"),
    "margin": (["--crop=circle", "--crop-margin=-1"], "crop margin -1"),
    "alone": (["--crop-margin=0.1"], "--crop-margin goes with --crop"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_mistakes_are_one_line(wrong: str, place: Path, tmp_path: Path) -> None:
    given, said = WRONG[wrong]
    done = call(place, str(place / "a.png"), *given, f"--output={tmp_path}")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert said in done.stderr


@pytest.mark.parametrize(
    ("models", "given", "said"),
    [
        (("colours",), ["--crop=box:0"], "there is one model: gradcam explain detector.onnx"),
        (("colours", "detector"), ["--crop=box:0"], "colours.onnx': it is no detector"),
        (("detector", "colours"), [], "add --crop box:0"),
    ],
)
def test_models_that_do_not_fit(
    models: tuple[str, ...], given: list[str], said: str, place: Path, tmp_path: Path
) -> None:
    done = call(place, str(place / "a.png"), *given, f"--output={tmp_path}", models=models)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert said in done.stderr
