"""Two files, whoever made one of the other."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.parser
import pytest

from cam_core.errors import InputError, ModelError
from converters.check import check

pytest.importorskip("onnxruntime")
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 8, 6] x) => (float[N, 3] y) <float scale = {2.0}> {
    a = Tanh(x)
    b = Mul(a, a)
    g = GlobalAveragePool(b)
    y = Flatten(g)
}"""
TURNED = """<ir_version: 8, opset_import: ["" : 17]>
net (float[1, 8, 6, 3] photo) => (float[1, 3] out) {
    x = Transpose<perm = [0, 3, 1, 2]>(photo)
    first = Tanh(x)
    second = Mul(first, first)
    g = GlobalAveragePool(second)
    out = Flatten(g)
}"""


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    texts = {
        "nchw": TEXT,
        "nhwc": TURNED,
        "wrong": TURNED.replace("Mul(first, first)", "Add(first, first)"),
        "small": TURNED.replace("8, 6, 3", "8, 8, 3"),
    }
    for name, text in texts.items():
        onnx.save(onnx.parser.parse_model(text), str(tmp_path / f"{name}.onnx"))
    return {name: tmp_path / f"{name}.onnx" for name in texts}


def test_layouts_do_not_matter(written: dict[str, Path]) -> None:
    assert check(written["nchw"], written["nhwc"]).same
    assert check(written["nhwc"], written["nchw"]).same


def test_the_first_that_differs_is_named(written: dict[str, Path]) -> None:
    found = check(written["nchw"], written["wrong"])
    assert not found.same
    assert (found.there, found.back) == ("b", "second")


def test_what_cannot_be_compared_is_said(written: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"takes \[1, 8, 8, 3\], and the other file"):
        check(written["nchw"], written["small"])
    (tmp_path / "junk.onnx").write_text("junk")
    with pytest.raises(ModelError, match=r"'junk.onnx' is no ONNX model, or is cut off; export"):
        check(written["nchw"], tmp_path / "junk.onnx")
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match=r"none of the kinds .*\.onnx, \.tflite"):
        check(tmp_path / "a.txt", written["nchw"])
    (tmp_path / "a.onnx").write_text("a")
    with pytest.raises(ModelError, match="no ONNX model"):
        check(tmp_path / "a.onnx", written["nchw"])
