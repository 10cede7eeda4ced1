"""The map of one input is painted over that input's photo, and over no other."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.backend import Array, Layer
from cam_core.cli.group import gradcam
from cam_core.cli.inputs.pictured import Aim, aim
from tests.shared_batch import SIDE, siamese
from tests.towers import MEAN, TOWERS, written

pytest.importorskip("onnxruntime", reason="no runtime is installed")
CELL = (2, 1)
"""Of 4 x 4: where the one bright square lies."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models, the event on the left, and a plain green photo for the right."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"towers": TOWERS, "mean": MEAN}.items():
        Path(f"{name}.onnx").write_bytes(written(text))
    Image.fromarray(event(16)).save("event.png")
    Image.new("RGB", (8, 8), (0, 255, 0)).save("green.png")
    np.save("left.npy", event(16).transpose(2, 0, 1)[None].astype(np.float32))
    return tmp_path


def event(side: int) -> Array:
    """Black, one cell white: uint8 [side, side, 3]."""
    pixels, n = np.zeros((side, side, 3), np.uint8), side // 4
    pixels[CELL[0] * n : (CELL[0] + 1) * n, CELL[1] * n : (CELL[1] + 1) * n] = 255
    return pixels


def call(model: str, *args: str) -> Result:
    common = ("--preprocess", "raw", "--target", "0", "-o", "out")
    return CliRunner().invoke(gradcam, ["explain", f"{model}.onnx", *args, *common])


def facts() -> dict[str, Any]:
    (path,) = Path("out").glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def page() -> Array:
    """What was painted of the photo, [448, 448, 3]: it begins 12 pixels from the corner."""
    (path,) = Path("out").glob("*.png")
    return np.asarray(Image.open(path)).astype(int)[12:460, 12:460]


def centre(cell: tuple[int, int]) -> Array:
    row, column = (int((n + 0.5) * 112) for n in cell)
    painted: Array = page()[row, column]
    return painted


BOTH = ("--input", "left=event.png", "--input", "right=green.png")


def test_the_event_of_one_photo_is_hot_over_that_photo(here: Path) -> None:
    result = call("towers", *BOTH)
    assert result.exit_code == 0, result.stderr
    assert "over 'left'; over 'right' with --layer ra" in result.stdout
    found = np.load("out/event.0.gradcam.npy")
    expected = np.zeros((4, 4))
    expected[CELL] = 255 / 16  # alpha is 1/16
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (facts()["layer"], facts()["input"]) == ("la", "left")
    assert facts()["score"] == pytest.approx(255 / 16 + 0)  # nothing red on the right
    assert centre(CELL)[0] > centre(CELL)[2]
    assert centre((0, 3))[1] < 128  # black below, no green


def test_the_map_of_the_other_photo_is_painted_over_that(here: Path) -> None:
    result = call("towers", *BOTH, "--layer", "ra", "--target", "1")
    assert result.exit_code == 0, result.stderr
    assert "over 'right'; over 'left' with --layer la" in result.stdout
    for path in Path("out").glob("event.1.*"):
        path.unlink()
    assert facts()["input"] == "right"
    np.testing.assert_array_equal(np.load("out/event.0.gradcam.ra.npy"), np.zeros((4, 4)))
    np.testing.assert_array_equal(centre(CELL), (0, 255, 0))  # blank: the photo as it is


def test_each_photo_is_prepared_as_its_own_input_wants(here: Path) -> None:
    assert call("towers", *BOTH).exit_code == 0
    prepared = facts()["preprocessing"]
    assert prepared["input_shape"] == [1, 3, 16, 16]
    assert prepared["others"]["right"]["input_shape"] == [1, 3, 8, 8]
    assert prepared["others"]["right"]["image"] == "green.png"


def test_files_for_one_input_beside_a_photo_of_the_other(here: Path) -> None:
    result = call("towers", "event.png", "event.png", *BOTH[2:], "--json")
    (found,) = json.loads(result.stdout)["explanations"]
    assert (found["image"], found["input"]) == ("event.png", "left")


def test_the_layer_descends_from_the_input_with_the_photo(here: Path) -> None:
    result = call("towers", "green.png", "--input", "left=left.npy", "--target", "1")
    assert result.exit_code == 0, result.stderr
    assert "over 'right'; over 'left' with --layer la" in result.stdout
    for path in Path("out").glob("green.0.*"):
        path.unlink()
    assert (facts()["layer"], facts()["input"]) == ("ra", "right")
    np.testing.assert_allclose(np.load("out/green.1.gradcam.npy"), np.full((4, 4), 255 / 16))


