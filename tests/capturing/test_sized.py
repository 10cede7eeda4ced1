"""The size of the picture reaches the analysis: tokens of an open picture have a grid then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from backends.onnx import OnnxBackend, strip
from backends.onnx.capturing.sized import analyse_at
from cam_core import explain
from cam_core.errors import CamError, InputError
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


REFUSED = [  # the model's input, the static shape, the size, what is said
    ("2,3,16,16", None, (8, 12), "size 8x12: input 'x' takes only 16x16. Leave --size out."),
    ("N,3,8,W", None, (16, 12), "size 16x12: input 'x' takes only 8x?."),
    ("N,3,H,W", (1, 3, 8, 8), (16, 16), "size 16x16: input 'x' takes only 8x8."),
]


@pytest.mark.parametrize(("shape", "static", "size", "words"), REFUSED)
def test_a_size_that_the_model_does_not_have_is_refused(
    shape: str, static: tuple[int, ...] | None, size: tuple[int, int], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        analyse_at(net(shape), [None], static=static, size=size)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("command", ["layers", "check", "instrument", "explain"])
def test_every_command_refuses_it(command: str, tmp_path: Path) -> None:
    path, picture = tmp_path / "m.onnx", tmp_path / "p.png"
    path.write_bytes(net("N,3,16,16").SerializeToString())
    Image.new("RGB", (20, 20)).save(picture)
    own = {"instrument": ("-o", tmp_path / "cam.onnx"), "explain": (picture, "-o", tmp_path)}
    found = call(command, path, "--size", "8x12", *own.get(command, ()))
    assert found.exit_code == 2, found.output
    assert found.stderr == ("Error: size 8x12: input 'x' takes only 16x16. Leave --size out.\n")
    same = call(command, path, "--size", "16x16", *own.get(command, ()))
    assert same.exit_code == 0, same.output


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


def test_what_is_given_says_the_grid(tmp_path: Path) -> None:
    """Of tokens of an open picture: as at the same size from the start, without asking for it."""
    x = RNG.normal(size=(2, 3, 8, 12)).astype(np.float32)
    backend = OnnxBackend(net())
    for one, grid in ((x, (2, 3)), (x.transpose(0, 1, 3, 2), (3, 2)), (x[..., :8], (2, 2))):
        found, sized = explain(backend, one, 1), OnnxBackend(net(), size=one.shape[2:])
        assert found.map.shape == (2, *grid)
        np.testing.assert_allclose(found.map, explain(sized, one, 1).map, rtol=1e-5)
        assert explain(backend, one, 1, layer="a").map.shape == (2, *grid)
        numbered = backend.look(one, layers=[-1])
        assert numbered.activations[backend.layers()[-1].name].shape == (2, 6, *grid)
    assert OnnxBackend(net(), layer="h").look(x).activations["h"].shape == (2, 6, 2, 3)
    path, picture = tmp_path / "m.onnx", tmp_path / "p.png"
    path.write_bytes(net().SerializeToString())
    Image.new("RGB", (20, 12)).save(picture)
    explained = call("explain", path, picture, "-o", tmp_path, "--json")
    assert explained.exit_code == 0, explained.output
    (made,) = tmp_path.glob("p.*.npy")
    assert np.load(made).shape[-2:] == (3, 5)


def test_a_size_that_is_given_and_not_taken_is_said_by_the_model() -> None:
    with pytest.raises(InputError, match="p"):
        OnnxBackend(net()).look(np.zeros((1, 3, 2, 2), np.float32))
