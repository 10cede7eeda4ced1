"""Files as other tools write them: extents of -1 or 0, and declarations that the graph contradicts.

The net is convolution, ReLU, mean, linear, so that its map is a formula: alpha of a class is that
row of the weights divided by the number of places.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper
from PIL import Image

from backends.onnx import OnnxBackend, instrument, strip
from cam_core.cli.group import gradcam
from tests.sessions import run
from tests.written import parsed

RNG = np.random.default_rng(5)
WEIGHTS = {
    "w": RNG.normal(size=(4, 3, 3, 3)).astype(np.float32),
    "v": RNG.normal(size=(4, 5)).astype(np.float32),
}
BODY = """c = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, w) a = Relu(c)
    g = GlobalAveragePool(a) f = Flatten(g) l = MatMul(f, v) y = Softmax(l)"""
X = RNG.normal(size=(2, 3, 8, 12)).astype(np.float32)


def net(
    x: list[Any], y: list[Any], body: str = BODY, opset: int = 17, **inner: list[Any]
) -> onnx.ModelProto:
    """With these declarations; a number, a name, or None."""
    model = parsed("float[N, 3, H, W] x", body, "float[N, 5] y", opset)
    for name, value in WEIGHTS.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    for info, shape in ((model.graph.input[0], x), (model.graph.output[0], y)):
        info.CopyFrom(helper.make_tensor_value_info(info.name, 1, shape))
    for name, shape in inner.items():
        model.graph.value_info.append(helper.make_tensor_value_info(name, 1, shape))
    return model


DOORS = {
    "-1, as paddle2onnx writes it": net([-1, 3, -1, -1], [-1, 5]),
    "the batch alone is -1": net([-1, 3, 8, 12], [-1, 5], a=[-1, 4, 4, 6]),
    "0": net([0, 3, 0, 0], [0, 5]),
    "another output": net(["N", 3, "H", "W"], [7, 9]),
    "another output, all static": net([2, 3, 8, 12], [1, 1000]),
    "a batch of one": net(["N", 3, "H", "W"], [1, 5]),
    "an output of another rank": net(["N", 3, "H", "W"], ["N", 5, 1, 1]),
    "another map": net(["N", 3, "H", "W"], ["N", 5], a=["N", 9, 99, 99], l=[3, 2]),
    "a map of another rank": net(["N", 3, 8, 12], ["N", 5], a=["N", 9]),
}
doors = pytest.mark.parametrize("model", DOORS.values(), ids=list(DOORS))


def activations() -> Any:
    """A, place by place."""
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    found = np.zeros((2, 4, 4, 6))
    for i in range(4):
        for j in range(6):
            window = padded[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            found[:, :, i, j] = np.einsum("ncij,kcij->nk", window, WEIGHTS["w"])
    return np.maximum(found, 0)


def map_of(c: int) -> Any:
    """The formula."""
    return np.maximum(np.einsum("nkhw,k->nhw", activations(), WEIGHTS["v"][:, c] / 24), 0)


@doors
def test_the_map_is_the_formula_and_the_file_comes_back(model: onnx.ModelProto) -> None:
    before = model.SerializeToString(deterministic=True)
    made = instrument(model, target=3, verify=True)
    found = run(made, x=X)
    np.testing.assert_allclose(found["cam_map"], map_of(3), rtol=1e-5, atol=1e-6)
    logits = activations().mean(axis=(2, 3)) @ WEIGHTS["v"]
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["y"], softmax, rtol=1e-5)
    assert strip(made).SerializeToString(deterministic=True) == before
    assert model.SerializeToString(deterministic=True) == before


@doors
def test_every_command_takes_it(model: onnx.ModelProto, tmp_path: Path) -> None:
    path, photo, cam = (tmp_path / name for name in ("m.onnx", "p.png", "m.cam.onnx"))
    path.write_bytes(model.SerializeToString())
    Image.fromarray(RNG.integers(0, 255, (8, 12, 3), dtype=np.uint8)).save(photo)
    size = (
        ()
        if model.graph.input[0].type.tensor_type.shape.dim[2].dim_value > 0
        else ("--size", "8x12")
    )
    for call in (
        ("check", path, photo, "--numeric", *size),
        ("explain", path, photo, "-o", tmp_path / "out", *size),
        ("layers", path),
        ("instrument", path, "-o", cam),
        ("check", cam),
        ("strip", cam, "-o", tmp_path / "back.onnx"),
    ):
        found = CliRunner().invoke(gradcam, [*map(str, call)])
        assert found.exit_code == 0, found.output
    assert (tmp_path / "back.onnx").read_bytes() == path.read_bytes()


@doors
def test_static_shapes_on_top(model: onnx.ModelProto) -> None:
    made = instrument(model, target=3, static=(2, 3, 8, 12), verify=True)
    np.testing.assert_allclose(run(made, x=X)["cam_map"], map_of(3), rtol=1e-5, atol=1e-6)
    assert strip(made) == model


def test_an_open_extent_is_one_that_any_size_fits() -> None:
    (found,) = OnnxBackend(DOORS["-1, as paddle2onnx writes it"]).inputs()
    assert found.shape[1] == 3
    assert not any(isinstance(found.shape[i], int) for i in (0, 2, 3))
    assert len({found.shape[i] for i in (0, 2, 3)}) == 3


def cropped(attributes: str) -> onnx.ModelProto:
    """Before its convolution it cuts the picture out of a larger one."""
    body = f"k = Crop<{attributes}>(x) {BODY}".replace("(x, w)", "(k, w)")
    return net(["N", 3, 12, 18], ["N", 5], body, 9)


def test_a_crop_of_the_first_converters() -> None:
    large = np.pad(X, ((0, 0), (0, 0), (3, 1), (2, 4)), constant_values=9)
    model = cropped("border = [2, 3, 4, 1]")
    made = instrument(model, layer="a", target=3, outputs=["map", "input_gradients"], verify=True)
    found = run(made, x=large)
    np.testing.assert_allclose(found["cam_map"], map_of(3), rtol=1e-5, atol=1e-6)
    inside = np.zeros(large.shape, bool)
    inside[:, :, 3:-1, 2:-4] = True
    assert not found["cam_input_gradients"][~inside].any()
    plain = instrument(net([2, 3, 8, 12], [2, 5]), layer="a", target=3, outputs=["input_gradients"])
    wanted = run(plain, x=X)["cam_input_gradients"]
    np.testing.assert_allclose(found["cam_input_gradients"][inside], wanted.ravel(), rtol=1e-6)


TAILS = {
    "as jax writes it": """m = ReduceMax<axes = [1], keepdims = 0>(l) h = Max(m, least)
        r = Reshape(h, column) i = Identity(r) d = Sub(l, i) e = Exp(d)
        s = ReduceSum<keepdims = 0>(e, axis) t = Reshape(s, column) y = Div(e, t)""",
    "with a where": """m = ReduceMax<axes = [1]>(l) q = IsInf(m) h = Where(q, none, m)
        d = Sub(l, h) e = Exp(d) t = ReduceSum(e, axis) y = Div(e, t)""",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=list(TAILS))
def test_a_softmax_that_is_spelled_out_is_a_tail(tail: str) -> None:
    """The map is that of the logits, as the formula has it, and not of the probabilities."""
    model = net(["N", 3, "H", "W"], ["N", 5], BODY.replace("y = Softmax(l)", tail))
    constants = {"axis": [1], "column": [-1, 1], "least": np.float32(-3e38), "none": np.float32(0)}
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    backend = OnnxBackend(model)
    assert (backend.score_name, backend.analysis.score.activation) == ("l", "Softmax")
    made = instrument(model, target=3, outputs=["map", "score"], verify=True)
    found = run(made, x=X)
    np.testing.assert_allclose(found["cam_map"], map_of(3), rtol=1e-5, atol=1e-6)
    logits = activations().mean(axis=(2, 3)) @ WEIGHTS["v"]
    np.testing.assert_allclose(found["cam_score"].ravel(), logits[:, 3], rtol=1e-5)