@pytest.mark.parametrize("asked", [(), ("--layer", "la")])
def test_no_heat_over_a_photo_of_another_input(asked: tuple[str, ...], here: Path) -> None:
    result = call("mean", "green.png", "--input", "left=left.npy", *asked)
    assert result.exit_code == 0, result.stderr
    assert "over 'left', of which no photo is given: no picture" in result.stdout
    assert not list(Path("out").glob("*.png"))
    assert ".png" not in result.stdout.split("files")[1]
    (path,) = Path("out").glob("green.0.gradcam*.npy")
    assert np.unravel_index(np.load(path).argmax(), (4, 4)) == CELL


def test_arrays_are_drawn_as_the_input_that_the_map_is_of(here: Path) -> None:
    np.savez("both.npz", left=np.load("left.npy"), right=np.full((1, 3, 8, 8), 7, np.float32))
    for layer in ("la", "ra"):
        assert call("towers", "both.npz", "--layer", layer).exit_code == 0
        assert facts()["input"] == {"la": "left", "ra": "right"}[layer]
        bright = centre(CELL).sum() > centre((0, 3)).sum()
        assert bright == (layer == "la")
        for path in Path("out").iterdir():
            path.unlink()


def test_towers_that_share_a_batch_have_a_map_each(here: Path) -> None:
    """The event is in the right photo: its map is that of the right, and the left's is black."""
    Path("siamese.onnx").write_bytes(siamese("one after the other").SerializeToString())
    Image.new("RGB", (SIDE, SIDE)).save("black.png")
    lit = np.zeros((SIDE, SIDE, 3), np.uint8)
    lit[4, 6] = 255
    Image.fromarray(lit).save("lit.png")
    np.save("left.npy", np.full((1, 3, SIDE, SIDE), 0.5, np.float32))
    photos = ("--input", "left=black.png", "--input", "right=lit.png")
    result = call("siamese", *photos)
    assert result.exit_code == 0, result.stderr
    assert "over 'left'; over 'right' with --layer b@right" in result.stdout
    assert not np.load("out/black.0.gradcam.npy").any()
    result = call("siamese", "--input", "left=left.npy", "--input", "right=lit.png")
    assert result.exit_code == 0, result.stderr
    assert "over 'right'; over 'left' with --layer b@left" in result.stdout
    found = [json.loads(path.read_text()) for path in Path("out").glob("lit*.json")]
    assert [(one["layer"], one["input"]) for one in found] == [("b@right", "right")]


def test_python_says_it_too() -> None:
    backend = OnnxBackend(written(TOWERS))
    x = {
        "left": event(16).transpose(2, 0, 1)[None].astype(np.float32),
        "right": np.zeros((1, 3, 8, 8), np.float32),
    }
    found = explain(backend, x, 0)
    assert found.region is not None
    assert found.region.input == "left"
    other = explain(backend, x, 0, layer="ra")
    assert other.region is not None
    assert other.region.input == "right"


L = Layer("a", "Relu", (), default=True, input="left", default_over=True)
R = Layer("b", "Relu", (), input="right", default_over=True)
UNKNOWN = Layer("c", "Relu", (), default=True)
AIMS = {
    "the default": ([L, R], None, {"left", "right"}, Aim(None, "left", True, (("right", "b"),))),
    "its photo": ([L, R], None, {"right"}, Aim("b", "right", True, (("left", "a"),))),
    "asked for": ([L, R], "a", {"right"}, Aim("a", "left", False, (("right", "b"),))),
    "no other": ([L], None, {"right"}, Aim(None, "left", False)),
    "unknown": ([UNKNOWN], None, {"right"}, Aim(None)),
}


@pytest.mark.parametrize("name", AIMS)
def test_where_is_looked(name: str) -> None:
    layers, asked, seen, expected = AIMS[name]
    backend: Any = SimpleNamespace(inputs=lambda: [1, 2], layers=lambda: layers)
    assert aim(backend, asked, seen) == expected


def test_a_single_input_needs_no_words() -> None:
    backend: Any = SimpleNamespace(inputs=lambda: [1])
    assert aim(backend, "x", set()).words == ""
