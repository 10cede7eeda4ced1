"""`gradcam units` on a network whose unit 3 sees red: it must be named so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import DETECTOR
from tests.planted_units import HEAD, UNITS, write_folders, write_model

pytest.importorskip("onnxruntime")


def call(*arguments: object) -> Result:
    words = ["units", *map(str, arguments), "--preprocess", "unit"]
    return CliRunner().invoke(gradcam, words, prog_name="gradcam")


@pytest.fixture
def folders(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path, Path]:
    """The model, photos, concepts."""
    return write_model(tmp_path / "m.onnx"), *write_folders(tmp_path, rng)


@pytest.fixture
def found(folders: tuple[Path, Path, Path], tmp_path: Path) -> dict[str, Any]:
    model, photos, concepts = folders
    asked = ("--target", 0, "--concepts", concepts, "--count", 2, "-o", tmp_path / "out")
    done = call(model, photos, *asked)
    assert done.exit_code == 0, done.output
    assert "because of units 3 (red) and 4" in done.stdout
    record: dict[str, Any] = json.loads((tmp_path / "out" / "units.0.json").read_text())
    return record


def activations(photos: Path) -> np.ndarray:
    """A [M, K, 16, 16] by hand: the photos are halved twice, then looked at through UNITS."""
    rows = []
    for path in sorted(photos.iterdir()):
        x = np.asarray(Image.open(path).resize((32, 32), Image.Resampling.BILINEAR)) / 255
        p = x.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
        rows.append(np.maximum(np.einsum("kc,ijc->kij", UNITS, p), 0))
    return np.stack(rows)


def test_units_have_their_numbers_and_names(
    found: dict[str, Any], folders: tuple[Path, Path, Path]
) -> None:
    units = {one["unit"]: one for one in found["units"]}
    assert units[3]["concept"] == "red"
    assert units[3]["iou"] > 0.2
    assert found["largest"] == [3, 4]
    assert found["own"] == [3, 4]
    A = activations(folders[1])
    for k, one in units.items():
        alpha = HEAD[0, k] / A[0, 0].size
        assert one["alpha"] == pytest.approx(alpha, rel=1e-5)
        assert one["adds"] == pytest.approx(alpha * A[:, k].sum() / len(A), rel=1e-4, abs=1e-6)
        over = (HEAD[0, k] - HEAD[1:, k].max()) / A[0, 0].size
        assert one["over_rivals"] == pytest.approx(over, rel=1e-5, abs=1e-9)


def test_the_score_is_silenced_unit_by_unit(
    found: dict[str, Any], folders: tuple[Path, Path, Path]
) -> None:
    means = activations(folders[1]).mean(axis=(0, 2, 3))
    score = float(HEAD[0] @ means)
    expected = [score, score - 2 * means[3], score - 2 * means[3] - 0.5 * means[4]]
    assert found["most"] == [3, 4]
    np.testing.assert_allclose(found["silenced"]["scores"], expected, rtol=1e-4, atol=1e-6)
    assert len(found["silenced"]["at_random"]) == 3


def test_the_sheet_begins_with_the_red_patch(found: dict[str, Any], tmp_path: Path) -> None:
    sheet = np.asarray(Image.open(tmp_path / "out" / "units.0.png").convert("RGB")).astype(int)
    height, width = sheet.shape[:2]
    reds, blues = (
        np.argwhere((sheet[..., c] > 200) & (sheet[..., (c + 1) % 3] < 80) & (sheet[..., 1] < 80))
        for c in (0, 2)
    )
    assert len(reds) > 100
    assert reds[:, 1].min() < width / 2  # the first of unit 3, on the left
    assert reds[:, 0].min() < height / 3
    assert found["photos"] == ["blue.png", "green.png", "red.png"]
    assert len(blues) > 100


def test_the_best_class_where_none_is_asked_for(folders: tuple[Path, Path, Path]) -> None:
    model, photos, _ = folders
    done = call(model, photos, "--json", "-o", photos.parent / "out")
    record = json.loads(done.stdout)
    best = int((activations(photos).mean(axis=(0, 2, 3)) @ HEAD.T).argmax())
    assert record["target"] == str(best)
    assert "concept" not in record["units"][0]


def test_masks_beside_the_photos_are_none_of_them(folders: tuple[Path, Path, Path]) -> None:
    model, _, concepts = folders
    done = call(model, concepts / "red", "--json", "-o", concepts.parent / "out")
    assert json.loads(done.stdout)["photos"] == [f"{i}.png" for i in range(4)]


def test_a_detector_needs_a_question_and_a_layer(folders: tuple[Path, Path, Path]) -> None:
    _, photos, _ = folders
    detector = photos.parent / "detector.onnx"
    detector.write_bytes(DETECTOR.read_bytes())
    assert "say with --target" in call(detector, photos).stderr
    done = call(detector, photos, "--target", "value:0")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_what_cannot_be_is_said_in_a_line(folders: tuple[Path, Path, Path]) -> None:
    model, photos, concepts = folders
    for extra, text in (
        (("--target", "top:2"), "one target"),
        (("--target", "7"), "out of range"),
        (("--layer", "y"), "layer"),
        (("--concepts", photos), "no folders in it"),
        (("--concepts", photos / "nope"), "No such file"),
    ):
        done = call(model, photos, *extra)
        assert done.exit_code == 2, done.output
        assert text in done.stderr
        assert len(done.stderr.splitlines()) == 1
    np_mask = np.zeros((3, 3), np.uint8)
    Image.fromarray(np_mask).save(concepts / "red" / "0.mask.png")
    done = call(model, photos, "--concepts", concepts)
    assert "save it at the photo's size" in done.stderr
