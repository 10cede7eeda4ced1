"""`gradcam doctor` on the demo's model, which wants pixels / 255, and on a copy of another wish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from cam_core.cli.commands.doctor import either
from cam_core.demo import MODEL, load_scenes
from tests.commands.calls import call


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, scene in enumerate(load_scenes()):
        Image.fromarray(scene.pixels()).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.onnx"
    path.write_bytes(MODEL.read_bytes())
    return path


def changed(tmp_path: Path, *nodes: Any, **held: Any) -> Path:
    """The demo's model behind some operators of its own: `fed` -> the model's own input."""
    model = onnx.load_from_string(MODEL.read_bytes())
    graph = model.graph
    own = graph.input[0].name
    graph.input[0].name = "fed"
    for name, value in held.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    made = [helper.make_node(op, inputs, [out or own], **kw) for op, inputs, out, kw in nodes]
    for i, node in enumerate(made):
        graph.node.insert(i, node)
    path = tmp_path / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def bgr(tmp_path: Path) -> Path:
    """It wants blue first, and 0-255."""
    return changed(
        tmp_path,
        ("Gather", ["fed", "order"], "turned", {"axis": 1}),
        ("Mul", ["turned", "scale"], "", {}),
        order=np.array([2, 1, 0]),
        scale=np.float32(1 / 255),
    )


def test_names_what_the_copy_wants(tmp_path: Path, plain: Path, photos: Path) -> None:
    arguments = ("--preprocess", "unit", "--against", plain, "--against-preprocess", "unit")
    done = call("doctor", bgr(tmp_path), photos, *arguments, "--json")
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    (name,) = found["named"]
    assert name.startswith("BGR 0-255")
    assert found["ways"][0]["mean"] == pytest.approx(1, abs=1e-4)
    assert "agrees (1.00" in found["verdict"]
    assert "--bgr" in found["verdict"]


def test_names_none_where_it_is_fed_right(plain: Path, photos: Path) -> None:
    arguments = ("--preprocess", "unit", "--against", plain, "--against-preprocess", "unit")
    done = call("doctor", plain, photos, *arguments)
    assert done.exit_code == 0, done.output
    assert "plain.onnx agrees (1.00) as it is fed" in done.stdout
    assert "~        the best, and what these photos do not tell from it" in done.stdout


def test_alone(plain: Path, photos: Path) -> None:
    """Fed 0-255 it is confident of anything; what it wants is named, or among what is."""
    done = call("doctor", plain, photos, "--preprocess", "unit", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["named"] == []


def test_several_ways_are_told_apart_in_a_line() -> None:
    names = ["RGB CLIP", "RGB CLIP, crop", "RGB -1..1", "BGR 0-1", "RGB 0-1"]
    assert either(names[:1]) == "RGB CLIP"
    assert either(names[:2]) == "'RGB CLIP' or 'RGB CLIP, crop'"
    assert either(names[:4]) == "'RGB CLIP', 'RGB CLIP, crop', 'RGB -1..1' or 'BGR 0-1'"
    assert either(names) == "'RGB CLIP', 'RGB CLIP, crop', 'RGB -1..1' or 2 others"


def test_bad_input(tmp_path: Path, plain: Path, photos: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 64, 64), np.float32))
    one = next(photos.iterdir())
    for arguments, said in (
        ((plain, one), "one photo does not tell"),
        ((plain, tmp_path / "none.png"), "none.png"),
        ((plain, photos, "--against", tmp_path / "none.onnx"), "no such file"),
    ):
        done = call("doctor", *arguments)
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_record_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, plain: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    done = call("doctor", tmp_path / "gone.onnx", photos, "-o", tmp_path / "new.json")
    assert done.exit_code == 2
    assert f"-o '{tmp_path / 'new.json'}': no permission to write in" in done.stderr


def test_a_model_of_several_inputs_is_refused_in_a_line(tmp_path: Path, photos: Path) -> None:
    model = onnx.load_from_string(MODEL.read_bytes())
    model.graph.input.append(helper.make_tensor_value_info("age", onnx.TensorProto.FLOAT, [1, 1]))
    path = tmp_path / "two.onnx"
    path.write_bytes(model.SerializeToString())
    done = call("doctor", str(path), str(photos))
    assert done.exit_code == 2
    assert f"the doctor is for models of one photo: '{path}' takes 2 inputs." in done.stderr


NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.c = nn.Conv2d(3, 8, 3, 2)
        self.h = nn.Linear(8, 4)

    def forward(self, x):
        return self.h(self.c(x).relu().mean((2, 3)))

def net():
    return Net()

def pair():
    return Net(), torch.zeros(1, 3, 32, 32)
"""


def test_a_module_is_doctored_and_is_held_against(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_to_doctor.py").write_text(NET)
    import nets_to_doctor  # type: ignore[import-not-found]

    from converters.torch import to_onnx

    x = torch.zeros(2, 3, 32, 32)
    to_onnx(nets_to_doctor.net(), x, "net.onnx", exporter="torchscript")
    ways = ("--preprocess", "unit", "--against-preprocess", "unit")
    for model, other in (
        ("net.onnx", "nets_to_doctor:net"),
        ("nets_to_doctor:pair", "net.onnx"),
    ):
        done = call("doctor", model, photos, "--against", other, *ways)
        assert done.exit_code == 0, done.output
        assert "agrees (1.00) as it is fed" in done.stdout
    done = call("doctor", "nets_to_doctor:net", photos)
    assert done.exit_code == 2
    assert "(model, example input)" in done.stderr
