"""`gradcam compare` with recordings: what `gradcam record` wrote, and what a device writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

pytest.importorskip("onnxruntime")

from cam_core.cli.compare.recorded import Kept
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, load_scenes
from tests.paths import ROOT

COUNT = 7
EXAMPLE = ROOT / "examples" / "recording" / "record.js"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model and labels, scenes, their recording, and the same without its facts."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(MODEL, folder / "a.onnx")
    shutil.copy(LABELS, folder / "labels.txt")
    (folder / "photos").mkdir()
    scenes = [scene.pixels() for scene in load_scenes()]
    for i, pixels in enumerate([np.rot90(p, k) for k in (0, 2, 1) for p in scenes][:COUNT]):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / "photos" / f"{i}.png")
    photos = folder / "photos"
    call("record", folder / "a.onnx", photos, "-o", folder / "rec")
    shutil.copytree(folder / "rec", folder / "bare")
    (folder / "bare" / "recording.json").unlink()
    return folder


@pytest.fixture(autouse=True)
def _here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(gradcam, [str(one) for one in arguments])


def compared(*arguments: object) -> tuple[Any, str]:
    result = call("compare", *arguments, "-o", "out")
    assert result.exit_code == 0, result.output
    return json.loads(Path("out/compare.json").read_text()), " ".join(result.output.split())


@pytest.mark.parametrize("folder", ["rec", "bare"])
def test_the_recording_of_a_model_is_the_same(folder: str) -> None:
    for pair, side in ((("a.onnx", folder), "A"), ((folder, "a.onnx"), "B")):
        found, said = compared(*pair, "photos", "--labels", "labels.txt")
        assert found["verdict"]["word"] == "the same", found["verdict"]["line"]
        assert f"noise and other classes are {side}'s" in said
        assert all(one["same_input"] for one in found["photos"])
        assert (("nothing says that they are one layer" in said), len(found["photos"])) == (
            folder == "bare",
            COUNT,
        )


def test_two_recordings_without_photos() -> None:
    found, said = compared("rec", "bare")
    assert found["verdict"]["word"] == "cannot say"
    assert found["verdict"]["agreement"]["median"] == pytest.approx(1)
    assert found["statistics"]["spearman"]["min"] == pytest.approx(1)
    assert "no floor and no ceiling" in said
    assert {one["photo"] for one in found["photos"]} == {str(i) for i in range(COUNT)}
    with Image.open("out/compare.png") as picture:
        assert picture.width > 0
    with_photos, _ = compared("rec", "bare", "photos")
    assert [one["input_sha256"] for one in with_photos["photos"]] == [
        one["input_sha256"] for one in found["photos"]
    ]


def test_what_is_missing_is_named_and_left_out() -> None:
    shutil.copytree("bare", "few", dirs_exist_ok=True)
    Path("few/3.npz").unlink()
    found, said = compared("a.onnx", "few", "photos")
    assert len(found["photos"]) == COUNT - 1
    assert "3.png: no input of its hash" in said
    assert found["missed"][0].startswith("3.png: ")
    _, both = compared("rec", "few")
    assert "3: not in the recording 'few', left out" in both


def test_labels_of_a_bare_recording_are_those_that_are_typed() -> None:
    names = Path("labels.txt").read_text().splitlines()
    Path("turned.txt").write_text("\n".join([names[1], names[0], *names[2:]]))
    flags = ("--labels", "labels.txt", "--labels-b", "turned.txt")
    for pair in (("a.onnx", "bare"), ("bare", "a.onnx"), ("bare", "rec")):
        photos = ["photos"] if "a.onnx" in pair else []
        _, said = compared(*pair, *photos, *flags)
        assert "the labels of B are in another order" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.onnx", "bare", "photos", "--bgr"), "its '0.npz' is of an input"),
        (("bare", "few", "photos"), "the recordings do not say what their model takes"),
        (("a.onnx", "bare", "photos", "--target", "5"), "the recorded map of '"),
        (("a.onnx", "bare"), "name pictures"),
    ],
)
def test_what_is_amiss_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    shutil.copytree("bare", "few", dirs_exist_ok=True)
    result = call("compare", *arguments, "-o", "none")
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1, result.output


def test_the_ground_has_the_shape_of_the_map() -> None:
    picture, placement = Kept([], (None, None)).shown(0, np.zeros((4, 8)))
    assert picture.shape == (112, 224, 3)
    assert (placement.photo, placement.size) == ((112, 224), (112, 224))


def test_a_recording_written_in_javascript_without_facts(tmp_path: Path) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("needs node to run the example")
    held = tmp_path / "numbers"
    held.mkdir()
    for path in sorted(Path("bare").glob("*.npz")):
        with np.load(path) as file:
            for name in ("input_sha256", "logits", "cam_map", "cam_signed"):
                file[name].tofile(held / f"{path.stem}.{name}")
            shapes = json.dumps([list(file["logits"].shape), list(file["cam_map"].shape)])
        (held / f"{path.stem}.json").write_text(shapes)
    (tmp_path / "js").mkdir()
    script = tmp_path / "write.js"
    script.write_text(
        f"const fs = require('fs'); const {{npz}} = require({json.dumps(str(EXAMPLE))});\n"
        f"const root = {json.dumps(str(held))}, out = {json.dumps(str(tmp_path / 'js'))};\n"
        "for (const f of fs.readdirSync(root).filter(n => n.endsWith('.json'))) {\n"
        "  const stem = f.slice(0, -5), [y, s] = JSON.parse(fs.readFileSync(`${root}/${f}`));\n"
        "  const raw = n => new Uint8Array(fs.readFileSync(`${root}/${stem}.${n}`));\n"
        "  const f32 = n => new Float32Array(raw(n).slice().buffer);\n"
        "  fs.writeFileSync(`${out}/device-${stem}.npz`, npz({\n"
        "    input_sha256: [raw('input_sha256'), '|u1', [32]], logits: [f32('logits'), '<f4', y],\n"
        "    cam_map: [f32('cam_map'), '<f4', s] }));\n}\n"
    )
    subprocess.run([node, str(script)], check=True)
    found, said = compared("a.onnx", tmp_path / "js", "photos", "--labels", "labels.txt")
    assert len(found["photos"]) == COUNT
    assert found["verdict"]["word"] == "the same", found["verdict"]["line"]
    assert "the top one is taken" in said
    assert "compared after their ReLU" in said
