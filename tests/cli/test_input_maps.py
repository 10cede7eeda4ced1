"""A map over the input lands on the photo's own pixels: crop, letterbox and size undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from PIL import Image

from cam_core.cli.group import gradcam

pytest.importorskip("onnxruntime")
SIZE, ROW, COLUMN = 64, 40, 22
"""Of the model's input, and where it looks."""
PHOTO = (150, 200)
TEXT = f"""<ir_version: 8, opset_import: ["" : 17]>
net (float[1, 3, {SIZE}, {SIZE}] image) => (float[1, 2] y) <float half = {{0.5}}> {{
    a = Relu(image)
    b = Add(a, half)
    seen = Mul(b, where)
    g = GlobalAveragePool(seen)
    f = Flatten(g)
    y = MatMul(f, w)
}}"""
FITS = {  # fit -> (left, top, photo pixels for one of the input) of the input in the photo
    "crop": (10 * 200 / 85, 0.0, 200 / 85, 150 / 64),  # 85 x 64, of which columns 10 to 73
    "letterbox": (0.0, -25.0, 200 / 64, 200 / 64),
    "stretch": (0.0, 0.0, 200 / 64, 150 / 64),
}


def model() -> onnx.ModelProto:
    """y is the brightness of one pixel, a relu and two products later."""
    made = onnx.parser.parse_model(TEXT)
    where = np.zeros((1, 1, SIZE, SIZE), np.float32)
    where[..., ROW, COLUMN] = 1
    weights = {"where": where, "w": np.array([[1, -1]] * 3, np.float32)}
    made.graph.initializer.extend(onnx.numpy_helper.from_array(w, n) for n, w in weights.items())
    return made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    onnx.save(model(), tmp_path / "model.onnx")
    photo = np.full((*PHOTO, 3), 90, np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explained(method: str, fit: str) -> dict[str, Any]:
    sized = ["--resize", str(SIZE)] if fit == "crop" else []
    args = ["model.onnx", "photo.png", "--preprocess", "unit", "--fit", fit, *sized]
    done = CliRunner().invoke(gradcam, ["explain", *args, "--target", "0", "--method", method])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(Path(f"photo.0.{method}.json").read_text())
    return found


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("method", ["gradient", "guided", "integrated"])
def test_the_planted_pixel_is_hot_in_the_photo(method: str, fit: str, here: Path) -> None:
    record = explained(method, fit)
    assert (record["layer"], record["shape"]) == ("image", [SIZE, SIZE])
    assert record["diagnosis"] == ""
    cells = np.load(f"photo.0.{method}.npy")
    assert np.argwhere(cells > 0).tolist() == [[ROW, COLUMN]]

    left, top, wide, high = FITS[fit]
    x, y = left + (COLUMN + 0.5) * wide, top + (ROW + 0.5) * high
    page = np.asarray(Image.open(f"photo.0.{method}.png")).astype(int)
    margin, factor = 12, 448 / PHOTO[1]  # enlarged to 448 on the longer side
    shown = page[margin : margin + round(PHOTO[0] * factor), margin : margin + 448]
    warmth = shown[..., 0] - shown[..., 2]
    rows, columns = np.nonzero(warmth > warmth.max() / 2)
    np.testing.assert_allclose(rows.mean() + 0.5, y * factor, atol=1.5)
    np.testing.assert_allclose(columns.mean() + 0.5, x * factor, atol=1.5)
    assert np.ptp(rows) < 2 * high * factor
    assert np.ptp(columns) < 2 * wide * factor


def test_guided_says_where_there_is_no_rectifier(here: Path) -> None:
    onnx.save(
        onnx.parser.parse_model(onnx.printer.to_text(model()).replace("Relu", "Tanh")), "model.onnx"
    )
    found = explained("guided", "stretch")["diagnosis"]
    assert found == "no rectifier lies between input and score: guided is the plain gradient"
