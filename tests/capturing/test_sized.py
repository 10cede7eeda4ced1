"""The size of the picture reaches the analysis: tokens of an open picture have a grid then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, strip
from backends.onnx.capturing.sized import analyse_at
from cam_core.errors import CamError
from tests.commands.calls import call
from tests.sessions import run
from tests.written import parsed

RNG = np.random.default_rng(4)
CONSTANTS: dict[str, Any] = {
    "w": RNG.normal(size=(6, 3, 4, 4)).astype(np.float32),
    "u": RNG.normal(size=(6, 6)).astype(np.float32),
    "v": RNG.normal(size=(6, 5)).astype(np.float32),
    "flat": np.array([0, 6, -1]),
    "one": np.array([1]),
}
TOKENS = """p = Conv<strides = [4, 4]>(x, w) r = Reshape(p, flat)
    t = Transpose<perm = [0, 2, 1]>(r) h = MatMul(t, u) a = Relu(h)
    m = ReduceMean<axes = [1], keepdims = 0>(a) y = MatMul(m, v)"""


def net(shape: str = "N,3,H,W") -> onnx.ModelProto:
    """Its last map are tokens, a row as long as height times width."""
    model = parsed(f"float[{shape}] x", TOKENS, "float[N,5] y")
    for name, value in CONSTANTS.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


@pytest.mark.parametrize("shape", ["N,3,H,W", "1,3,H,W", "N,3,8,W"])
def test_the_grid_is_that_of_the_size(shape: str) -> None:
    model = net(shape)
    found = analyse_at(model, [None], size=(8, 12))
    assert found.layers.default().tensor.name == "a"
    assert found.layers.default().layout.grid == (2, 3)
    x = RNG.normal(size=(1, 3, 8, 12)).astype(np.float32)
    inner = net(shape)
    inner.graph.output.append(onnx.helper.make_tensor_value_info("p", 1, None))
    assert run(inner, x=x)["p"].shape[2:] == (2, 3)
    assert not analyse_at(model, [None]).layers.default().layout.grid
    batch = found.graph.tensors["x"].shape[0]
    assert batch == (1 if shape.startswith("1") else "N")


def test_a_size_that_is_fixed_stays() -> None:
    model = net("2,3,16,16")
    assert analyse_at(model, [None], size=(8, 12)).graph.tensors["x"].shape == (2, 3, 16, 16)
    fixed = analyse_at(net(), [None], static=(1, 3, 8, 8), size=(16, 16))
    assert fixed.graph.tensors["x"].shape == (1, 3, 8, 8)


def test_the_backend_takes_both() -> None:
    shapes = [
        OnnxBackend(net(), **given).inputs()[0].shape
        for given in ({"size": (8, 12)}, {"static": (1, 3, 8, 12)})
    ]
    assert shapes == [("N", 3, 8, 12), (1, 3, 8, 12)]
    with pytest.raises(CamError, match="extents are 1 or more"):
        OnnxBackend(net(), static=(1, 3, 0, 8))


@pytest.mark.parametrize(
    "given", [("--size", "8x12"), ("--static", "1,3,8,12")], ids=lambda g: g[0]
)
def test_every_command_sees_the_grid(given: tuple[str, ...], tmp_path: Path) -> None:
    path, x, cam = tmp_path / "m.onnx", tmp_path / "x.npy", tmp_path / "cam.onnx"
    path.write_bytes(net().SerializeToString())
    np.save(x, RNG.normal(size=(1, 3, 8, 12)).astype(np.float32))
    explained = call("explain", path, x, "-o", tmp_path, "--no-pictures", "--json", *given)
    assert explained.exit_code == 0, explained.output
    (made,) = tmp_path.glob("x.*.npy")
    assert np.load(made).shape[-2:] == (2, 3)
    listed = json.loads(call("layers", path, "--json", *given).output)["layers"]
    assert listed[-1]["shape"][1] == 6
    checked = call("check", path, x, "--numeric", *given)
    assert checked.exit_code == 0, checked.output
    written = call("instrument", path, "-o", cam, *given)
    assert written.exit_code == 0, written.output
    said = "the picture is 8 x 12" if given[0] == "--size" else "the input is 1 x 3 x 8 x 12"
    assert f"static  {said}" in written.output
    declared = [d.dim_value for d in onnx.load(cam).graph.input[0].type.tensor_type.shape.dim]
    assert declared[1:] == [3, 8, 12]
    found = run(cam, x=np.load(x), cam_class=np.array([-1]))
    assert found["cam_map"].shape == (1, 2, 3)
    np.testing.assert_allclose(
        found["cam_map"].ravel(), np.load(made).ravel(), rtol=1e-5, atol=1e-6
    )
    assert strip(cam) == net()
