"""`gradcam rank`: a planted best method, refusals, and what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import DETECTOR, LABELS, MODEL, load_crowds
from cam_core.errors import InputError
from cam_core.methods import METHODS, Method, Question

pytest.importorskip("onnxruntime")
Array = np.ndarray
COUNT, SIDE = 6, 64
CHEAP = ("--metrics", "energy in box,sparseness")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's model, noisy photos with a white square each, and where it is."""
    monkeypatch.chdir(tmp_path)
    Path("demo.onnx").write_bytes(MODEL.read_bytes())
    Path("own.txt").write_bytes(LABELS.read_bytes())
    Path("photos").mkdir()
    rng = np.random.default_rng(3)
    images, boxes = [], []
    for i in range(COUNT):
        left, top = (int(v) for v in rng.integers(0, SIDE - 20, 2))
        photo = rng.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
        photo[top : top + 20, left : left + 20] = 255
        Image.fromarray(photo).save(f"photos/{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE})
        box = [left, top, 20, 20]
        boxes.append({"id": i, "image_id": i, "category_id": 0, "bbox": box, "iscrowd": 0})
    names = [{"id": 0, "name": "ring"}]
    labels = {"images": images, "annotations": boxes, "categories": names}
    Path("boxes.json").write_text(json.dumps(labels))
    return tmp_path


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that finds the white square, the same once more, one that shuns it, one that cannot."""

    def bright(X: Array) -> Array:
        return np.where(np.mean(X, axis=1) > 0.7, 1.0, 0.01).astype(np.float32)

    def dark(X: Array) -> Array:
        return (1 - bright(X)).astype(np.float32)

    def cannot(question: Question) -> Array:
        raise InputError("needs attention, and this model has none")

    kinds: dict[str, Any] = {"needs": frozenset(), "gives": "map", "at": "input"}
    for name, formula in (("bright", bright), ("again", bright), ("dark", dark)):
        monkeypatch.setitem(METHODS, name, Method(formula, "", "", **kinds))
    monkeypatch.setitem(
        METHODS, "cannot", Method(cannot, "", "", needs=frozenset({"attention"}), gives="map")
    )
    monkeypatch.setitem(METHODS, "dear", Method(cannot, "", "", needs=frozenset({"passes"})))


def rank(*arguments: str, model: str = "demo.onnx") -> Result:
    call = ["rank", model, "photos", "--preprocess", "unit", "--sanity", "0", *arguments]
    return CliRunner().invoke(gradcam, call)


def ranking(metric: str, file: str = "rank.json") -> dict[str, dict[str, Any]]:
    rows = json.loads(Path(file).read_text())["metrics"][metric]["ranking"]
    return {row["method"]: row for row in rows}


def labelled(*methods: str) -> tuple[str, ...]:
    return ("--boxes", "boxes.json", "--labels", "own.txt", "--methods", ",".join(methods))


def test_the_method_that_finds_the_object_wins_and_its_double_ties(here: Path) -> None:
    result = rank(*labelled("dark", "bright", "again"), *CHEAP, "-o", "out")
    assert result.exit_code == 0, result.output
    found = ranking("energy in box", "out/rank.json")
    assert {m: row["place"] for m, row in found.items()} == {"bright": 1, "again": 1, "dark": 3}
    assert found["again"]["tied_with_the_best"] != found["bright"]["tied_with_the_best"]
    assert found["bright"]["mean"]["mean"] > 0.7 > 0.2 > found["dark"]["mean"]["mean"]
    assert found["dark"]["behind_the_best"]["low"] > 0.5
    assert found["dark"]["mean"]["photos"] == COUNT
    assert "best by energy in box: bright, with which again ties" in result.output
    assert "it flips between networks, data sets and metrics" in result.output
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *("rank.json", "rank.md", "rank.png")
    ]
    assert "| bright | 1=" in Path("out/rank.md").read_text()


def test_each_photo_is_asked_about_its_own_class_and_boxes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A red and a blue square; red is labelled in one photo, blue in the next, both in the last."""
    names = LABELS.read_text(encoding="utf-8").splitlines()[:2]
    at = {0: [4, 4, 24, 24], 2: [36, 30, 20, 20]}
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    for channel, (left, top, wide, high) in at.items():
        photo[top : top + high, left : left + wide, channel] = 255
    labels = json.loads(Path("boxes.json").read_text())
    labels["categories"] = [{"id": i, "name": name} for i, name in enumerate(names)]
    labels["annotations"] = []
    for i in range(COUNT):
        Image.fromarray(photo).save(f"photos/{i}.png")
        for number, channel in enumerate(at):
            if i == COUNT - 1 or i % 2 == number:
                own = {"image_id": i, "category_id": number, "bbox": at[channel]}
                labels["annotations"].append(own)
    Path("boxes.json").write_text(json.dumps(labels))

    def own(question: Question) -> Array:
        classes = question.target.classes(question.look.score)
        assert classes is not None
        return np.asarray(question.X[:, list(at)[int(classes[0])]] > 0.5, np.float32)

    known: dict[str, Any] = {"needs": frozenset({"passes"}), "gives": "map", "at": "input"}
    monkeypatch.setitem(METHODS, "own", Method(own, "", "", **known))
    result = rank(*labelled("own"), "--metrics", "energy in box")
    assert result.exit_code == 0, result.output
    found = json.loads(Path("rank.json").read_text())
    assert found["targets"] == COUNT + 1
    values = found["metrics"]["energy in box"]["values"]["own"]
    np.testing.assert_allclose(values, 1, atol=0.02)  # a cell at the edge is resized


def test_what_the_model_cannot_do_is_a_line_and_no_end(here: Path) -> None:
    result = rank(*labelled("cannot", "bright"), *CHEAP)
    assert result.exit_code == 0, result.output
    assert "cannot   cannot: needs attention, and this model has none" in result.output
    rows = {row["method"]: row for row in json.loads(Path("rank.json").read_text())["methods"]}
    assert rows["cannot"]["refused"] == "needs attention, and this model has none"
    assert rows["bright"]["refused"] is None
    assert "cannot" not in ranking("energy in box")


def test_no_method_at_all_is_an_error(here: Path) -> None:
    result = rank(*labelled("cannot"), *CHEAP)
    assert result.exit_code != 0
    assert "none of these methods works on this model: needs attention" in result.output


def test_dear_methods_are_left_out_unless_named(here: Path) -> None:
    result = rank("--metrics", "sparseness")
    assert result.exit_code == 0, result.output
    assert re.search(r"--methods names them: .*\bdear\b", result.output)
    found = json.loads(Path("rank.json").read_text())
    dear = {name for name, row in METHODS.items() if row.needs & {"passes", "tail"}}
    assert "dear" in dear
    assert set(found["left_out"]) == dear
    assert {row["method"] for row in found["methods"]} == set(METHODS) - dear
    assert "dear: " not in rank(*labelled("bright"), *CHEAP).output


def test_costs_are_counted_and_hashes_kept(here: Path) -> None:
    from hashlib import sha256

    rank(*labelled("gradcam", "bright"), *CHEAP)
    found = json.loads(Path("rank.json").read_text())
    rows = {row["method"]: row for row in found["methods"]}
    assert rows["gradcam"]["passes"] == {"forward": 1, "backward": 1, "tails": 0}
    assert rows["gradcam"]["times_the_forward_pass"] > 0
    assert rows["gradcam"]["timed_on_photos"] == 3
    assert found["model_sha256"] == sha256(MODEL.read_bytes()).hexdigest()
    photo = Path("photos/0.png").read_bytes()
    assert found["photos"][0] == {"photo": "0.png", "sha256": sha256(photo).hexdigest()}


def test_the_check_of_a_method_that_reads_pictures_alone(here: Path) -> None:
    result = rank(*labelled("bright"), *CHEAP, "--sanity", "3")
    assert result.exit_code == 0, result.output
    found = json.loads(Path("rank.json").read_text())
    assert (found["methods"][0]["sanity"], found["sanity_photos"]) == ("indifferent", 3)
    assert "maps of 3 photos against those with all weights shuffled" in result.output


def test_metrics_that_run_the_model_without_labels(here: Path) -> None:
    result = rank("--methods", "gradcam,layercam", "--metrics", "absolute drop,ADCC")
    assert result.exit_code == 0, result.output
    assert set(json.loads(Path("rank.json").read_text())["metrics"]) == {"absolute drop", "ADCC"}
    assert "softmax of the score" in result.output


def test_a_detector_is_asked_box_by_box(here: Path) -> None:
    Path("detector.onnx").write_bytes(DETECTOR.read_bytes())
    Path("crowds").mkdir()
    images, boxes = [], []
    for i, scene in enumerate(load_crowds()):
        pixels = scene.pixels()
        Image.fromarray(pixels).save(f"crowds/{i}.png")
        height, width = pixels.shape[:2]
        images.append({"id": i, "file_name": f"{i}.png", "width": width, "height": height})
        boxes += [
            {
                "image_id": i,
                "category_id": 0,
                "bbox": [*thing.box[:2], *np.subtract(thing.box[2:], thing.box[:2]).tolist()],
            }
            for thing in scene.things[:2]
        ]
    names = [{"id": 0, "name": load_crowds()[0].things[0].label}]
    Path("crowds.json").write_text(
        json.dumps({"images": images, "annotations": boxes, "categories": names})
    )
    call = ["rank", "detector.onnx", "crowds", "--boxes", "crowds.json", "--preprocess", "unit"]
    result = CliRunner().invoke(gradcam, [*call, *CHEAP, "--methods", "gradcam,hirescam"])
    assert result.exit_code == 0, result.output
    found = json.loads(Path("rank.json").read_text())
    asked_of = {scene.things[0].label for scene in load_crowds()} == {names[0]["name"]}
    assert found["targets"] == (4 if asked_of else 2)
    energy = found["metrics"]["energy in box"]["values"]
    assert np.mean(energy["hirescam"]) > np.mean(energy["gradcam"])  # as docs/detectors.md has it


def test_names_of_boxes_need_those_of_the_classes(here: Path) -> None:
    model = onnx.load("demo.onnx")
    model.ClearField("metadata_props")  # where the demo's file has them
    onnx.save(model, "bare.onnx")
    result = rank("--boxes", "boxes.json", model="bare.onnx")
    assert result.exit_code != 0
    assert "those of the model's classes are unknown: give --labels" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "nope"), "no method 'nope'"),
        (("--methods", "best"), "'best' is a choice of `explain`: name the method itself here"),
        (("--methods", "gradcam,,layercam"), "names with commas"),
        (("--metrics", "energy in box"), "needs boxes of the objects: give --boxes"),
        (("--metrics", "SSIM"), "nothing to rank by here: metric 'SSIM'"),
        (("--boxes", "none.json"), "no such file"),
        (("--boxes", "boxes.json", "--target", "3", *CHEAP), "no labelled box of 3"),
    ],
)
def test_refusals_in_one_line(here: Path, arguments: tuple[str, ...], message: str) -> None:
    result = rank(*arguments)
    assert result.exit_code != 0
    assert message in result.output
