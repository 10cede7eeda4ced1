"""`gradcam convert`: sources, comparisons, and what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core import open_backend
from cam_core.cli.group import gradcam
from cam_core.demo import MODEL, load_scenes

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")  # the exporters' own

FACTORY = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    return nn.Sequential(*layers)

class Baked(nn.Module):
    def forward(self, x):
        return x * float(x.abs().max())

def baked():
    return nn.Sequential(nn.Identity(), Baked())

def broken():
    raise RuntimeError("no weights here")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo.onnx").write_bytes(MODEL.read_bytes())
    Path("my_models.py").write_text(FACTORY)
    Path("labels.txt").write_text("a\nb\nc\n")
    Path("photos").mkdir()
    for i, scene in enumerate(load_scenes()[:4]):
        Image.fromarray(scene.pixels()).save(f"photos/s{i}.png")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(gradcam, ["convert", *map(str, arguments)], prog_name="gradcam")


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
def test_a_torch_factory_by_both_exporters(exporter: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    given = ("--exporter", exporter, "--static", "2,3,9,9", "--preprocess", "imagenet")
    done = call("my_models:net", *given, "--labels", "labels.txt", "-o", "net.onnx")
    assert done.exit_code == 0, done.output
    assert re.match(
        r"the same to \S+: output 'output' differs by \S+ of its largest value\n", done.stdout
    )
    backend = open_backend("net.onnx")
    assert json.loads(backend.metadata["cam.labels"]) == ["a", "b", "c"]
    assert json.loads(backend.metadata["cam.preprocess"])["mean"][0] == pytest.approx(0.485)
    assert backend.look(np.ones((1, 3, 9, 9), np.float32)).score.shape == (1, 3)


def test_a_torch_factory_that_changes_is_written_by_force_alone() -> None:
    """What tracing writes down is true of the example only; how far it is off is said."""
    pytest.importorskip("torch")
    given = ("my_models:baked", "--exporter", "torchscript", "--static", "2,3,9,9")
    done = call(*given, "-o", "a.onnx")
    assert done.exit_code == 2, done.output
    assert "disagree on inputs of shape [3, 3, 9, 9]: output 'output' by 0.33" in done.stderr
    assert not Path("a.onnx").exists()
    forced = call(*given, "-o", "a.onnx", "--force", "--json")
    assert forced.exit_code == 0, forced.output
    parity = json.loads(forced.stdout)["parity"]
    assert not parity["same"]
    assert parity["gap"] == pytest.approx(1 / 3, rel=1e-5)  # the other batch is 0.75 of the example
    assert parity["there"] == "1"
    assert Path("a.onnx").exists()


def test_int8_is_calibrated_by_the_models_own_record() -> None:
    done = call(
        "demo.onnx", "--int8", "photos", "--preprocess", "unit", "-o", "int8.onnx", "--json"
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert 0 < said["parity"]["gap"] < 0.5
    checked = call("--check", "demo.onnx", "int8.onnx")
    assert checked.exit_code == 1
    assert "differs by" in checked.stdout


def test_int8_leaves_operators_in_float() -> None:
    import onnx

    last = onnx.load("demo.onnx").graph.node[-1]
    flags = ("--int8", "photos", "--leave", last.name, "-o", "left.onnx")
    done = call("demo.onnx", *flags)
    assert done.exit_code == 0, done.output
    (made,) = (n for n in onnx.load("left.onnx").graph.node if "logits" in n.output)
    assert made.op_type == last.op_type  # and no DequantizeLinear
    Path("left.onnx").unlink()
    wrong = call("demo.onnx", "--int8", "photos", "--leave", "nowhere", "-o", "left.onnx")
    assert (wrong.exit_code, Path("left.onnx").exists()) == (2, False)
    assert "no operator 'nowhere'" in wrong.stderr


def test_check_says_that_two_are_the_same() -> None:
    done = call("--check", "demo.onnx", "demo.onnx", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["parity"]["same"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("demo.onnx", "-o", "a.onnx"), ".onnx already"),
        (("demo.onnx",), "-o OUT"),
        (("demo.onnx", "-o", "a.onnx", "--leave", "x"), "--leave is of --int8 IMAGES"),
        (("--check", "demo.onnx"), "compares two files"),
        (("--check", "demo.onnx", "nowhere.onnx"), "no such file: 'nowhere.onnx'"),
        (("--check", "demo.onnx", "photos"), "'photos' is a folder without saved_model.pb"),
        (("--check", "demo.onnx", "demo.onnx", "-o", "x.onnx"), "--check writes nothing"),
        (("photos", "-o", "x.onnx"), "'photos' is a folder without saved_model.pb"),
        (("nowhere.tflite", "-o", "a.onnx"), "no such file"),
        (("photo.txt", "-o", "a.onnx"), "no package.module:factory"),
        (("my_models:broken", "-o", "a.onnx"), "no weights here"),
        (("my_models:nowhere", "-o", "a.onnx"), "module 'my_models' has no 'nowhere'"),
        (("net.keras", "--int8", "photos", "-o", "a.onnx"), "convert 'net.keras' to one first"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: tuple[str, ...], text: str) -> None:
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("a.onnx").exists()
