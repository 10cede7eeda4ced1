"""What bad input gets: one line on stderr, exit code 2, nothing written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.backend import Gradients, InputInfo
from cam_core.cli.group import gradcam
from cam_core.errors import LayerError
from tests.paths import ROOT


class Tiny:
    """Three classes, the mean of each colour; or something goes wrong."""

    class_axis = 1
    classes = None
    metadata: Mapping[str, str] = MappingProxyType({})
    settings: Mapping[str, Any] = MappingProxyType({})
    score_name = provider = layer_note = ""

    def __init__(self, fault: BaseException | None = None, inputs: int = 1) -> None:
        self.fault = fault
        self.number = inputs

    def inputs(self) -> list[InputInfo]:
        info = InputInfo("x", (1, 3, 32, 32), np.dtype("float32"), 1)
        return [info] * self.number

    def look(self, x: Any, **_: Any) -> SimpleNamespace:
        if self.fault is not None:
            raise self.fault
        y = x.mean(axis=(2, 3))

        def pull(target: Any) -> Gradients:
            return Gradients({"x": np.ones_like(x) * target(y, {})[:, :, None, None] / 1024})

        return SimpleNamespace(
            score=y, outputs={}, layers=["x"], activations={"x": x}, regions={}, pull=pull
        )


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tiny], None]:
    """Makes every model that of the test."""

    def use(tiny: Tiny) -> None:
        monkeypatch.setattr("cam_core.discover.open_backend", lambda *_, **__: tiny)

    use(Tiny())
    return use


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    (tmp_path / "void").mkdir()
    Image.fromarray(photo).save(tmp_path / "sub" / "A.jpg")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "two.txt").write_text("a\nb\n")
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    (tmp_path / "three.txt").write_text("cat\ndog\nbird\n")
    (tmp_path / "latin.txt").write_bytes("a\nb\nché\n".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explain(*args: str) -> Result:
    return CliRunner().invoke(gradcam, ["explain", "m.onnx", *args, "-o", "out"])


CASES = {  # arguments: what the line must say
    "gone.png": "image 'gone.png': no such file",
    "void": "folder 'void': no pictures in it",
    "z*.png": "'z*.png': no file matches",
    "cut.png": "image 'cut.png': broken or cut off",
    "a.png text.png": "image 'text.png': not a picture",
    "a.png sub/A.jpg": "would write the same files",
    "a.png --method grad": "no method 'grad'",
    "a.png --target 3": "class 3 is out of range",
    "a.png --target ca --labels three.txt": "did you mean 'cat'",
    "a.png --target 99999999999999999999": "class 99999999999999999999 is out of range",
    "a.png --target top:4": "top:4: the score has only 3 classes",
    "a.png --target top:100000000": "a k of at most",
    "a.png --target cat": "the labels are unknown",
    "a.png --labels gone.txt": "labels 'gone.txt': No such file",
    "a.png --labels sub": "labels 'sub': Is a directory",
    "a.png --labels latin.txt": "is not UTF-8",
    "a.png --labels empty.txt": "the file is empty",
    "a.png --labels two.txt": "2 names for 3 classes. If class 0 is a background, add "
    "--label-offset 1.",
    "a.png --labels five.txt": "5 names for 3 classes. Give the file",
    "a.png --labels three.txt --label-offset 1": "Leave --label-offset out",
    "a.png --label-offset 1": "give it with --labels",
    "a.png --size 64": "takes only 32x32",
    "a.png --size 1x2x3": "neither a side",
    "a.png --mean 1,2": "not one number, nor three",
    "a.png --std 0": "std 0",
    "a.png --scale 1,2,3": "single number",
    "a.png --scale 1/0": "neither each, shared nor a single number",
    "a.png --rescale 1,2,3": "not a single number",
    "a.png --scale 2 --rescale 2": "give one of them",
    "a.png --preprocess imagent": "'imagenet'",
    "a.png --fit squash": "'letterbox'",
    "a.png --resize 10": "smaller than the input 32x32",
    "a.png --nope": "No such option '--nope'",
}


@pytest.mark.parametrize("args", CASES)
def test_bad_input_gets_one_line(args: str, here: Path, model: Any) -> None:
    before = sorted(here.rglob("*"))
    result = explain(*args.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert CASES[args] in result.stderr
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("folder", ["file", "file/deeper"])
def test_a_file_in_the_way_of_the_folder(folder: str, here: Path, model: Any) -> None:
    result = CliRunner().invoke(gradcam, ["explain", "m.onnx", "a.png", "-o", folder])
    assert result.exit_code == 2
    assert "'file' is a file" in result.stderr


def test_a_folder_that_may_not_be_written(
    here: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    result = explain("a.png")
    assert result.exit_code == 2
    assert "no permission to write" in result.stderr


def test_a_full_disk_leaves_nothing_behind(
    here: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if ".json" in self.name:
            raise OSError(28, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = explain("a.png")
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr
    assert list((here / "out").iterdir()) == []


def test_usage_is_told_in_sentences() -> None:
    result = CliRunner().invoke(gradcam, ["methods", "more"])
    assert result.stderr == (
        "Error: Got unexpected extra argument (more). See 'gradcam methods --help'.\n"
    )


def test_swapped_arguments_are_recognised(here: Path) -> None:
    result = CliRunner().invoke(gradcam, ["explain", "a.png", "m.onnx"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: the model comes first: ")


def test_several_inputs_are_refused(here: Path, model: Any) -> None:
    model(Tiny(inputs=2))
    assert "takes 2 inputs" in explain("a.png").stderr


FAULTS = [
    (LayerError("no layer 'x'"), 2, "Error: no layer 'x'\n"),
    (ValueError("odd\nthing"), 3, "Error: internal error: ValueError: odd thing Run again with"),
    (OSError(28, "No space left on device"), 2, "Error: No space left on device\n"),
    (PermissionError(13, "Permission denied", "nd/x"), 2, "Error: 'nd/x': Permission denied\n"),
    (KeyboardInterrupt(), 130, "Error: stopped.\n"),
]


@pytest.mark.parametrize(("fault", "code", "text"), FAULTS, ids=lambda case: str(case)[:12])
def test_faults_have_their_exit_codes(
    fault: BaseException, code: int, text: str, here: Path, model: Any
) -> None:
    model(Tiny(fault))
    result = explain("a.png")
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("before", [True, False])
def test_debug_shows_the_traceback(before: bool, here: Path, model: Any) -> None:
    model(Tiny(LayerError("no layer 'x'")))
    args = ["explain", "m.onnx", "a.png"]
    result = CliRunner().invoke(gradcam, ["--debug", *args] if before else [*args, "--debug"])
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("Error: no layer 'x'\n")


def test_a_missing_model_from_the_shell(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cam_core", "explain", "gone.onnx", str(tmp_path / "x.png")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
