"""A reader on the command line: its text is printed, each character lights its own bar or glyph."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image, ImageDraw

from cam_core.cli.group import gradcam
from cam_core.cli.inputs.given_files import is_ours
from cam_core.image.page import font
from tests.paths import DATA

pytest.importorskip("onnxruntime", reason="no runtime is installed")

COLOURS = {"a": (255, 0, 0), "b": (0, 255, 0), "c": (0, 0, 255)}
BARS = "a_bb_ac__a"
"""Eight pixels each; two of one colour are one character."""
READER = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 16, W] x) => (float[N, T, 4] y) {
    c = Conv(x, k) a = Relu(c)
    p = AveragePool<kernel_shape = [16, 8], strides = [16, 8]>(a) z = Conv(p, v, b)
    two = Constant<value_ints = [2]>() s = Squeeze(z, two)
    t = Transpose<perm = [0, 2, 1]>(s) y = Softmax(t)
}"""


def reader() -> Any:
    """Class 0 is the blank; 1, 2 and 3 are red, green and blue."""
    model = onnx.parser.parse_model(READER)
    weights = {"k": np.eye(3), "v": 20 * np.eye(4, 3, -1), "b": [5, 0, 0, 0]}
    for name, weight in weights.items():
        values = np.asarray(weight, np.float32)
        values = values[..., None, None] if values.ndim == 2 else values
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    model.metadata_props.add(key="character", value="a\nb\nc")
    return model


def run(tmp_path: Path, *more: str) -> Any:
    onnx.save(reader(), tmp_path / "reader.onnx")
    photo = np.zeros((16, 8 * len(BARS), 3), np.uint8)
    for i, letter in enumerate(BARS):
        photo[:, 8 * i : 8 * i + 8] = COLOURS.get(letter, (0, 0, 0))
    Image.fromarray(photo).save(tmp_path / "line.png")
    call = ["explain", str(tmp_path / "reader.onnx"), str(tmp_path / "line.png")]
    done = CliRunner().invoke(
        gradcam, [*call, "--preprocess", "unit", "-o", str(tmp_path / "out"), *more]
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_the_text_is_printed_and_each_bar_has_its_strip(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert "text     line.png: abaca" in " ".join(said.split("\n"))
    out = tmp_path / "out"
    assert [path.name for path in out.glob("*.png")] == ["line.characters.layercam.png"]
    picture = np.asarray(Image.open(out / "line.characters.layercam.png"))
    assert len(picture) > 5 * 640 * 16 / 80  # five times the line
    for number, (first, last) in enumerate([(0, 0), (2, 3), (5, 5), (6, 6), (9, 9)], start=1):
        cam = np.load(out / f"line.char-{number}.layercam.npy")
        lit = np.flatnonzero(cam.sum(axis=0))
        assert (lit.min(), lit.max()) == (8 * first, 8 * last + 7)
        facts = json.loads((out / f"line.char-{number}.layercam.json").read_text("utf-8"))
        assert facts["char"]["character"] == "abaca"[number - 1]
        assert facts["char"]["steps"] == [first, last]
    assert "metadata 'character'" in said


def test_no_pictures_and_one_character(tmp_path: Path) -> None:
    run(tmp_path, "--no-pictures")
    assert not list((tmp_path / "out").glob("*.png"))
    run(tmp_path, "--target", "char:2")
    assert [p.name for p in (tmp_path / "out").glob("*.png")] == ["line.char-2.layercam.png"]


def test_a_line_is_a_picture_of_its_own(tmp_path: Path) -> None:
    said = json.loads(run(tmp_path, "--target", "text", "--target", "text:ab", "--json"))
    first, second = said["explanations"]
    assert (first["text"]["line"], second["text"]["line"]) == ("abaca", "ab")
    assert first["score"] > second["score"]
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_what_was_drawn_is_no_photo(tmp_path: Path) -> None:
    run(tmp_path, "-o", str(tmp_path))
    (path,) = tmp_path.glob("*.characters.*.png")
    assert is_ours(path)
    assert not is_ours(tmp_path / "line.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "my.characters.png")
    assert not is_ours(tmp_path / "my.characters.png")


TEXT = "Quick brown Fox 42"
KEYS = (
    "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
    "!\"#$%&'()*+,-./ "
)


@pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")
@pytest.mark.skipif(find_spec("matplotlib") is None, reason="the letters are matplotlib's")
def test_a_real_reader_looks_at_its_glyphs(tmp_path: Path) -> None:
    face = font("DejaVuSans.ttf", 20)
    ends = [8 + face.getlength(TEXT[:i]) for i in range(len(TEXT) + 1)]
    line = Image.new("RGB", (round(ends[-1]) + 8, 32), "white")
    ImageDraw.Draw(line).text((8, 16), TEXT, font=face, fill=(20, 20, 20), anchor="lm")
    line.save(tmp_path / "line.png")
    (tmp_path / "keys.txt").write_text("\n".join(KEYS) + "\n", encoding="utf-8")
    call = ["explain", str(DATA / "models" / "ppocr-rec-en.onnx"), str(tmp_path / "line.png")]
    call += ["--preprocess", "tf", "--bgr", "--labels", str(tmp_path / "keys.txt")]
    done = CliRunner().invoke(gradcam, [*call, "-o", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)["explanations"]
    assert "".join(one["char"]["character"] for one in found) == TEXT
    near = []
    for i, one in enumerate(found):
        cam = np.load(tmp_path / f"line.char-{i + 1}.layercam.npy").max(axis=0)
        peak = (cam.argmax() + 0.5) / len(cam) * line.width
        near += [ends[i] - 4 <= peak <= ends[i + 1] + 4] if TEXT[i] != " " else []
        assert one["probability"] > 0.5
    assert np.mean(near) >= 0.9
