"""Pictures where the model leaves height and width open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image

from cam_core.backend import InputInfo
from cam_core.cli.group import gradcam
from cam_core.cli.inputs.own_size import at_own_size, leaves_open
from cam_core.image import PRESETS, Preprocess

FLOAT = np.dtype("float32")
RAW = PRESETS["raw"]
HEAD = " g = GlobalAveragePool(a) f = Flatten(g) y = Concat<axis = 1>(f, f)"
BODIES = {
    "any": "a = Relu(x)" + HEAD,
    "eights": """p = AveragePool<kernel_shape = [8,8], strides = [8,8]>(x)
        u = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric",
            nearest_mode = "floor">(p, , eight)
        s = Add(u, x) a = Relu(s)"""
    + HEAD,
    "grid": """a = AveragePool<kernel_shape = [32,32], strides = [32,32]>(x)
        b = Relu(a) f = Reshape(b, flat) y = MatMul(f, w)""",
}
"""Taking any picture, sides of eights, 224 x 224 alone."""
CONSTANTS: dict[str, Any] = {
    "eight": np.array([1, 1, 8, 8], np.float32),
    "flat": np.array([0, 147]),
    "w": np.ones((147, 5), np.float32),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, body in BODIES.items():
        write(name, "float[N,3,H,W] x", body)
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 256, (20, 27, 3), dtype=np.uint8)).save("a.png")
    Image.new("RGB", (12, 9), (5, 6, 7)).save("b.png")
    return tmp_path


def write(name: str, inputs: str, body: str) -> None:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => (float[N,C] y) {{ {body} }}'
    )
    for constant, value in CONSTANTS.items():
        if constant in body:
            model.graph.initializer.append(numpy_helper.from_array(value, constant))
    Path(f"{name}.onnx").write_bytes(model.SerializeToString())


def explained(model: str, *args: str) -> list[dict[str, Any]]:
    common = ("--preprocess", "raw", "--target", "0", "-o", "out", "--json")
    result = CliRunner().invoke(gradcam, ["explain", f"{model}.onnx", *args, *common])
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["explanations"]
    return found


def test_a_picture_keeps_its_size(here: Path) -> None:
    (found,) = explained("any", "a.png")
    assert found["preprocessing"]["input_shape"] == [1, 3, 20, 27]
    pixels = np.asarray(Image.open("a.png"))[..., 0].astype(np.float64)
    np.testing.assert_allclose(np.load("out/a.0.gradcam.npy"), pixels / 540, rtol=1e-5)
    assert found["score"] == pytest.approx(pixels.mean(), rel=1e-5)


def test_each_of_several_pictures_keeps_its_own(here: Path) -> None:
    shapes = [one["preprocessing"]["input_shape"] for one in explained("any", "a.png", "b.png")]
    assert shapes == [[1, 3, 20, 27], [1, 3, 9, 12]]


@pytest.mark.parametrize(
    ("model", "args", "size"),
    [
        ("eights", (), [16, 24]),
        ("grid", (), [224, 224]),
        ("any", ("--size", "16"), [16, 16]),
        ("any", ("--size", "16x8"), [16, 8]),
        ("eights", ("--size", "40"), [40, 40]),
    ],
)
def test_sides_as_the_model_or_the_user_wants(
    model: str, args: tuple[str, ...], size: list[int], here: Path
) -> None:
    if model == "grid":
        Image.new("RGB", (300, 260), (5, 6, 7)).save("a.png")
    (found,) = explained(model, "a.png", *args)
    assert found["preprocessing"]["input_shape"] == [1, 3, *size]


def test_a_second_photo_keeps_its_size_too(here: Path) -> None:
    body = "a = Relu(x) k = Relu(z) m = GlobalAveragePool(k) q = Flatten(m)"
    body += HEAD.replace("y = Concat<axis = 1>(f, f)", "y = Concat<axis = 1>(f, q)")
    write("two", "float[N,3,H,W] x, float[N,3,h,w] z", body)
    (found,) = explained("two", "--input", "x=a.png", "--input", "z=b.png")
    assert found["preprocessing"]["input_shape"] == [1, 3, 20, 27]
    assert found["preprocessing"]["others"]["z"]["input_shape"] == [1, 3, 9, 12]


OPEN = InputInfo("x", ("N", 3, "H", "W"), FLOAT, 1)
LINE = InputInfo("x", (1, 32, None, 3), FLOAT, 3)
FIXED = InputInfo("x", (1, 3, 8, 8), FLOAT, 1)
SIZES = [
    (OPEN, RAW, 1, (30, 50)),
    (OPEN, RAW, 16, (32, 48)),
    (OPEN, RAW, 128, (128, 128)),
    (LINE, RAW, 1, (32, 53)),
    (LINE, RAW, 8, (32, 56)),
]


@pytest.mark.parametrize(("info", "spec", "step", "size"), SIZES)
def test_sizes_of_a_photo_of_30_by_50(
    info: InputInfo, spec: Preprocess, step: int, size: tuple[int, int]
) -> None:
    found = at_own_size(spec, info, (30, 50), step)
    assert (found.size, found.fit, found.margin) == (size, "stretch", 1.0)


@pytest.mark.parametrize(
    ("info", "spec"), [(FIXED, RAW), (OPEN, Preprocess(size=9)), (OPEN, Preprocess(resize=9))]
)
def test_what_says_a_size_is_heard(info: InputInfo, spec: Preprocess) -> None:
    assert not leaves_open(info, spec)
    assert at_own_size(spec, info, (30, 50), 1) is spec
    assert leaves_open(OPEN, RAW)
    assert at_own_size(RAW, OPEN, (30, 50), None) is RAW
