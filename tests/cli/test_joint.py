"""What the boxes of a photo share, and what a mistake is: one picture, one record, one pass."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from PIL import Image

from backends.onnx import OnnxBackend
from backends.onnx.capturing.by_scale import ByScale
from backends.onnx.capturing.sessions import Passes
from cam_core import explain_all
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, load_scenes
from cam_core.image.tinted import COLOURS
from tests.detectors import NAMES, scene, two_scales

pytest.importorskip("onnxruntime")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often sessions run forward, and how many targets' ways back they run."""
    found: Counter[str] = Counter()
    ways = ((Passes, "forward"), (ByScale, "forward"), (Passes, "backward"))
    for kind, name in (*ways, (ByScale, "backward_all")):
        own = getattr(kind, name)

        def counting(self: Any, kept: Any, *args: Any, _name: str = name, _own: Any = own) -> Any:
            found[_name.removesuffix("_all")] += len(args[0]) if _name == "backward_all" else 1
            return _own(self, kept, *args)

        monkeypatch.setattr(kind, name, counting)
    return found


def call(folder: Path, *words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(gradcam, ["explain", *words, "-o", str(folder / "out"), "--json"])
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.output)["explanations"]
    return found


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A detector and a photo in which it sees five boxes and more."""
    onnx.save(two_scales(), tmp_path / "m.onnx")
    pixels = np.clip(scene()[0].transpose(1, 2, 0) * 30 + 128, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    return tmp_path


def test_all_boxes_share_a_picture_besides_their_own(street: Path, counted: Counter[str]) -> None:
    given = [str(street / "m.onnx"), str(street / "p.png"), "--preprocess=unit"]
    *each, joint = call(street, *given, "--target=box:all", "--threshold=0.3")
    assert len(each) >= 2
    assert counted == {"forward": 1, "backward": len(each)}
    assert joint["target"] == "box:all"
    assert [one["files"] for one in joint["boxes"]] == [
        f"p.box-{i}.hirescam" for i in range(len(each))
    ]
    assert [one["corners"] for one in joint["boxes"]] == [one["box"]["corners"] for one in each]
    assert {one["label"] for one in joint["boxes"]} <= set(NAMES.values())
    maps = np.load(street / "out" / "p.box-all.hirescam.npy")
    for i, map_ in enumerate(maps):
        np.testing.assert_array_equal(map_, np.load(street / "out" / f"p.box-{i}.hirescam.npy"))
    shown = np.asarray(Image.open(street / "out" / "p.box-all.hirescam.png"))
    for i, one in enumerate(joint["boxes"]):
        assert one["colour"] == list(COLOURS[i % len(COLOURS)])
        assert (shown == one["colour"]).all(axis=2).any()


def test_the_files_that_all_boxes_share_are_counted(street: Path) -> None:
    given = [str(street / "m.onnx"), str(street / "p.png"), "--preprocess=unit", "--threshold=0.3"]
    out = str(street / "out")
    done = CliRunner().invoke(gradcam, ["explain", *given, "--target=box:all", "-o", out])
    records = list((street / "out").glob("*.json"))
    assert len(records) >= 3
    assert f"files    {len(records)} x {out}/<file> .png .npy .json" in done.stdout


def test_five_boxes_are_one_forward_and_five_backward_passes(counted: Counter[str]) -> None:
    """And no run of the plain model beside them."""
    backend = OnnxBackend(two_scales())
    found = explain_all(backend, scene(), [f"box:{i}" for i in range(5)], ["hirescam"])
    assert len({one.detail[0]["box"]["anchor"] for one in found}) == 5
    assert counted == {"forward": 1, "backward": 5}
    assert "_plain" not in vars(backend)


@pytest.fixture
def mistaken(tmp_path: Path) -> Path:
    (tmp_path / "m.onnx").write_bytes(MODEL.read_bytes())
    (tmp_path / "labels.txt").write_text(LABELS.read_text())
    Image.fromarray(load_scenes()[0].pixels()).save(tmp_path / "p.png")
    return tmp_path


def words(folder: Path) -> list[str]:
    given = [str(folder / "m.onnx"), str(folder / "p.png"), "--preprocess=unit"]
    return [*given, "--labels", str(folder / "labels.txt")]


def test_a_mistake_is_one_picture_and_one_record(mistaken: Path, counted: Counter[str]) -> None:
    (record,) = call(mistaken, *words(mistaken), "--versus", "zigzag hexagon")
    assert counted == {"forward": 1, "backward": 3}
    assert record["target"] == "versus:3"
    assert (record["predicted"]["class"], record["true"]["class"]) == (1, 3)
    gap = record["predicted"]["score"] - record["true"]["score"]
    assert record["difference"]["score"] == pytest.approx(gap, rel=1e-5)
    written = sorted(path.name for path in (mistaken / "out").iterdir())
    assert written == [f"p.versus-3.gradcam.{kind}" for kind in ("json", "npy", "png")]
    p, t, d = np.load(mistaken / "out" / "p.versus-3.gradcam.npy")
    assert p.min() >= 0
    assert t.min() >= 0
    assert d.min() < 0 < d.max()


def test_what_is_asked_for_besides_keeps_its_files(mistaken: Path) -> None:
    records = call(mistaken, *words(mistaken), "--target=3", "--versus=3", "--target=1")
    assert [one["target"] for one in records] == ["3", "1", "versus:3"]
    names = {path.name for path in (mistaken / "out").iterdir()}
    assert {"p.3.gradcam.png", "p.1.gradcam.png", "p.versus-3.gradcam.png"} <= names
    assert not {name for name in names if name.startswith("p.1-3")}


@pytest.mark.parametrize("methods", [("gradcam",), ("gradcam", "layercam")])
def test_as_many_files_are_told_as_are_written(mistaken: Path, methods: tuple[str, ...]) -> None:
    """Three maps of a mistake are rows of the table, and one set of files."""
    asked = [f"--method={name}" for name in methods]
    given = [*words(mistaken), "--versus=3", *asked, "-o", str(mistaken / "out")]
    done = CliRunner().invoke(gradcam, ["explain", *given])
    assert done.exit_code == 0, done.output
    (said,) = [line for line in done.output.splitlines() if line.startswith("files ")]
    records = list((mistaken / "out").glob("*.json"))
    assert len(records) == len(methods)
    told = f"{len(methods)} x " if len(methods) > 1 else records[0].stem
    assert told in said


def test_what_is_right_is_no_mistake(mistaken: Path) -> None:
    done = CliRunner().invoke(gradcam, ["explain", *words(mistaken), "--versus=checkered square"])
    assert done.exit_code == 2
    assert "there is no mistake, the model says 'checkered square'" in done.output
    assert done.output.count("\n") == 1
